import { crc32 } from 'node:zlib';
import { base62, randomDigits } from '../ids/index.js';

/** 40 base62 digits are 238 bits. */
const RANDOM_DIGITS = 40;
/** 62^6 > 2^32: a CRC-32 fits. */
const CHECKSUM_DIGITS = 6;

/** `sk-og` and `mk-og`: what a token is for stands in front, so that people and secret scanners can tell. */
export type TokenPrefix = 'sk-og' | 'mk-og';

/** `<prefix>-<40 random digits><6 digits of checksum>`. */
export function generateToken(prefix: TokenPrefix): string {
  const body = `${prefix}-${randomDigits(RANDOM_DIGITS)}`;
  return body + checksum(body);
}

/** Whether a token has the shape of ours and no typing error: decided without asking a database. */
export function isWellFormedToken(prefix: TokenPrefix, token: string): boolean {
  if (token.length !== prefix.length + 1 + RANDOM_DIGITS + CHECKSUM_DIGITS || !token.startsWith(`${prefix}-`)) return false;
  if (!/^[0-9A-Za-z]+$/.test(token.slice(prefix.length + 1))) return false;
  return checksum(token.slice(0, -CHECKSUM_DIGITS)) === token.slice(-CHECKSUM_DIGITS);
}

/** No secret: it only finds typing errors (GitHub's tokens carry the same since 2021). */
function checksum(text: string): string {
  return base62(crc32(text), CHECKSUM_DIGITS);
}
