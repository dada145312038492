import { PROTOCOL } from './types.js';

/**
 * Anthropic's clients replay a thinking block with its `signature` untouched, but have no place for whose signature it is. So a
 * signature or encrypted content of another protocol travels as `og-sig.<protocol>.<value>` and is taken apart when it comes back.
 */
const PREFIX = 'og-sig.';

interface Provenance {
  value: string;
  origin: string;
}

export function wrapSignature(value: string, origin: string | undefined): string {
  return origin === undefined || origin === PROTOCOL ? value : `${PREFIX}${origin}.${value}`;
}

export function unwrapSignature(text: string): Provenance {
  if (!text.startsWith(PREFIX)) return { value: text, origin: PROTOCOL };
  const end = text.indexOf('.', PREFIX.length);
  if (end < 0) return { value: text, origin: PROTOCOL };
  return { value: text.slice(end + 1), origin: text.slice(PREFIX.length, end) };
}
