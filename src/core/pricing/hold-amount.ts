import type { TokenClass } from '../chat/usage.js';
import { ratesFor } from './charge.js';
import { rateOf } from './parse-price.js';
import type { Price, TokenPrices } from './price.js';

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
const PROMPT_CLASSES: readonly TokenClass[] = ['input', 'cacheRead', 'cacheWrite', 'cacheWrite1h'];
const ANSWER_CLASSES: readonly TokenClass[] = ['output', 'reasoning'];

/** ceil(estimate × 1.1), in integers. */
export function promptUpperBound(promptTokenCount: number): number {
  return Math.ceil((promptTokenCount * PROMPT_MARGIN_PERCENT) / 100);
}

/**
 * The upper bound of a request: the dearest of the candidates' prices for ceil(prompt × 1.1) + max output × n, with every
 * prompt token at the dearest prompt class (a provider decides what it writes to its cache) and every answer token at the
 * dearest answer class. Throws when `prices` is empty: an unpriced model is refused before.
 */
export function holdAmount(estimate: HoldEstimate, prices: readonly Price[]): bigint {
  if (prices.length === 0) throw new Error('holdAmount needs at least one price');
  let amount = 0n;
  for (const price of prices) amount = most(amount, upperBound(estimate, price));
  return amount;
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

function upperBound(estimate: HoldEstimate, price: Price): bigint {
  if (price.free) return 0n;
  const promptCount = promptUpperBound(estimate.promptTokens);
  const rates = ratesFor(price, promptCount);
  let promptRate = dearest(rates, PROMPT_CLASSES);
  if (estimate.audioInput === true) promptRate = most(promptRate, rateOf(rates, 'audioIn') ?? 0n);
  let answerRate = dearest(rates, ANSWER_CLASSES);
  if (estimate.audioOutput === true) answerRate = most(answerRate, rateOf(rates, 'audioOut') ?? 0n);
  if (estimate.imageOutput === true) answerRate = most(answerRate, rateOf(rates, 'image') ?? 0n);
  const tokens = BigInt(promptCount) * promptRate + BigInt(estimate.maxOutputTokens) * BigInt(estimate.choices) * answerRate;
  return (tokens + unitsBound(estimate, price) + PER_MILLION - 1n) / PER_MILLION;
}

function unitsBound(estimate: HoldEstimate, price: Price): bigint {
  let millionths = 0n;
  if (price.perRequestNanoUsd > 0n) millionths += BigInt(estimate.requests ?? 1) * price.perRequestNanoUsd * PER_MILLION;
  if (price.perImageNanoUsd > 0n) millionths += BigInt(estimate.images ?? 0) * price.perImageNanoUsd * PER_MILLION;
  if (price.perSecondNanoUsd > 0n) millionths += BigInt(Math.ceil((estimate.seconds ?? 0) * 1e6)) * price.perSecondNanoUsd;
  return millionths;
}

function dearest(rates: TokenPrices, classes: readonly TokenClass[]): bigint {
  let dearestRate = 0n;
  for (const tokenClass of classes) dearestRate = most(dearestRate, rateOf(rates, tokenClass) ?? 0n);
  return dearestRate;
}

function most(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
