import { promptTokens, type Usage } from '../chat/usage.js';
import type { Price } from './price.js';
import { ratesFor } from './rate-table.js';

/** What the prompt cache did to a charge, in nano-USD, rounded down: for reports, never a posting. */
export interface CacheEffect {
  /** Tokens that were read from the cache, at the difference to reading them anew. */
  savedNanoUsd: bigint;
  /** Tokens that were written into it, at what that cost more than reading them. */
  surchargeNanoUsd: bigint;
}

export const NO_CACHE_EFFECT: Readonly<CacheEffect> = Object.freeze({ savedNanoUsd: 0n, surchargeNanoUsd: 0n });

const PER_MILLION = 1_000_000n;

/** What the cache saved and cost against the same prompt without one. The usage must be believable. */
export function cacheEffectOf(usage: Usage, price: Price | null): CacheEffect {
  const { cacheRead, cacheWrite, cacheWrite1h } = usage;
  if (price === null || price.free || cacheRead + cacheWrite + cacheWrite1h === 0) return NO_CACHE_EFFECT;
  const rates = ratesFor(price, promptTokens(usage));
  const input = rates.input.nanoUsd;
  const saved = BigInt(cacheRead) * (input - rates.cacheRead.nanoUsd);
  const surcharge = BigInt(cacheWrite) * (rates.cacheWrite.nanoUsd - input) + BigInt(cacheWrite1h) * (rates.cacheWrite1h.nanoUsd - input);
  return { savedNanoUsd: saved / PER_MILLION, surchargeNanoUsd: surcharge / PER_MILLION };
}
