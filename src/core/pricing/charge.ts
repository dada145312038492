import { promptTokens, type TokenClass, type Usage } from '../chat/usage.js';
import type { ChargeLine } from '../ledger/settlement.js';
import type { Price } from './price.js';
import { ratesFor, type ClassRate, type RateTable } from './rate-table.js';

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
  const totalNanoUsd = new Sum(price, units, arithmetic).of(usage);
  return { totalNanoUsd, lines: arithmetic.lines, unpricedClasses: arithmetic.unpricedClasses };
}

/** The sum of `chargeFor` alone, for whom the arithmetic does not interest. */
export function totalFor(usage: Usage, price: Price, units: ChargeUnits): bigint {
  return new Sum(price, units, null).of(usage);
}

type Arithmetic = Pick<Charge, 'lines' | 'unpricedClasses'>;

/** Adds up one charge. */
class Sum {
  #millionths = 0n;
  readonly #price: Price;
  readonly #units: ChargeUnits;
  readonly #arithmetic: Arithmetic | null;

  constructor(price: Price, units: ChargeUnits, arithmetic: Arithmetic | null) {
    this.#price = price;
    this.#units = units;
    this.#arithmetic = arithmetic;
  }

  of(usage: Usage): bigint {
    if (this.#price.free) return 0n;
    this.#addTokens(usage, ratesFor(this.#price, promptTokens(usage)));
    this.#millionths += addUnits(this.#units, this.#price, this.#arithmetic);
    return (this.#millionths + PER_MILLION - 1n) / PER_MILLION;
  }

  /** One by one: members of varying names are read five times as slowly (2026-11-30). */
  #addTokens(usage: Usage, rates: RateTable): void {
    this.#add(rates.input, usage.input);
    this.#add(rates.cacheRead, usage.cacheRead);
    this.#add(rates.cacheWrite, usage.cacheWrite);
    this.#add(rates.cacheWrite1h, usage.cacheWrite1h);
    this.#add(rates.output, usage.output);
    this.#add(rates.reasoning, usage.reasoning);
    this.#add(rates.audioIn, usage.audioIn);
    this.#add(rates.audioOut, usage.audioOut);
    this.#add(rates.image, usage.image);
  }

  #add(rate: ClassRate, quantity: number): void {
    if (quantity === 0 || (!rate.isOwn && chargedByUnit(rate.tokenClass, this.#price, this.#units))) return;
    this.#millionths += BigInt(quantity) * rate.nanoUsd;
    const arithmetic = this.#arithmetic;
    if (arithmetic === null) return;
    if (rate.isUnpriced) arithmetic.unpricedClasses.push(rate.tokenClass);
    arithmetic.lines.push({ class: rate.name, quantity, priceNanoUsd: rate.digits, unit: 'per_million_tokens' });
  }
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
