import { NO_USAGE } from '../core/chat/usage.js';
import type { Ending } from '../core/ledger/settlement.js';
import { chargeFor } from '../core/pricing/index.js';
import type { Attempt, AttemptOutcome } from './attempt.js';
import type { AdmittedExchange } from './exchange.js';

/** What was seen of a request's end, as the ledger wants to know it. `last` is the attempt that answered or failed last. */
export function endingOf(exchange: AdmittedExchange, outcome: AttemptOutcome, last: Attempt, suspenseNanoUsd: bigint): Ending {
  const deployment = exchange.served?.deployment;
  const { meter } = last;
  const share = exchange.request.stream ? exchange.reply.deliveredShare() : 0;
  return {
    end: outcome.kind === 'answered' ? 'completed' : outcome.kind,
    price: deployment?.price ?? null,
    cost: deployment?.cost ?? null,
    usage: outcome.kind === 'answered' ? (outcome.response?.usage ?? meter.usage) : meter.usage,
    delivered: outcome.kind === 'answered' ? meter.delivered(1) : meter.delivered(share),
    hadHeaders: last.hadHeaders,
    hadContent: meter.firstContentAtMs !== undefined && (share > 0 || outcome.kind === 'answered'),
    billPartial: deployment?.provider.billPartial ?? true,
    requests: 1,
    images: 0,
    seconds: 0,
    suspenseNanoUsd,
    attempts: exchange.attempts.length,
    provider: deployment?.provider.id,
    upstreamModel: deployment?.upstreamModel,
    servedModel: exchange.served?.model.id,
    forwardedAtMs: exchange.attempts[0]?.startedAtMs,
    firstTokenAtMs: firstTokenAtMs(exchange, last),
    endedAtMs: Date.now(),
  };
}

function firstTokenAtMs(exchange: AdmittedExchange, last: Attempt): number | undefined {
  const firstMs = last.meter.firstContentAtMs;
  return firstMs === undefined ? undefined : Math.round(exchange.receivedAtMs + (firstMs - exchange.startedMs));
}

/** What a failed attempt may have cost us at the provider: its prompt, never the customer's. */
export function expectedCostNanoUsd(exchange: AdmittedExchange, attempt: Attempt, cost: Ending['cost']): bigint {
  if (cost === null) return 0n;
  const usage = { ...NO_USAGE, ...attempt.meter.delivered(1), input: exchange.needs.promptTokensEstimate };
  return chargeFor(usage, cost, { requests: 1, images: 0, seconds: 0 }).totalNanoUsd;
}
