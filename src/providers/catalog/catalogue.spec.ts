import { parseCatalogue } from '../../core/catalog/parse-catalogue.js';
import { DEFINITIONS } from '../definitions/index.js';
import { loadCatalogue } from './index.js';

describe('the catalogue on disk', () => {
  const catalogue = loadCatalogue();

  it('has rows for the first providers, priced, with source and date', () => {
    expect(catalogue.rows.length).toBeGreaterThan(300);
    expect(new Set(catalogue.rows.map((row) => row.provider)).size).toBeGreaterThan(25);
    const unpriced = catalogue.rows.filter((row) => row.price === null && row.unpriced === undefined).map((row) => row.id);
    expect(unpriced).toEqual([]);
    for (const row of catalogue.rows) {
      expect(row.date).toMatch(/^\d{4}-\d{2}-\d{2}$/);
      expect(row.id.startsWith(`${row.provider}/`)).toBe(true);
    }
    const served = new Set(catalogue.rows.map((row) => row.provider));
    expect(DEFINITIONS.filter((definition) => definition.baseUrl !== null && definition.anonymous !== true && !served.has(definition.id))).toEqual([]);
  });

  it('names a replacement for what is retired, and every replacement exists', () => {
    const retired = catalogue.rows.filter((row) => row.status === 'retired');
    expect(retired.length).toBeGreaterThan(0);
    for (const row of retired) expect(catalogue.findById(row.replacement ?? '')).not.toBeNull();
  });

  it('finds a model by any of the vendor’s names', () => {
    expect(catalogue.findByUpstream('anthropic', 'claude-sonnet-4-5')?.id).toBe('anthropic/claude-sonnet-4.5');
    expect(catalogue.findByUpstream('anthropic', 'claude-sonnet-4-5-20250929')?.id).toBe('anthropic/claude-sonnet-4.5');
    expect(catalogue.findById('openai/gpt-5')?.price?.tokens).toEqual({ input: 1_250_000_000n, output: 10_000_000_000n, cacheRead: 125_000_000n });
  });

  it('says how long a cached prefix lives, for a provider or for one model', () => {
    expect(catalogue.findById('anthropic/claude-sonnet-4.5')?.cache).toMatchObject({ lifetimeS: 300, minTokens: 1024, explicit: true });
    const [row] = parseCatalogue({
      provider: 'x',
      cache: { lifetime_s: 60, source: 's', date: 'd' },
      models: [{ id: 'x/y', upstream_model: 'y', source: 's', date: '2026-01-01', cache: { lifetime_s: 5, source: 's', date: 'd' } }],
    });
    expect(row?.cache).toMatchObject({ lifetimeS: 5, explicit: false });
  });

  it('prices a one-hour cache write at twice the input (Anthropic)', () => {
    for (const row of catalogue.listByProvider('anthropic')) expect(row.price?.tokens.cacheWrite1h).toBe((row.price?.tokens.input ?? 0n) * 2n);
  });
});

describe('parseCatalogue', () => {
  const row = { id: 'x/y', upstream_model: 'y', source: 's', date: '2026-01-01' };
  it.each([
    [{ ...row, prices: {} }, 'models[0].prices is not a known key here; did you mean "price"?'],
    [{ ...row, price: { input: 3, output: '1' } }, 'models[0].price.input'],
    [{ ...row, capabilities: { visoin: true } }, 'did you mean "vision"?'],
    [{ ...row, released: 'yesterday' }, 'models[0].released must be a date'],
    [{ ...row, parameters: { top_k: 'drop' } }, 'models[0].parameters.top_k must be an object'],
    [{ ...row, cache: { min_tokens: 5 } }, 'models[0].cache.lifetime_s is missing'],
    [{ ...row, id: '' }, 'models[0].id must be a text'],
  ])('refuses %j', (bad, message) => expect(() => parseCatalogue({ provider: 'x', models: [bad] })).toThrow(message));
});
