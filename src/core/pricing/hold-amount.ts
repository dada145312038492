import type { TokenClass } from '../chat/usage.js';
import type { Price } from './price.js';
import { ratesFor, type RateTable } from './rate-table.js';

/** What a request may cost at most, before it is sent. All counts are non-negative integers. */
export interface HoldEstimate {
  /** Our estimate of the prompt, without the safety margin. */
  promptTokens: number;
  /** The client's, the policy's or the model's cap of the answer; reasoning included. */
  maxOutputTokens: number;
  /** `n`. */
  choices: number;
  requests?: number;
  images?: number;
  seconds?: number;
  /** Modalities the request sends or asks for; their classes count only then. */
  audioInput?: boolean;
  audioOutput?: boolean;
  imageOutput?: boolean;
}

/** Estimates by length are up to 10 % short on the texts we measured them on: in per cent of the estimate. */
const PROMPT_MARGIN_PERCENT = 110;
const PER_MILLION = 1_000_000n;

/** ceil(estimate × 1.1), in integers. */
export function promptUpperBound(promptTokenCount: number): number {
  return Math.ceil((promptTokenCount * PROMPT_MARGIN_PERCENT) / 100);
}

/**
 * The upper bound of a request at a price, for ceil(prompt × 1.1) + max output × n, with every prompt token at the dearest prompt
 * class (a provider decides what it writes to its cache) and every answer token at the dearest answer class. Of several candidates
 * the dearest is held.
 */
export function holdAmount(estimate: HoldEstimate, price: Price): bigint {
  if (price.free) return 0n;
  const promptCount = promptUpperBound(estimate.promptTokens);
  const rates = ratesFor(price, promptCount);
  const tokens = BigInt(promptCount) * promptRate(estimate, rates) + BigInt(estimate.maxOutputTokens) * BigInt(estimate.choices) * answerRate(estimate, rates);
  return (tokens + unitsBound(estimate, price) + PER_MILLION - 1n) / PER_MILLION;
}

/** Classes the request will use for certain that have no price of their own: 400 `unpriced` (CONTRACT section 3). */
export function unpricedClassesOf(estimate: HoldEstimate, price: Price): TokenClass[] {
  if (price.free) return [];
  const asked: [boolean | undefined, TokenClass, bigint][] = [
    [estimate.audioInput, 'audioIn', price.perSecondNanoUsd],
    [estimate.audioOutput, 'audioOut', price.perSecondNanoUsd],
    [estimate.imageOutput, 'image', price.perImageNanoUsd],
  ];
  return asked.filter(([wanted, tokenClass, unit]) => wanted === true && price.tokens[tokenClass] === undefined && unit === 0n).map(([, name]) => name);
}

function promptRate({ audioInput }: HoldEstimate, rates: RateTable): bigint {
  return audioInput === true ? most(rates.promptNanoUsd, rates.audioIn.nanoUsd) : rates.promptNanoUsd;
}

function answerRate({ audioOutput, imageOutput }: HoldEstimate, rates: RateTable): bigint {
  let rate = rates.answerNanoUsd;
  if (audioOutput === true) rate = most(rate, rates.audioOut.nanoUsd);
  if (imageOutput === true) rate = most(rate, rates.image.nanoUsd);
  return rate;
}

function unitsBound(estimate: HoldEstimate, price: Price): bigint {
  let millionths = 0n;
  if (price.perRequestNanoUsd > 0n) millionths += BigInt(estimate.requests ?? 1) * price.perRequestNanoUsd * PER_MILLION;
  if (price.perImageNanoUsd > 0n) millionths += BigInt(estimate.images ?? 0) * price.perImageNanoUsd * PER_MILLION;
  if (price.perSecondNanoUsd > 0n) millionths += BigInt(Math.ceil((estimate.seconds ?? 0) * 1e6)) * price.perSecondNanoUsd;
  return millionths;
}

function most(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
