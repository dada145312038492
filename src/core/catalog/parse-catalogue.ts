import { parsePrice } from '../pricing/index.js';
import { CAPABILITY_FLAGS, CAPABILITY_SIZES, type CacheFacts, type CatalogueRow, type Lifecycle } from './catalogue-row.js';
import { Fields, invalid } from './fields.js';
import type { Capabilities, ModelParameters } from './model.js';

const MAX_ROWS = 5_000;
const ROW_FIELDS =
  'id upstream_model name aliases class endpoints capabilities price unpriced cache parameters facts status released retired_at replacement source date'.split(
    ' ',
  );
const STATUS: readonly Lifecycle[] = ['active', 'beta', 'deprecated', 'retired'];
const DAY = /^\d{4}-\d{2}-\d{2}$/;

/** Reads one file of `catalog/`: `provider`, `about` (a remark for people), `cache` (what holds for all its models) and `models`. Throws GatewayError that names the path within it. */
export function parseCatalogue(document: unknown): CatalogueRow[] {
  const fields = new Fields(document, '', ['provider', 'about', 'cache', 'models']);
  const provider = fields.required('provider');
  const cache = parseCache(fields.raw('cache'), 'cache');
  return fields.list('models', MAX_ROWS).map((row, index) => parseRow(row, `models[${index}]`, { provider, cache }));
}

interface FileFacts {
  provider: string;
  cache: CacheFacts | undefined;
}

function parseRow(value: unknown, path: string, file: FileFacts): CatalogueRow {
  const fields = new Fields(value, path, ROW_FIELDS);
  const id = fields.required('id');
  const retired = day(fields, 'retired_at');
  return {
    id,
    provider: file.provider,
    upstreamModel: fields.required('upstream_model'),
    name: fields.string('name'),
    aliases: fields.strings('aliases', 20),
    class: fields.string('class'),
    endpoints: fields.has('endpoints') ? fields.strings('endpoints', 10) : ['chat'],
    capabilities: parseCapabilities(fields.raw('capabilities'), fields.at('capabilities')),
    price: fields.has('price') ? parsePrice(fields.raw('price'), fields.at('price')) : null,
    unpriced: fields.string('unpriced'),
    cache: parseCache(fields.raw('cache'), fields.at('cache')) ?? file.cache,
    parameters: parseModelParameters(fields.raw('parameters'), fields.at('parameters')),
    modelFacts: (fields.raw('facts') as Record<string, unknown> | undefined) ?? {},
    status: fields.oneOf('status', STATUS) ?? 'active',
    releasedS: Math.floor((day(fields, 'released') ?? 0) / 1_000),
    ...(retired !== undefined && { retiredAtMs: retired }),
    replacement: fields.string('replacement'),
    source: fields.required('source'),
    date: fields.required('date'),
  };
}

function parseCache(value: unknown, path: string): CacheFacts | undefined {
  if (value === undefined) return undefined;
  const fields = new Fields(value, path, ['lifetime_s', 'min_tokens', 'explicit', 'source', 'date']);
  const lifetimeS = fields.integer('lifetime_s', { min: 1, max: 31_536_000 });
  if (lifetimeS === undefined) throw invalid(fields.at('lifetime_s'), 'is missing');
  const minTokens = fields.integer('min_tokens', { min: 1, max: 1_000_000 });
  return {
    lifetimeS,
    ...(minTokens !== undefined && { minTokens }),
    explicit: fields.boolean('explicit') ?? false,
    source: fields.required('source'),
    date: fields.required('date'),
  };
}

function day(fields: Fields, name: string): number | undefined {
  const text = fields.string(name);
  if (text === undefined) return undefined;
  if (!DAY.test(text) || Number.isNaN(Date.parse(text))) throw invalid(fields.at(name), 'must be a date like 2026-07-02');
  return Date.parse(text);
}

/** `capabilities` of the catalogue and of the configuration document. */
export function parseCapabilities(value: unknown, path: string): Capabilities {
  const capabilities: Capabilities = {};
  if (value === undefined || value === null) return capabilities;
  const fields = new Fields(value, path, [...Object.keys(CAPABILITY_FLAGS), ...Object.keys(CAPABILITY_SIZES)]);
  for (const [name, flag] of Object.entries(CAPABILITY_FLAGS)) {
    const set = fields.boolean(name);
    if (set !== undefined) Object.assign(capabilities, { [flag]: set });
  }
  for (const [name, size] of Object.entries(CAPABILITY_SIZES)) {
    const tokens = fields.integer(name, { min: 1, max: 100_000_000 });
    if (tokens !== undefined) capabilities[size] = tokens;
  }
  return capabilities;
}

function parseModelParameters(value: unknown, path: string): ModelParameters {
  if (value === undefined) return {};
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(path, 'must be an object');
  const parameters: Record<string, 'omit' | { min?: number; max?: number }> = {};
  for (const [name, rule] of Object.entries(value)) parameters[name] = rule === 'omit' ? 'omit' : parseRange(rule, `${path}.${name}`);
  return parameters;
}

function parseRange(value: unknown, path: string): { min?: number; max?: number } {
  const fields = new Fields(value, path, ['min', 'max']);
  const bound = (name: string): number | undefined => {
    const number = fields.raw(name);
    if (number === undefined || typeof number === 'number') return number;
    throw invalid(fields.at(name), 'must be a number');
  };
  const [min, max] = [bound('min'), bound('max')];
  return { ...(min !== undefined && { min }), ...(max !== undefined && { max }) };
}
