import type { Ending } from '../core/ledger/settlement.js';
import { NO_USAGE } from '../core/chat/usage.js';
import type { OperationResult } from '../core/operations/index.js';
import { totalFor } from '../core/pricing/index.js';
import type { Attempt, AttemptOutcome } from './attempt.js';
import type { AdmittedExchange } from './exchange.js';

type Seen = Pick<Ending, 'usage' | 'delivered' | 'hadContent'>;

/** What was seen of a request's end, as the ledger wants to know it. `last` is the attempt that answered or failed last. */
export function endingOf(exchange: AdmittedExchange, outcome: AttemptOutcome, last: Attempt, suspenseNanoUsd: bigint): Ending {
  const ending = emptyEnding(exchange);
  const seen = seenOf(exchange, outcome, last);
  ending.end = outcome.kind === 'answered' ? 'completed' : outcome.kind;
  ending.usage = seen.usage;
  ending.delivered = seen.delivered;
  ending.hadContent = seen.hadContent;
  ending.hadHeaders = last.hadHeaders;
  noteUnits(ending, outcome);
  ending.suspenseNanoUsd = suspenseNanoUsd;
  ending.forwardedAtMs = exchange.attempts[0]?.startedAtMs;
  ending.firstTokenAtMs = firstTokenAtMs(exchange, last);
  return ending;
}

/** The gateway itself failed while it asked: nothing is charged. */
export function abandoned(exchange: AdmittedExchange): Ending {
  return emptyEnding(exchange);
}

/** All members in one order, so that every ending has the same shape in memory. */
function emptyEnding({ served, attempts }: AdmittedExchange): Ending {
  const deployment = served?.deployment;
  return {
    end: 'failed',
    price: deployment === undefined ? null : deployment.price,
    cost: deployment === undefined ? null : deployment.cost,
    usage: undefined,
    delivered: NO_USAGE,
    hadHeaders: false,
    hadContent: false,
    billPartial: deployment === undefined || deployment.provider.billPartial,
    policy: deployment?.provider.settlement,
    requests: 0,
    images: 0,
    seconds: 0,
    suspenseNanoUsd: 0n,
    attempts: attempts.length,
    provider: deployment?.provider.id,
    upstreamModel: deployment?.upstreamModel,
    servedModel: served?.model.id,
    forwardedAtMs: undefined,
    firstTokenAtMs: undefined,
    endedAtMs: Date.now(),
  };
}

/** A whole answer counts as delivered: it is handed to the socket before anything else happens. */
function seenOf(exchange: AdmittedExchange, outcome: AttemptOutcome, { meter }: Attempt): Seen {
  if (outcome.kind === 'answered' && outcome.result !== undefined) return seenOfResult(outcome.result, meter);
  if (outcome.kind === 'answered') return { usage: outcome.response?.usage ?? meter.usage, delivered: meter.delivered(1), hadContent: true };
  const share = exchange.request.stream ? exchange.reply.deliveredShare() : 0;
  return { usage: meter.usage, delivered: meter.delivered(share), hadContent: meter.firstContentAtMs !== undefined && share > 0 };
}

function seenOfResult({ usage, estimate }: OperationResult, meter: Attempt['meter']): Seen {
  return { usage, delivered: estimate ?? meter.delivered(1), hadContent: true };
}

/** What is charged besides tokens. */
function noteUnits(ending: Ending, outcome: AttemptOutcome): void {
  const result = outcome.kind === 'answered' ? outcome.result : undefined;
  ending.requests = result?.requests ?? 1;
  if (result === undefined) return;
  ending.images = result.images;
  ending.seconds = result.seconds;
}

function firstTokenAtMs(exchange: AdmittedExchange, last: Attempt): number | undefined {
  const firstMs = last.meter.firstContentAtMs;
  return firstMs === undefined ? undefined : Math.round(exchange.receivedAtMs + (firstMs - exchange.startedMs));
}

/** What a failed attempt may have cost us at the provider: its prompt and what it had said, never the customer's. */
export function expectedCostNanoUsd(exchange: AdmittedExchange, attempt: Attempt): bigint {
  const { cost } = attempt.candidate.deployment;
  if (cost === null) return 0n;
  const usage = { ...NO_USAGE, ...attempt.meter.delivered(1), input: exchange.needs.promptTokensEstimate };
  return totalFor(usage, cost, { requests: 1, images: 0, seconds: 0 });
}
