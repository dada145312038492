import { checkCatalogue } from './check-catalogue.js';
import { parseCatalogue } from './parse-catalogue.js';

const NOW_MS = Date.parse('2026-11-21');
const ROW = { id: 'x/y', upstream_model: 'y', price: { input: '1', output: '2' }, source: 's', date: '2026-11-01' };
const check = (...rows: object[]) =>
  checkCatalogue(parseCatalogue({ provider: 'x', models: rows.map((row) => ({ ...ROW, ...row })) }), { nowMs: NOW_MS, maxAgeDays: 180 }).map(
    ({ severity, rule, id, message }) => `${severity} ${rule} ${id} ${message}`,
  );

describe('checkCatalogue', () => {
  it('has nothing to say about a sound row', () => expect(check({}, { id: 'x/z', upstream_model: 'z', price: 'free', aliases: ['z'] })).toEqual([]));

  it.each([
    [{ price: undefined }, 'error unpriced x/y has no price, and does not say why'],
    [{ price: undefined, unpriced: 'priced in yen' }, 'note unpriced x/y has no price: priced in yen'],
    [{ unpriced: 'priced in yen' }, 'error unpriced x/y has a price and a reason'],
    [{ capabilities: { context_window: 8_000, max_output: 9_000 } }, 'error contradictory x/y may put out 9000 tokens'],
    [{ capabilities: { reasoning: false }, facts: { efforts: ['low'] } }, 'error contradictory x/y does not reason'],
    [{ capabilities: { reasoning: false }, price: { input: '1', output: '2', reasoning: '3' } }, 'error contradictory x/y does not reason'],
    [{ capabilities: { tools: false, parallel_tools: true } }, 'error contradictory x/y has no tools'],
    [{ endpoints: ['embedding'] }, 'error contradictory x/y serves embedding'],
    [{ price: { input: '1', output: '2', cache_read: '1.5' } }, 'error contradictory x/y its price: cache_read is dearer than input'],
    [
      { price: { input: '1', output: '2', cache_read: '0.5', tiers: [{ min_prompt_tokens: 5, cache_read: '1.1' }] } },
      'error contradictory x/y the tier from 5 tokens: cache_read',
    ],
    [{ retired_at: '2026-01-01', replacement: 'x/y' }, 'error retired x/y was retired on 2026-01-01, but its status is active'],
    [{ status: 'retired', retired_at: '2027-01-01' }, 'error retired x/y is retired without a retired_at in the past'],
    [{ status: 'deprecated' }, 'warning retired x/y is deprecated without a replacement'],
    [{ status: 'deprecated', replacement: 'x/q' }, 'error retired x/y its replacement x/q is not in the catalogue'],
    [{ date: '2026-05-01' }, 'warning stale x/y was read 204 days ago'],
    [{ date: '2027-05-01' }, 'error stale x/y was read on 2027-05-01, which is yet to come'],
    [{ date: 'spring' }, 'error stale x/y its date spring is none'],
  ])('finds %j', (row, message) => expect(check(row)).toEqual(expect.arrayContaining([expect.stringContaining(message)])));

  it('finds a replacement that is retired itself, and says what is retired', () => {
    const gone = { status: 'retired', retired_at: '2026-01-01', replacement: 'x/z' };
    expect(check(gone, { ...gone, id: 'x/z', upstream_model: 'z', replacement: 'x/y' })).toEqual([
      'error retired x/y its replacement x/z is retired, too',
      'note retired x/y is retired since 2026-01-01',
      'error retired x/z its replacement x/y is retired, too',
      'note retired x/z is retired since 2026-01-01',
    ]);
  });

  it('finds ids, aliases and upstream models that lead to two rows', () =>
    expect(check({ aliases: ['a'] }, {}, { id: 'x/z', upstream_model: 'z', aliases: ['a', 'x/y'] })).toEqual([
      'error duplicate x/y the id x/y is taken by x/y',
      'error duplicate x/y the upstream model y is taken by x/y',
      'error duplicate x/z the alias a is taken by x/y',
      'error duplicate x/z the alias x/y is taken by x/y',
    ]));

  it('knows that two providers may serve a model of one name: the first that is configured has the alias', () => {
    const at = (provider: string) => parseCatalogue({ provider, models: [{ ...ROW, id: `${provider}/y`, aliases: ['y'] }] });
    expect(checkCatalogue([...at('x'), ...at('z')], { nowMs: NOW_MS, maxAgeDays: 180 })).toEqual([
      { severity: 'note', rule: 'duplicate', id: 'z/y', message: 'the alias y is shared with x/y' },
    ]);
  });
});
