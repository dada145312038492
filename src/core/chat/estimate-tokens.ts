import { Buffer } from 'node:buffer';
import { unitAt } from '../text/index.js';

/**
 * Tokens by length per script class, never by a tokenizer (quadratic on hostile input, spec performance.md). One pass, O(n).
 * Averages over the byte-pair vocabularies of o200k, Claude 3–4 and Gemini on mixed prose and code, rounded up: an estimate
 * may be high, because money is held by it.
 *
 * | class | tokens per UTF-16 unit |
 * |---|---|
 * | ASCII | 0.27 |
 * | Hangul | 0.85 |
 * | Kana, Han and full-width forms | 0.95 |
 * | everything else (Cyrillic, Arabic, accents, half an emoji) | 0.6 |
 */
const ASCII_RATE = 0.27;
const HANGUL_RATE = 0.85;
const CJK_RATE = 0.95;
const OTHER_RATE = 0.6;
/** Up to so many a walk is cheaper than asking the engine. */
const WALKED_UNITS = 64;

/** Tokens of a text; a fraction, so that the sum over many deltas stays true. */
export function estimateTokens(text: string): number {
  // Only ASCII takes as many bytes as it has units; the engine counts bytes many at a time.
  if (text.length > WALKED_UNITS && Buffer.byteLength(text) === text.length) return text.length * ASCII_RATE;
  let hangul = 0;
  let cjk = 0;
  let other = 0;
  const { length } = text;
  for (let at = 0; at < length; at += 1) {
    const unit = unitAt(text, at);
    if (unit < 0x80) continue;
    if (isHangul(unit)) hangul += 1;
    else if (isCjk(unit)) cjk += 1;
    else other += 1;
  }
  return (length - hangul - cjk - other) * ASCII_RATE + hangul * HANGUL_RATE + cjk * CJK_RATE + other * OTHER_RATE;
}

function isHangul(unit: number): boolean {
  return (unit >= 0xac00 && unit <= 0xd7a3) || (unit >= 0x1100 && unit <= 0x11ff) || (unit >= 0x3130 && unit <= 0x318f);
}

function isCjk(unit: number): boolean {
  return (unit >= 0x3000 && unit <= 0x30ff) || (unit >= 0x3400 && unit <= 0x9fff) || (unit >= 0xf900 && unit <= 0xfaff) || (unit >= 0xff00 && unit <= 0xffef);
}
