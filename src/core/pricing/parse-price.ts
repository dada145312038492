import { createHash } from 'node:crypto';
import { invalidRequest } from '../errors/gateway-error.js';
import type { TokenClass } from '../chat/usage.js';
import type { Price, TokenPrices } from './price.js';
import { formatUsd, InvalidAmountError, parseUsd } from './usd.js';

/** The document's name of each token class (CONTRACT section 3). */
export const PRICE_FIELDS: readonly (readonly [string, TokenClass])[] = [
  ['input', 'input'],
  ['cache_read', 'cacheRead'],
  ['cache_write', 'cacheWrite'],
  ['cache_write_1h', 'cacheWrite1h'],
  ['output', 'output'],
  ['reasoning', 'reasoning'],
  ['audio_in', 'audioIn'],
  ['audio_out', 'audioOut'],
  ['image', 'image'],
];
const UNIT_FIELDS = ['request', 'per_image', 'per_second'] as const;
const TOKEN_NAMES = PRICE_FIELDS.map(([name]) => name);
const PRICE_NAMES = [...TOKEN_NAMES, ...UNIT_FIELDS, 'tiers', 'effective_from'];
const MAX_TIERS = 16;
/** A million USD per million tokens: a price above one USD a token is a slip of the keyboard. */
const MAX_RATE_NANO_USD = 1_000_000n * 1_000_000_000n;
const DATE_TIME = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2}))?$/;

type Fields = Record<string, unknown>;

/**
 * The `price` or `cost` of the configuration document → Price. `path` is the JSON path shown in errors (400
 * `invalid_request`). Unknown keys are refused; every amount is a decimal string in USD (per million tokens, or per unit).
 */
export function parsePrice(value: unknown, path: string): Price {
  if (value === 'free') return withId({ ...EMPTY, free: true });
  const fields = objectAt(value, path, 'must be `free` or an object of prices');
  refuseUnknown(fields, PRICE_NAMES, path);
  const tokens = parseTokens(fields, path);
  const price: Omit<Price, 'id'> = {
    free: false,
    tokens,
    tiers: parseTiers(fields['tiers'], tokens, `${path}.tiers`),
    perRequestNanoUsd: parseRate(fields['request'], `${path}.request`) ?? 0n,
    perImageNanoUsd: parseRate(fields['per_image'], `${path}.per_image`) ?? 0n,
    perSecondNanoUsd: parseRate(fields['per_second'], `${path}.per_second`) ?? 0n,
    effectiveFromMs: parseTime(fields['effective_from'], `${path}.effective_from`),
  };
  refuseHalf(price, fields, path);
  return withId(price);
}

/** The document that `parsePrice` reads back into the same price (same id). */
export function renderPrice(price: Price): 'free' | Record<string, unknown> {
  if (price.free) return 'free';
  const document: Record<string, unknown> = renderTokens(price.tokens);
  if (price.perRequestNanoUsd > 0n) document['request'] = formatUsd(price.perRequestNanoUsd);
  if (price.perImageNanoUsd > 0n) document['per_image'] = formatUsd(price.perImageNanoUsd);
  if (price.perSecondNanoUsd > 0n) document['per_second'] = formatUsd(price.perSecondNanoUsd);
  if (price.tiers.length > 0) {
    document['tiers'] = price.tiers.map((tier) => ({ min_prompt_tokens: tier.minPromptTokens, ...renderTokens(tier.tokens) }));
  }
  if (price.effectiveFromMs !== undefined) document['effective_from'] = new Date(price.effectiveFromMs).toISOString();
  return document;
}

const EMPTY: Omit<Price, 'id'> = { free: false, tokens: {}, tiers: [], perRequestNanoUsd: 0n, perImageNanoUsd: 0n, perSecondNanoUsd: 0n };

function withId(price: Omit<Price, 'id'>): Price {
  const canonical = JSON.stringify(renderPrice({ ...price, id: '' }));
  return { id: `price_${createHash('sha256').update(canonical).digest('hex').slice(0, 32)}`, ...price };
}

function renderTokens(tokens: TokenPrices): Record<string, unknown> {
  const entries = PRICE_FIELDS.flatMap(([name, tokenClass]) => {
    const nano = tokens[tokenClass];
    return nano === undefined ? [] : [[name, formatUsd(nano)] as const];
  });
  return Object.fromEntries(entries);
}

function parseTokens(fields: Fields, path: string): TokenPrices {
  const tokens: TokenPrices = {};
  for (const [name, tokenClass] of PRICE_FIELDS) {
    const rate = parseRate(fields[name], `${path}.${name}`);
    if (rate !== undefined) tokens[tokenClass] = rate;
  }
  return tokens;
}

