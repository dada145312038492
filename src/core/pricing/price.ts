import type { TokenClass } from '../chat/usage.js';

/** Nano-USD per million tokens, by class. A price of 3.00 USD per million tokens is 3_000_000_000n. */
export type TokenPrices = Partial<Record<TokenClass, bigint>>;

export interface PriceTier extends TokenPrices {
  /** The tier applies to the whole request when its prompt has at least so many tokens. */
  minPromptTokens?: number;
}

/** One immutable version of a price. Money is bigint nano-USD. */
export interface Price {
  /** Content digest: equal prices have equal ids, so a frozen price can be found again. */
  id: string;
  free: boolean;
  tokens: TokenPrices;
  tiers: { minPromptTokens: number; tokens: TokenPrices }[];
  perRequestNanoUsd: bigint;
  perImageNanoUsd: bigint;
  perSecondNanoUsd: bigint;
  effectiveFromMs?: number;
}
