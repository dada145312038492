/** Nano-USD in one USD: money is exact to nine decimal places. */
export const NANO_PER_USD = 1_000_000_000n;

/** No single amount may exceed a hundred million USD: far above any real one, far below what 64 bits hold in sums. */
export const MAX_AMOUNT_NANO_USD = 100_000_000n * NANO_PER_USD;

const ZERO = 0x30;
const DECIMAL = /^(0|[1-9]\d{0,8})(?:\.(\d{1,9}))?$/;

/** Why a text is no amount; the caller names the field. */
export class InvalidAmountError extends Error {
  override name = 'InvalidAmountError';
}

/**
 * A non-negative decimal string in USD → nano-USD, exactly. Refuses what would need rounding or guessing: numbers
 * (binary fractions), signs, exponents, more than nine decimal places, spaces, thousands separators.
 */
export function parseUsd(value: unknown): bigint {
  if (typeof value !== 'string') throw new InvalidAmountError('must be a decimal string in USD, such as "12.50"');
  const match = DECIMAL.exec(value);
  if (match === null) {
    throw new InvalidAmountError('must be a non-negative decimal string in USD with at most 9 decimal places, such as "12.50"');
  }
  const nano = BigInt(match[1] ?? '0') * NANO_PER_USD + BigInt((match[2] ?? '').padEnd(9, '0'));
  if (nano > MAX_AMOUNT_NANO_USD) throw new InvalidAmountError('must be at most 100000000 USD');
  return nano;
}

/** Nano-USD → decimal USD, exact, without needless zeros: `-0.000000001`, `12.5`, `0`. */
export function formatUsd(nanoUsd: bigint): string {
  const small = Number(nanoUsd);
  if (small >= 0 && small < NANO) return small === 0 ? '0' : `0.${decimalsOf(small)}`;
  const amount = nanoUsd < 0n ? -nanoUsd : nanoUsd;
  const decimals = decimalsOf(Number(amount % NANO_PER_USD));
  return `${nanoUsd < 0n ? '-' : ''}${amount / NANO_PER_USD}${decimals === '' ? '' : `.${decimals}`}`;
}

const NANO = Number(NANO_PER_USD);

/** Of so many billionths, the digits behind the point. */
function decimalsOf(nano: number): string {
  const digits = String(NANO + nano);
  let end = digits.length;
  while (end > 1 && digits.charCodeAt(end - 1) === ZERO) end -= 1;
  return digits.slice(1, end);
}