/** Tiers ascend, and none is cheaper than the one before: a longer prompt must never cost less (invariant I14). */
function parseTiers(value: unknown, base: TokenPrices, path: string): Price['tiers'] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw invalidRequest(path, `${path} must be a list`);
  if (value.length > MAX_TIERS) throw invalidRequest(path, `${path} must have at most ${MAX_TIERS} tiers`);
  const tiers = value.map((item, index) => parseTier(item, `${path}[${index}]`));
  tiers.sort((a, b) => a.minPromptTokens - b.minPromptTokens);
  let before = base;
  for (const tier of tiers) {
    for (const [name, tokenClass] of PRICE_FIELDS) {
      const rate = tier.tokens[tokenClass];
      if (rate !== undefined && rate < (rateOf(before, tokenClass) ?? 0n)) {
        throw invalidRequest(path, `${path}: the tier from ${tier.minPromptTokens} prompt tokens has a cheaper ${name} than the one before it`);
      }
    }
    before = { ...before, ...tier.tokens };
  }
  if (new Set(tiers.map((tier) => tier.minPromptTokens)).size !== tiers.length) {
    throw invalidRequest(path, `${path}: two tiers begin at the same min_prompt_tokens`);
  }
  return tiers;
}

function parseTier(value: unknown, path: string): Price['tiers'][number] {
  const fields = objectAt(value, path, 'must be an object');
  refuseUnknown(fields, [...TOKEN_NAMES, 'min_prompt_tokens'], path);
  const from = fields['min_prompt_tokens'];
  if (typeof from !== 'number' || !Number.isSafeInteger(from) || from < 1) {
    throw invalidRequest(`${path}.min_prompt_tokens`, `${path}.min_prompt_tokens must be a whole number of at least 1`);
  }
  return { minPromptTokens: from, tokens: parseTokens(fields, path) };
}

/**
 * Where a class without a price of its own is charged: reasoning → output; the caches → input (CONTRACT section 3).
 * An answer of a model that prices only its input (embeddings) is charged as input: never served for nothing.
 */
const FALLBACK_CLASS: Readonly<Partial<Record<TokenClass, TokenClass>>> = {
  output: 'input',
  reasoning: 'output',
  cacheRead: 'input',
  cacheWrite: 'input',
  cacheWrite1h: 'input',
  audioIn: 'input',
  audioOut: 'output',
  image: 'output',
};

/** The rate a class is charged at, after the fallback; undefined when nothing prices it. */
export function rateOf(tokens: TokenPrices, tokenClass: TokenClass): bigint | undefined {
  const fallback = FALLBACK_CLASS[tokenClass];
  return tokens[tokenClass] ?? (fallback === undefined ? undefined : rateOf(tokens, fallback));
}

/** Prices by unit alone are complete; prices by token need both ends, or an answer would be free by accident. */
function refuseHalf(price: Omit<Price, 'id'>, fields: Fields, path: string): void {
  const byUnit = UNIT_FIELDS.some((name) => fields[name] !== undefined);
  if (price.tokens.input === undefined && Object.keys(price.tokens).length > 0 && !byUnit) {
    throw invalidRequest(`${path}.input`, `${path}.input is missing: tokens of the prompt would have no price`);
  }
  if (Object.keys(price.tokens).length === 0 && !byUnit) {
    throw invalidRequest(path, `${path} prices nothing; write \`free\` if that is meant`);
  }
}

function parseRate(value: unknown, path: string): bigint | undefined {
  if (value === undefined) return undefined;
  try {
    const nano = parseUsd(value);
    if (nano > MAX_RATE_NANO_USD) throw new InvalidAmountError('must be at most 1000000 USD');
    return nano;
  } catch (error) {
    if (error instanceof InvalidAmountError) throw invalidRequest(path, `${path} ${error.message}`);
    throw error;
  }
}

function parseTime(value: unknown, path: string): number | undefined {
  if (value === undefined) return undefined;
  const ms = typeof value === 'string' && DATE_TIME.test(value) ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(ms)) throw invalidRequest(path, `${path} must be a date or a date and time with offset (ISO 8601)`);
  return ms;
}

function objectAt(value: unknown, path: string, message: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalidRequest(path, `${path} ${message}`);
  return value as Fields;
}

function refuseUnknown(fields: Fields, known: readonly string[], path: string): void {
  for (const name of Object.keys(fields)) {
    if (!known.includes(name)) throw invalidRequest(`${path}.${name}`, `${path}.${name} is not a field of a price (${known.join(', ')})`);
  }
}
