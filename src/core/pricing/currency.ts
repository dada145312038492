import { NANO_PER_USD } from './usd.js';

/** What one USD was worth in another currency from a moment on; set by the operator, so that it also works without a network. */
export interface ExchangeRate {
  /** ISO 4217. */
  readonly currency: string;
  /** Billionths of the currency's unit for one USD: 1386.2 KRW are 1_386_200_000_000n. */
  readonly nanoPerUsd: bigint;
  readonly effectiveFromMs: number;
  /** Where the operator has it from. */
  readonly source: string;
}

const CODES: ReadonlySet<string> = new Set(Intl.supportedValuesOf('currency'));
/** Decimals beyond the currency's own: a request costs fractions of a won. */
const EXTRA_DECIMALS = 4;

/** True for ISO 4217 codes in capitals. */
export function isCurrency(code: string): boolean {
  return CODES.has(code);
}

/** Decimals that amounts of a currency are written with: KRW and JPY 0, USD 2. */
export function decimalsOf(currency: string): number {
  return new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ?? 2;
}

/**
 * An amount in USD as a decimal string of the rate's currency, rounded half away from zero to `decimals` places, once. Exact integer
 * arithmetic: a view never feeds back into the ledger, whose money stays USD.
 */
export function convertUsd(nanoUsd: bigint, rate: Pick<ExchangeRate, 'nanoPerUsd'>, decimals: number): string {
  const scale = 10n ** BigInt(decimals);
  // nano-USD × nano-units per USD ÷ 10^18 = units; kept as an integer of the smallest place that is shown.
  const numerator = nanoUsd * rate.nanoPerUsd * scale;
  const denominator = NANO_PER_USD * NANO_PER_USD;
  const magnitude = ((numerator < 0n ? -numerator : numerator) * 2n + denominator) / (denominator * 2n);
  const digits = magnitude.toString().padStart(decimals + 1, '0');
  const sign = numerator < 0n && magnitude !== 0n ? '-' : '';
  return decimals === 0 ? `${sign}${digits}` : `${sign}${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
}

/** As APIs show it: a few places more than the currency has, without needless zeros. */
export function viewOfUsd(nanoUsd: bigint, rate: ExchangeRate): string {
  const text = convertUsd(nanoUsd, rate, decimalsOf(rate.currency) + EXTRA_DECIMALS);
  return text.replace(/\.?0+$/, '');
}
