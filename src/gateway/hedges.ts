import { Injectable } from '@nestjs/common';
import type { UpstreamFailure } from '../core/errors/upstream-failure.js';
import type { Candidate, Plan } from '../core/routing/plan.js';
import { Holds } from '../core/ledger/settlement.js';
import { MAX_ATTEMPTS } from '../core/routing/index.js';
import { withinDeadline } from '../core/time/within-deadline.js';
import { failpoint } from '../platform/failpoint/index.js';
import { Planner } from '../routing/index.js';
import type { Attempt, AttemptOutcome } from './attempt.js';
import { AttemptRunner } from './attempt-runner.js';
import { expectedCostNanoUsd } from './ending.js';
import type { AdmittedExchange } from './exchange.js';

/** The attempt that decides, and what became of the one beside it. */
export interface Asked {
  attempt: Attempt;
  outcome: AttemptOutcome;
  beside?: { failure?: UpstreamFailure; costNanoUsd: bigint };
}

interface Ended {
  attempt: Attempt;
  outcome: AttemptOutcome;
}

/**
 * Asks a deployment, and, where the route hedges and it takes long, a second one beside it: the first answer is the answer, the
 * other call is closed. What that one may cost us at its provider goes to suspense, never to the customer.
 */
@Injectable()
export class Hedges {
  constructor(
    private readonly attempts: AttemptRunner,
    private readonly planner: Planner,
    private readonly holds: Holds,
  ) {}

  /** Throws GatewayError 503 when the journal cannot take the attempt. */
  async ask(exchange: AdmittedExchange, candidate: Candidate): Promise<Asked> {
    const attempt = this.attempts.open(exchange, candidate);
    // A provider is asked only after the journal says so: a crash must not forget what it may bill.
    try {
      await this.holds.written();
      failpoint('admitted');
    } catch (error) {
      attempt.cancel();
      throw error;
    }
    this.attempts.send(exchange, attempt);
    const afterMs = this.hedgeAfterMs(exchange, candidate);
    const early = afterMs === undefined ? await attempt.outcome : await withinDeadline(attempt.outcome, afterMs);
    const second = early === null ? this.second(exchange) : null;
    if (second !== null) return this.race(exchange, attempt, second);
    const outcome = early ?? (await attempt.outcome);
    this.attempts.report(exchange, attempt, outcome);
    return { attempt, outcome, beside: undefined };
  }

  /** A stream is committed to whoever began it, and other operations are not cheap enough to be asked for twice. */
  private hedgeAfterMs({ plan, request, operation }: AdmittedExchange, { deployment }: Candidate): number | undefined {
    if (plan === undefined || request.stream || operation !== undefined) return undefined;
    return this.planner.hedgeAfterMs(plan, deployment);
  }

  /** A hedge is a further attempt like any other: bounded by the plan and by the budget all requests share. */
  private second(exchange: AdmittedExchange): Candidate | null {
    const { plan, tried, reply } = exchange;
    if (reply.gone || tried.length >= MAX_ATTEMPTS) return null;
    const next = (plan as Plan).attempts.find((other) => !tried.includes(other) && other.fallback === undefined);
    return next !== undefined && this.attempts.canBeAsked(exchange, next) && this.planner.mayRetry() ? next : null;
  }

  private async race(exchange: AdmittedExchange, first: Attempt, second: Candidate): Promise<Asked> {
    const asFirst = { parameters: exchange.parameters, fallback: exchange.fallback };
    const hedge = this.attempts.open(exchange, second, true);
    try {
      await this.holds.written();
      failpoint('admitted');
    } catch {
      // A journal that is full is no reason to give up the first one.
      hedge.cancel();
    }
    // Whoever has answered in the meantime needs nobody beside it.
    if (first.ended && (await first.outcome).kind !== 'failed') hedge.cancel();
    this.attempts.send(exchange, hedge);
    exchange.reply.onGone(() => {
      first.cancel();
      hedge.cancel();
    });
    const [decided, other] = await decide(first, hedge, exchange.reply);
    const outrun = decided.outcome.kind === 'answered';
    for (const ended of decided.attempt === first ? [decided, other] : [other, decided]) {
      this.attempts.report(exchange, ended.attempt, ended.outcome, ended === other && outrun);
    }
    exchange.served = decided.attempt.candidate;
    exchange.timings.connectMs = decided.attempt.connectMs;
    if (decided.attempt === first) Object.assign(exchange, asFirst);
    return { ...decided, beside: besideOf(exchange, other) };
  }
}

/** Whoever answers first decides; when one fails, or was never sent, the other is waited for. The other one is ended when this returns. */
async function decide(first: Attempt, hedge: Attempt, reply: { readonly gone: boolean }): Promise<[Ended, Ended]> {
  const ended = (attempt: Attempt): Promise<Ended> => attempt.outcome.then((outcome) => ({ attempt, outcome }));
  const early = await Promise.race([ended(first), ended(hedge)]);
  const late = early.attempt === first ? hedge : first;
  const { kind } = early.outcome;
  if (kind === 'failed' || (kind === 'canceled' && !reply.gone)) return [await ended(late), early];
  late.cancel();
  return [early, await ended(late)];
}

function besideOf(exchange: AdmittedExchange, { attempt, outcome }: Ended): NonNullable<Asked['beside']> {
  const failure = outcome.kind === 'failed' ? outcome.failure : undefined;
  const mayCost = failure === undefined ? attempt.connectMs !== undefined : failure.maybeBilled;
  return { costNanoUsd: mayCost ? expectedCostNanoUsd(exchange, attempt) : 0n, ...(failure !== undefined && { failure }) };
}
