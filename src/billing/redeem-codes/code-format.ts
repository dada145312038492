import { randomBytes } from 'node:crypto';

/** Crockford's: no I, L, O and U, which people read as other characters. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
/** 21 digits of 5 bits are 105 bits of random. */
const RANDOM_DIGITS = 21;
const CHECK_DIGITS = 4;
const DIGITS = RANDOM_DIGITS + CHECK_DIGITS;
const GROUP_DIGITS = 5;
const PREFIX = 'OG';
/** The prefix as its look-alikes are read. */
const READ_PREFIX = '0G';
/**
 * The largest prime below 32^4. All digits as one number are a multiple of it, and as 32 and 31 are not divisible by a
 * larger prime, every single wrong digit and every two neighbours swapped are found, wherever they stand.
 */
const CHECK_PRIME = 1_048_573n;
const CHECK_SHIFT = 20n;
const LOOK_ALIKES: Readonly<Record<string, string>> = { O: '0', I: '1', L: '1', U: 'V' };
/** Spaces, every kind of hyphen and dash, what an input method makes of a hyphen (ー), full stops, invisible characters. */
const SEPARATORS = /[\s\p{Pd}\p{Cf}\u2212\u30fc_.,·'"]/gu;
const WELL_FORMED = new RegExp(`^[${ALPHABET}]{${DIGITS}}$`);

/** Longer texts are no code, however they are spaced: the caller refuses them before they are read. */
export const MAX_INPUT_CHARS = 128;

/** A new code as it is shown: `OG-XXXXX-XXXXX-XXXXX-XXXXX-XXXXX`. */
export function generateCode(): string {
  const random = Array.from(randomBytes(RANDOM_DIGITS), (byte) => ALPHABET.charAt(byte & 31)).join('');
  const rest = (valueOf(random) << CHECK_SHIFT) % CHECK_PRIME;
  return showCode(random + digitsOf(rest === 0n ? 0n : CHECK_PRIME - rest));
}

/**
 * What a person typed → the 25 digits that are digested, or null for a typing error. Case, spaces, hyphens, full-width
 * characters, look-alikes and a left-out prefix make no difference.
 */
export function parseCode(text: string): string | null {
  const compact = text.normalize('NFKC').toUpperCase().replace(SEPARATORS, '');
  const read = compact.replace(/[OILU]/g, (letter) => LOOK_ALIKES[letter] ?? letter);
  const digits = read.length === DIGITS + READ_PREFIX.length && read.startsWith(READ_PREFIX) ? read.slice(READ_PREFIX.length) : read;
  if (!WELL_FORMED.test(digits) || valueOf(digits) % CHECK_PRIME !== 0n) return null;
  return digits;
}

function showCode(digits: string): string {
  const groups = Array.from({ length: DIGITS / GROUP_DIGITS }, (_, index) => digits.slice(index * GROUP_DIGITS, (index + 1) * GROUP_DIGITS));
  return [PREFIX, ...groups].join('-');
}

function valueOf(digits: string): bigint {
  let value = 0n;
  for (const digit of digits) value = value * 32n + BigInt(ALPHABET.indexOf(digit));
  return value;
}

function digitsOf(check: bigint): string {
  let digits = '';
  for (let rest = check; digits.length < CHECK_DIGITS; rest /= 32n) digits = ALPHABET.charAt(Number(rest % 32n)) + digits;
  return digits;
}
