import fc from 'fast-check';
import { applyPrices, comparePrices } from './compare-prices.js';
import { decimal, foreignFormat, parseForeignPrices } from './foreign-prices.js';
import { parseCatalogue } from './parse-catalogue.js';
import { renderCatalogueFile } from './render-catalogue.js';

const MODELS_DEV = {
  google: {
    models: {
      'gemini-x': {
        name: 'Gemini X',
        release_date: '2026-01-02',
        cost: { input: 0.3, output: 2.5, cache_read: 0.03, cache_write: 0 },
        limit: { context: 1_048_576, output: 65_536 },
        modalities: { input: ['text', 'image'], output: ['text'] },
        tool_call: true,
        reasoning: true,
      },
    },
  },
};
const LITELLM = {
  sample_spec: { litellm_provider: 'one of many' },
  'together_ai/vendor/model': {
    litellm_provider: 'together_ai',
    input_cost_per_token: 1.5e-7,
    output_cost_per_token: 6e-7,
    max_input_tokens: 131_072,
    mode: 'chat',
    supports_function_calling: true,
  },
  'text-embedding-3-small': { litellm_provider: 'openai', input_cost_per_token: 2e-8, output_cost_per_token: 0, mode: 'embedding', max_input_tokens: 8_191 },
};

describe('parseForeignPrices', () => {
  it('tells the lists apart by their shape', () => {
    expect([MODELS_DEV, LITELLM, { a: 1 }, [], null].map(foreignFormat)).toEqual(['models.dev', 'litellm', null, null, null]);
  });

  it('reads models.dev: per million, its names of providers, zero as unknown', () =>
    expect(parseForeignPrices(MODELS_DEV, 'models.dev')).toEqual([
      {
        provider: 'gemini',
        upstreamModel: 'gemini-x',
        name: 'Gemini X',
        released: '2026-01-02',
        contextWindow: 1_048_576,
        maxOutput: 65_536,
        price: { input: '0.30', output: '2.50', cache_read: '0.03' },
        flags: { tools: true, reasoning: true, vision: true },
        endpoints: ['chat'],
      },
    ]));

  it('reads litellm: per token, the provider as a prefix, modes as endpoints', () =>
    expect(parseForeignPrices(LITELLM, 'litellm')).toEqual([
      {
        provider: 'together',
        upstreamModel: 'vendor/model',
        contextWindow: 131_072,
        price: { input: '0.15', output: '0.60' },
        flags: { tools: true },
        endpoints: ['chat'],
      },
      { provider: 'openai', upstreamModel: 'text-embedding-3-small', contextWindow: 8_191, price: { input: '0.02' }, flags: {}, endpoints: ['embeddings'] },
    ]));

  it('moves the decimal point exactly', () => {
    expect([decimal(1.5e-7, 6), decimal(3e-6, 6), decimal(1.1e-6, 6), decimal(12, 0), decimal(0.003625, 0)]).toEqual([
      '0.15',
      '3.00',
      '1.10',
      '12.00',
      '0.003625',
    ]);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10_000_000 }), (micro) => {
        expect(Number(decimal(micro / 1e6, 0))).toBe(micro / 1e6);
        expect(Number(decimal(micro / 1e12, 6)) * 1e6).toBeCloseTo(micro, 3);
      }),
    );
  });
});

describe('comparePrices', () => {
  const row = {
    id: 'gemini/x',
    upstream_model: 'gemini-x',
    capabilities: { vision: true, max_output: 65_536 },
    price: { input: '0.3', output: '2.00' },
    source: 'old',
    date: '2026-01-01',
  };
  const documents = [{ provider: 'gemini', about: 'kept', models: [row, { ...row, id: 'gemini/z', upstream_model: 'z' }] }];
  const foreign = parseForeignPrices({ ...MODELS_DEV, nobody: MODELS_DEV.google }, 'models.dev');

  it('says what differs, field by field, and takes equal amounts for equal', () =>
    expect(comparePrices(documents, foreign, { newModels: false }).map(({ field, ours, theirs }) => [field, ours, theirs])).toEqual([
      ['price.output', '2.00', '2.50'],
      ['price.cache_read', undefined, '0.03'],
      ['capabilities.context_window', undefined, '1048576'],
    ]));

  it('writes them with their source and date, and nothing else', () => {
    const [next] = applyPrices(documents, foreign, { newModels: true, source: 'list', date: '2026-11-21' });
    expect(next).toEqual({
      ...documents[0],
      models: [
        {
          ...row,
          capabilities: { vision: true, max_output: 65_536, context_window: 1_048_576 },
          price: { input: '0.30', output: '2.50', cache_read: '0.03' },
          source: 'list',
          date: '2026-11-21',
        },
        documents[0]?.models[1],
      ],
    });
    expect(comparePrices([next as never], foreign, { newModels: true })).toEqual([]);
  });

  it('shows and adds new models when asked, as rows the catalogue takes', () => {
    const empty = [{ provider: 'gemini', models: [] }];
    expect(comparePrices(empty, foreign, { newModels: false })).toEqual([]);
    expect(comparePrices(empty, foreign, { newModels: true })).toMatchObject([
      { kind: 'new', id: 'gemini/gemini-x', theirs: 'input 0.30, output 2.50, cache_read 0.03' },
    ]);
    const [next] = applyPrices(empty, foreign, { newModels: true, source: 'list', date: '2026-11-21' });
    const text = renderCatalogueFile(next as never);
    expect(parseCatalogue(JSON.parse(text))[0]).toMatchObject({ id: 'gemini/gemini-x', capabilities: { vision: true, contextWindow: 1_048_576 } });
  });

  it('never makes `free` cost something, or something free', () => {
    const free = [{ provider: 'gemini', models: [{ ...row, price: 'free' }] }];
    expect(comparePrices(free, foreign, { newModels: false }).map(({ field }) => field)).toEqual(['capabilities.context_window']);
  });
});
