import { randomFillSync } from 'node:crypto';

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** 62^8 ms reach to the year 8888. In ASCII order the digits sort as the numbers do. */
const TIME_DIGITS = 8;
/** 14 base62 digits are 83 bits: no collision to expect among 10^12 ids of one millisecond. */
const RANDOM_DIGITS = 14;
const CACHE_BYTES = 8_192;
/** The largest multiple of 62 in a byte; a byte above it is thrown away, or the first digits would be likelier. */
const FAIR_LIMIT = 248;

const cache = Buffer.allocUnsafe(CACHE_BYTES);
let used = CACHE_BYTES;
let lastPrefix = '';
let lastMs = -1;
let codes: number[] = [];
let randomAt = 0;

/**
 * `req_` and 22 base62 digits: time-sortable to the millisecond (with a `C` collation), unguessable, from entropy drawn
 * 8 kB at a time because one system call per id costs more than the id.
 */
export function newId(prefix: string, nowMs = Date.now()): string {
  if (prefix !== lastPrefix || nowMs !== lastMs) begin(prefix, nowMs);
  for (let at = randomAt; at < codes.length; ) {
    const byte = nextByte();
    if (byte < FAIR_LIMIT) codes[at++] = DIGITS.charCodeAt(byte % 62);
  }
  // One flat string: put together digit by digit it would be as many.
  return String.fromCharCode.apply(undefined, codes);
}

/** The id of one millisecond, as codes of characters: its random digits are written over. */
function begin(prefix: string, nowMs: number): void {
  const lead = `${prefix}_${base62(nowMs, TIME_DIGITS)}`;
  codes = Array.from(lead.padEnd(lead.length + RANDOM_DIGITS, '0'), (digit) => digit.charCodeAt(0));
  randomAt = lead.length;
  lastPrefix = prefix;
  lastMs = nowMs;
}

/** The id of one client request, `x-request-id`. */
export function newRequestId(): string {
  return newId('req');
}

/** Uniform base62 digits from the cached entropy. */
export function randomDigits(count: number): string {
  let digits = '';
  while (digits.length < count) {
    const byte = nextByte();
    if (byte < FAIR_LIMIT) digits += DIGITS[byte % 62];
  }
  return digits;
}

/** A number as base62 digits of a fixed width. */
export function base62(value: number, width: number): string {
  let digits = '';
  for (let rest = value; digits.length < width; rest = Math.floor(rest / 62)) digits = DIGITS[rest % 62] + digits;
  return digits;
}

/** A byte handed out is wiped: an id must not be readable from memory before it is used. */
function nextByte(): number {
  if (used === CACHE_BYTES) {
    randomFillSync(cache);
    used = 0;
  }
  const byte = cache[used] ?? 0;
  cache[used] = 0;
  used += 1;
  return byte;
}
