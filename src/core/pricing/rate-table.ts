import { TOKEN_CLASSES, type TokenClass } from '../chat/usage.js';
import { PRICE_FIELDS, rateOf } from './parse-price.js';
import type { Price, TokenPrices } from './price.js';

/** What tokens of one class are charged at. */
export interface ClassRate {
  /** As prices write the class. */
  readonly name: string;
  readonly tokenClass: TokenClass;
  /** Nano-USD per million tokens, after the fallback; 0 when nothing prices it. */
  readonly nanoUsd: bigint;
  /** The same in digits. */
  readonly digits: string;
  /** By a price of its own. */
  readonly isOwn: boolean;
  /** Without one although the contract demands it. */
  readonly isUnpriced: boolean;
}

/** The rates of one tier of a price. */
export interface RateTable extends Readonly<Record<TokenClass, ClassRate>> {
  /** The dearest class of a text's prompt, and of its answer. */
  readonly promptNanoUsd: bigint;
  readonly answerNanoUsd: bigint;
}

interface Tier {
  readonly minPromptTokens: number;
  readonly rates: RateTable;
}

const NAMES = new Map(PRICE_FIELDS.map(([name, tokenClass]) => [tokenClass, name]));
/** Falling back is the documented price for these; for audio and images it is an estimate. */
const PRICED_BY_RULE: ReadonlySet<TokenClass> = new Set(['reasoning', 'cacheRead', 'cacheWrite', 'cacheWrite1h']);
const PROMPT_CLASSES: readonly TokenClass[] = ['input', 'cacheRead', 'cacheWrite', 'cacheWrite1h'];
const ANSWER_CLASSES: readonly TokenClass[] = ['output', 'reasoning'];

/** A price never changes, so that what follows from it is worked out once. */
const tiersOf = new WeakMap<Price, readonly Tier[]>();

/** The rates of the tier that a prompt of so many tokens falls into; the tier holds for the whole request. */
export function ratesFor(price: Price, promptTokenCount: number): RateTable {
  let tiers = tiersOf.get(price);
  if (tiers === undefined) tiersOf.set(price, (tiers = makeTiers(price)));
  let place = tiers.length - 1;
  while (place > 0 && promptTokenCount < (tiers[place] as Tier).minPromptTokens) place -= 1;
  return (tiers[place] as Tier).rates;
}

function makeTiers(price: Price): Tier[] {
  let tokens = price.tokens;
  const tiers: Tier[] = [{ minPromptTokens: 0, rates: makeRates(tokens) }];
  for (const tier of price.tiers) {
    tokens = { ...tokens, ...tier.tokens };
    tiers.push({ minPromptTokens: tier.minPromptTokens, rates: makeRates(tokens) });
  }
  return tiers;
}

function makeRates(tokens: TokenPrices): RateTable {
  const rates = Object.fromEntries(TOKEN_CLASSES.map((tokenClass) => [tokenClass, makeRate(tokens, tokenClass)])) as Record<TokenClass, ClassRate>;
  return { ...rates, promptNanoUsd: dearest(rates, PROMPT_CLASSES), answerNanoUsd: dearest(rates, ANSWER_CLASSES) };
}

function makeRate(tokens: TokenPrices, tokenClass: TokenClass): ClassRate {
  const nanoUsd = rateOf(tokens, tokenClass) ?? 0n;
  const isOwn = tokens[tokenClass] !== undefined;
  return { name: NAMES.get(tokenClass) ?? tokenClass, tokenClass, nanoUsd, digits: String(nanoUsd), isOwn, isUnpriced: !isOwn && !PRICED_BY_RULE.has(tokenClass) };
}

function dearest(rates: Readonly<Record<TokenClass, ClassRate>>, classes: readonly TokenClass[]): bigint {
  return classes.map((tokenClass) => rates[tokenClass].nanoUsd).reduce((most, rate) => (rate > most ? rate : most));
}
