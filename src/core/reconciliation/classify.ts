import { NO_USAGE } from '../chat/usage.js';
import { totalFor, type ChargeUnits } from '../pricing/charge.js';
import type { Price } from '../pricing/price.js';
import type { ReportLine } from './parse-report.js';

export type Outcome = 'matched' | 'different' | 'ours_only' | 'theirs_only';

/** What the ledger has about a request, or about a day and model. Nano-USD. */
export interface OurLine {
  /** As in the report; what the report cannot know has a name of its own. */
  readonly reference: string;
  readonly model: string | null;
  /** Null of a sum over a day and model. */
  readonly requestId: string | null;
  readonly costNanoUsd: bigint;
  readonly suspenseNanoUsd: bigint;
  /** Of a charge by our own estimate: what could be given back when the provider counted less. */
  readonly estimate: { readonly price: Price; readonly units: ChargeUnits; readonly chargedNanoUsd: bigint; readonly refundedNanoUsd: bigint } | null;
}

export interface ReconciledLine {
  readonly outcome: Outcome;
  readonly reference: string;
  readonly model: string | null;
  readonly requestId: string | null;
  readonly oursNanoUsd: bigint | null;
  readonly theirsNanoUsd: bigint | null;
  /** Proposed: what is to be added to the provider's cost, to the suspense (negative: released), and given back to the customer. */
  readonly costNanoUsd: bigint;
  readonly suspenseNanoUsd: bigint;
  readonly refundNanoUsd: bigint;
}

/**
 * Compares what a provider says with what the ledger has, line by line, and proposes what would make them agree. A customer is
 * never charged more by it: where the provider counted more than we charged for, the difference is the operator's cost alone.
 */
export function classify(ours: Iterable<OurLine>, theirs: ReadonlyMap<string, ReportLine>, toleranceNanoUsd: bigint): ReconciledLine[] {
  const lines: ReconciledLine[] = [];
  const seen = new Set<string>();
  for (const our of ours) {
    const their = theirs.get(our.reference);
    if (their !== undefined) seen.add(our.reference);
    lines.push(their === undefined ? oursOnly(our) : compared(our, their, toleranceNanoUsd));
  }
  for (const their of theirs.values()) if (!seen.has(their.reference)) lines.push(theirsOnly(their));
  return lines;
}

function compared(our: OurLine, their: ReportLine, toleranceNanoUsd: bigint): ReconciledLine {
  const difference = their.costNanoUsd - our.costNanoUsd;
  const isNear = difference <= toleranceNanoUsd && difference >= -toleranceNanoUsd;
  const refundNanoUsd = refundOf(our, their);
  return {
    ...namesOf(our),
    outcome: isNear && refundNanoUsd === 0n ? 'matched' : 'different',
    oursNanoUsd: our.costNanoUsd,
    theirsNanoUsd: their.costNanoUsd,
    costNanoUsd: isNear ? 0n : difference,
    suspenseNanoUsd: 0n,
    refundNanoUsd,
  };
}

/** The provider took nothing: neither is it our cost, nor need it be feared any more. */
function oursOnly(our: OurLine): ReconciledLine {
  return {
    ...namesOf(our), outcome: 'ours_only', oursNanoUsd: our.costNanoUsd + our.suspenseNanoUsd, theirsNanoUsd: null,
    costNanoUsd: -our.costNanoUsd, suspenseNanoUsd: -our.suspenseNanoUsd, refundNanoUsd: 0n,
  };
}

function theirsOnly(their: ReportLine): ReconciledLine {
  return {
    outcome: 'theirs_only', reference: their.reference, model: their.model, requestId: null, oursNanoUsd: null, theirsNanoUsd: their.costNanoUsd,
    costNanoUsd: their.costNanoUsd, suspenseNanoUsd: 0n, refundNanoUsd: 0n,
  };
}

/** An estimated charge that the provider's own count would have made smaller. Needs the counts of both ends. */
function refundOf({ estimate }: OurLine, { tokens }: ReportLine): bigint {
  if (estimate === null || tokens?.input === undefined || tokens.output === undefined) return 0n;
  const usage = { ...NO_USAGE, input: tokens.input, output: tokens.output, cacheRead: tokens.cache_read ?? 0, cacheWrite: tokens.cache_write ?? 0 };
  const owed = totalFor(usage, estimate.price, estimate.units);
  const paid = estimate.chargedNanoUsd - estimate.refundedNanoUsd;
  return paid > owed ? paid - owed : 0n;
}

function namesOf({ reference, model, requestId }: OurLine): Pick<ReconciledLine, 'reference' | 'model' | 'requestId'> {
  return { reference, model, requestId };
}
