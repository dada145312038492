import { completionTokens, NO_USAGE, promptTokens, type Usage } from '../chat/usage.js';
import { chargeFor, isBelievable, type Charge, type ChargeUnits } from '../pricing/charge.js';
import type { Price } from '../pricing/price.js';
import { MAX_AMOUNT_NANO_USD } from '../pricing/usd.js';
import type { ChargeLine, Ending } from './settlement.js';
import type { EndState } from './states.js';

/** Flags of a deployment; the defaults are the table of the ledger's specification. */
export interface SettlementPolicy {
  /** An answer without a single token that ended in an error costs nothing. */
  zeroCompletionInsurance: boolean;
  /** A client that left after the upstream's headers and before the first token pays the prompt. */
  chargeCanceledPrompt: boolean;
}

export const DEFAULT_POLICY: Readonly<SettlementPolicy> = Object.freeze({ zeroCompletionInsurance: true, chargeCanceledPrompt: true });

/** What an ending is worth, before anything is known of the ceilings. Money in nano-USD. */
export interface Outcome {
  state: EndState;
  /** What the customer owes by the policy; capturing is bounded by hold and ceilings. */
  worthNanoUsd: bigint;
  providerCostNanoUsd: bigint;
  suspenseNanoUsd: bigint;
  usage: Usage;
  units: ChargeUnits;
  estimated: boolean;
  lines: ChargeLine[];
  priceId: string | null;
}

/** Which usage is charged: the basis of the money. Null = release everything. */
interface Basis {
  usage: Usage;
  estimated: boolean;
  /** Nothing was generated: no price per request, image or second. */
  promptOnly?: boolean;
}

/** The settlement policy: an ending → what it is worth. Pure; the same ending always gives the same outcome. */
export function settle(ending: Ending, policy: SettlementPolicy = DEFAULT_POLICY): Outcome {
  const basis = ending.price === null ? null : basisOf(ending, policy);
  if (basis === null || ending.price === null) return released(ending);
  const charged = chargeBasis(basis, ending, ending.price);
  const cost = ending.cost === null ? 0n : boundedCost(chargeFor(charged.usage, ending.cost, charged.units));
  return {
    state: ending.end,
    worthNanoUsd: charged.charge.totalNanoUsd,
    providerCostNanoUsd: cost,
    suspenseNanoUsd: ending.suspenseNanoUsd,
    usage: charged.usage,
    units: charged.units,
    estimated: charged.estimated || charged.charge.unpricedClasses.length > 0,
    lines: charged.charge.lines,
    priceId: ending.price.id,
  };
}

function basisOf(ending: Ending, policy: SettlementPolicy): Basis | null {
  const usage = ending.usage !== undefined && isBelievable(ending.usage) ? ending.usage : undefined;
  if (ending.end === 'failed') return failedBasis(ending, usage, policy);
  if (ending.end === 'canceled') return canceledBasis(ending, usage, policy);
  return { usage: usage ?? ending.delivered, estimated: usage === undefined };
}

/** A client that left: nothing before the upstream's headers, the prompt before the first token, then what it got. */
function canceledBasis(ending: Ending, usage: Usage | undefined, policy: SettlementPolicy): Basis | null {
  const all: Basis = { usage: usage ?? ending.delivered, estimated: usage === undefined };
  if (!ending.hadHeaders) return null;
  if (!ending.hadContent) return policy.chargeCanceledPrompt ? { ...all, usage: promptOf(all.usage), promptOnly: true } : null;
  return usage === undefined || isFinal(usage, ending.delivered) ? all : { usage: deliveredWithPrompt(ending.delivered, usage), estimated: true };
}

/**
 * Whether a usage seen before a client left is the answer's whole. Anthropic reports the prompt and a first token in
 * `message_start` (seen in recorded streams, 2026-11-21): far less than what was delivered, so that it is only a beginning.
 */
function isFinal(usage: Usage, delivered: Usage): boolean {
  return completionTokens(usage) * 2 >= completionTokens(delivered);
}

/** A provider that died: the delivered part, never what it may have generated and we did not pass on. */
function failedBasis(ending: Ending, usage: Usage | undefined, policy: SettlementPolicy): Basis | null {
  const delivered = usage === undefined ? ending.delivered : deliveredWithPrompt(ending.delivered, usage);
  const nothing = !ending.hadContent || completionTokens(delivered) === 0;
  if (nothing && policy.zeroCompletionInsurance) return null;
  if (!ending.hadHeaders || !ending.billPartial) return null;
  return { usage: delivered, estimated: true };
}

interface ChargedBasis {
  usage: Usage;
  units: ChargeUnits;
  estimated: boolean;
  charge: Charge;
}

/** A usage whose price exceeds any real amount is not believed either: counts near 2^53 are errors of a provider. */
function chargeBasis(basis: Basis, ending: Ending, price: Price): ChargedBasis {
  const units = basis.promptOnly === true ? { requests: 0, images: 0, seconds: 0 } : unitsOf(ending);
  const charge = chargeFor(basis.usage, price, units);
  if (charge.totalNanoUsd <= MAX_AMOUNT_NANO_USD) return { usage: basis.usage, units, estimated: basis.estimated, charge };
  const delivered = isBelievable(ending.delivered) ? ending.delivered : NO_USAGE;
  const fallback = chargeFor(delivered, price, units);
  if (fallback.totalNanoUsd <= MAX_AMOUNT_NANO_USD) return { usage: delivered, units, estimated: true, charge: fallback };
  return { usage: NO_USAGE, units, estimated: true, charge: { totalNanoUsd: 0n, lines: [], unpricedClasses: [] } };
}

function unitsOf(ending: Ending): ChargeUnits {
  const count = (value: number): number => (Number.isSafeInteger(value) && value > 0 ? value : 0);
  const seconds = Number.isFinite(ending.seconds) && ending.seconds > 0 ? Math.min(ending.seconds, 1e9) : 0;
  return { requests: count(ending.requests), images: count(ending.images), seconds };
}

function boundedCost(charge: Charge): bigint {
  return charge.totalNanoUsd <= MAX_AMOUNT_NANO_USD ? charge.totalNanoUsd : 0n;
}

function released(ending: Ending): Outcome {
  return {
    state: ending.end,
    worthNanoUsd: 0n,
    providerCostNanoUsd: 0n,
    suspenseNanoUsd: ending.suspenseNanoUsd,
    usage: { ...NO_USAGE },
    units: { requests: 0, images: 0, seconds: 0 },
    estimated: false,
    lines: [],
    priceId: ending.price?.id ?? null,
  };
}

/** The provider's own count of the prompt, when it has one, and what was delivered of the answer. */
function deliveredWithPrompt(delivered: Usage, usage: Usage): Usage {
  const { input, cacheRead, cacheWrite, cacheWrite1h, audioIn } = usage;
  return promptTokens(usage) === 0 ? delivered : { ...delivered, input, cacheRead, cacheWrite, cacheWrite1h, audioIn };
}

function promptOf(usage: Usage): Usage {
  return { ...usage, output: 0, reasoning: 0, audioOut: 0, image: 0 };
}
