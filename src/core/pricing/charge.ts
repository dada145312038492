import { promptTokens, type TokenClass, type Usage } from '../chat/usage.js';
import type { ChargeLine } from '../ledger/settlement.js';
import { PRICE_FIELDS, rateOf } from './parse-price.js';
import type { Price, TokenPrices } from './price.js';

/** What is charged besides tokens. Seconds may be fractions; they are counted to the microsecond, rounded up. */
export interface ChargeUnits {
  requests: number;
  images: number;
  seconds: number;
}

export const NO_UNITS: Readonly<ChargeUnits> = Object.freeze({ requests: 0, images: 0, seconds: 0 });

export interface Charge {
  /** Rounded up to a whole nano-USD, once. */
  totalNanoUsd: bigint;
  /** The arithmetic, without classes of quantity 0. */
  lines: ChargeLine[];
  /** Classes that had tokens and no price of their own where the contract demands one; charged as input or output. */
  unpricedClasses: TokenClass[];
}

const PER_MILLION = 1_000_000n;
/** Falling back is the documented price for these; for audio and images it is an estimate. */
const PRICED_BY_RULE: ReadonlySet<TokenClass> = new Set(['reasoning', 'cacheRead', 'cacheWrite', 'cacheWrite1h']);

/** True when every count is a non-negative integer below 2^53: anything else must be estimated, never charged. */
export function isBelievable(usage: Usage): boolean {
  return (
    isCount(usage.input) && isCount(usage.cacheRead) && isCount(usage.cacheWrite) && isCount(usage.cacheWrite1h) && isCount(usage.output) &&
    isCount(usage.reasoning) && isCount(usage.audioIn) && isCount(usage.audioOut) && isCount(usage.image)
  );
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

/**
 * The exact price of a usage. The usage must be believable (`isBelievable`); everything is integer arithmetic in millionths
 * of a nano-USD, and the sum is rounded up once.
 */
export function chargeFor(usage: Usage, price: Price, units: ChargeUnits): Charge {
  const arithmetic: Arithmetic = { lines: [], unpricedClasses: [] };
  const totalNanoUsd = addUp(usage, price, units, arithmetic);
  return { totalNanoUsd, lines: arithmetic.lines, unpricedClasses: arithmetic.unpricedClasses };
}

/** The sum of `chargeFor` alone, for whom the arithmetic does not interest. */
export function totalFor(usage: Usage, price: Price, units: ChargeUnits): bigint {
  return addUp(usage, price, units, null);
}

type Arithmetic = Pick<Charge, 'lines' | 'unpricedClasses'>;

function addUp(usage: Usage, price: Price, units: ChargeUnits, arithmetic: Arithmetic | null): bigint {
  if (price.free) return 0n;
  const rates = ratesFor(price, promptTokens(usage));
  let millionths = 0n;
  for (const [name, tokenClass] of PRICE_FIELDS) {
    const quantity = usage[tokenClass];
    if (quantity === 0 || (rates[tokenClass] === undefined && chargedByUnit(tokenClass, price, units))) continue;
    const rate = rateOf(rates, tokenClass) ?? 0n;
    millionths += BigInt(quantity) * rate;
    if (arithmetic === null) continue;
    if (rates[tokenClass] === undefined && !PRICED_BY_RULE.has(tokenClass)) arithmetic.unpricedClasses.push(tokenClass);
    arithmetic.lines.push({ class: name, quantity, priceNanoUsd: rate.toString(), unit: 'per_million_tokens' });
  }
  millionths += addUnits(units, price, arithmetic);
  return (millionths + PER_MILLION - 1n) / PER_MILLION;
}

/** The rates of the tier that a prompt of so many tokens falls into; the tier holds for the whole request. */
export function ratesFor(price: Price, promptTokenCount: number): TokenPrices {
  let rates = price.tokens;
  for (const tier of price.tiers) {
    if (promptTokenCount >= tier.minPromptTokens) rates = { ...rates, ...tier.tokens };
  }
  return rates;
}

/** Tokens of an image that is charged by the piece, or of audio charged by the second, are not charged a second time. */
function chargedByUnit(tokenClass: TokenClass, price: Price, units: ChargeUnits): boolean {
  if (tokenClass === 'image') return price.perImageNanoUsd > 0n && units.images > 0;
  return (tokenClass === 'audioIn' || tokenClass === 'audioOut') && price.perSecondNanoUsd > 0n && units.seconds > 0;
}

function addUnits(units: ChargeUnits, price: Price, arithmetic: Arithmetic | null): bigint {
  if (price.perRequestNanoUsd === 0n && price.perImageNanoUsd === 0n && price.perSecondNanoUsd === 0n) return 0n;
  const line = (name: string, quantity: number, priceNanoUsd: bigint, unit: ChargeLine['unit']): void => {
    if (quantity > 0 && priceNanoUsd > 0n) arithmetic?.lines.push({ class: name, quantity, priceNanoUsd: priceNanoUsd.toString(), unit });
  };
  line('request', units.requests, price.perRequestNanoUsd, 'per_request');
  line('image', units.images, price.perImageNanoUsd, 'per_image');
  line('second', units.seconds, price.perSecondNanoUsd, 'per_second');
  return (
    BigInt(units.requests) * PER_MILLION * price.perRequestNanoUsd +
    BigInt(units.images) * PER_MILLION * price.perImageNanoUsd +
    BigInt(Math.ceil(units.seconds * 1e6)) * price.perSecondNanoUsd
  );
}
