import type { Ending } from '../core/ledger/settlement.js';
import { NO_USAGE } from '../core/chat/usage.js';
import type { OperationResult } from '../core/operations/index.js';
import { totalFor } from '../core/pricing/index.js';
import type { Attempt, AttemptOutcome } from './attempt.js';
import type { AdmittedExchange } from './exchange.js';

type Served = Pick<Ending, 'price' | 'cost' | 'billPartial' | 'policy' | 'provider' | 'upstreamModel' | 'servedModel'>;
type Seen = Pick<Ending, 'usage' | 'delivered' | 'hadContent'>;

/** What was seen of a request's end, as the ledger wants to know it. `last` is the attempt that answered or failed last. */
export function endingOf(exchange: AdmittedExchange, outcome: AttemptOutcome, last: Attempt, suspenseNanoUsd: bigint): Ending {
  return {
    ...servedOf(exchange),
    ...seenOf(exchange, outcome, last),
    end: outcome.kind === 'answered' ? 'completed' : outcome.kind,
    hadHeaders: last.hadHeaders,
    ...unitsOf(outcome),
    suspenseNanoUsd,
    attempts: exchange.attempts.length,
    forwardedAtMs: exchange.attempts[0]?.startedAtMs,
    firstTokenAtMs: firstTokenAtMs(exchange, last),
    endedAtMs: Date.now(),
  };
}

/** The gateway itself failed while it asked: nothing is charged. */
export function abandoned(exchange: AdmittedExchange): Ending {
  const nothing = { usage: undefined, delivered: NO_USAGE, hadHeaders: false, hadContent: false, requests: 0, images: 0, seconds: 0, suspenseNanoUsd: 0n };
  return { ...servedOf(exchange), ...nothing, end: 'failed', attempts: exchange.attempts.length, endedAtMs: Date.now() };
}

function servedOf({ served }: AdmittedExchange): Served {
  if (served === undefined) return { price: null, cost: null, billPartial: true };
  const { deployment, model } = served;
  return {
    price: deployment.price,
    cost: deployment.cost,
    billPartial: deployment.provider.billPartial,
    policy: deployment.provider.settlement,
    provider: deployment.provider.id,
    upstreamModel: deployment.upstreamModel,
    servedModel: model.id,
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
function unitsOf(outcome: AttemptOutcome): Pick<Ending, 'requests' | 'images' | 'seconds'> {
  const result = outcome.kind === 'answered' ? outcome.result : undefined;
  if (result === undefined) return { requests: 1, images: 0, seconds: 0 };
  return { requests: result.requests ?? 1, images: result.images, seconds: result.seconds };
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
