import { Inject, Injectable } from '@nestjs/common';
import { Limits } from '../auth/index.js';
import { finalFailure, toGatewayError } from '../core/errors/to-gateway-error.js';
import type { UpstreamFailure } from '../core/errors/upstream-failure.js';
import { Holds, type Hold, type Settlement } from '../core/ledger/settlement.js';
import type { Candidate, Plan } from '../core/routing/plan.js';
import { failpoint } from '../platform/failpoint/index.js';
import { Planner, planOf } from '../routing/index.js';
import { Answers } from './answers.js';
import type { Attempt, AttemptOutcome } from './attempt.js';
import { AttemptRunner } from './attempt-runner.js';
import { abandoned, endingOf, expectedCostNanoUsd } from './ending.js';
import type { AdmittedExchange } from './exchange.js';
import { Hedges, type Asked } from './hedges.js';
import { holdRequestFor } from './hold-request.js';
import { Idempotency } from './idempotency/idempotency.service.js';
import { Overages } from './overages.js';
import { tokensUsed } from './tokens-used.js';

interface Attempted {
  attempt: Attempt;
  outcome: AttemptOutcome;
  failures: UpstreamFailure[];
  /** What attempts that failed may cost us at their providers. */
  suspenseNanoUsd: bigint;
}

/** The spine: the order in which a chat request is planned, held, attempted, settled and answered stands here and nowhere else. */
@Injectable()
export class CompleteChat {
  @Inject(Idempotency)
  private readonly idempotency!: Idempotency;
  @Inject(Limits)
  private readonly limits!: Limits;
  @Inject(Hedges)
  private readonly hedges!: Hedges;
  @Inject(Overages)
  private readonly overages!: Overages;

  constructor(
    private readonly planner: Planner,
    private readonly holds: Holds,
    private readonly attempts: AttemptRunner,
    private readonly answers: Answers,
  ) {}

  /** Throws GatewayError while nothing has been sent to the client; afterwards errors leave inside the stream. */
  async complete(exchange: AdmittedExchange): Promise<void> {
    if (this.idempotency.replay(exchange)) return;
    const startedMs = performance.now();
    const plan = this.plan(exchange);
    if (plan.limits !== undefined) exchange.admission = await this.limits.admitByRoute({ name: plan.route as string, limits: plan.limits }, exchange.admission);
    this.attempts.refuseAdjustments(exchange, plan);
    const plannedMs = performance.now();
    exchange.timings.routingMs = plannedMs - startedMs;
    const hold = this.holds.hold(holdRequestFor(exchange, plan, this.planner.leases));
    exchange.hold = hold instanceof Promise ? await hold : hold;
    exchange.timings.holdMs = performance.now() - plannedMs;

    let attempted: Attempted;
    try {
      const asked = await this.hedges.ask(exchange, plan.attempts[0] as Candidate);
      attempted = answeredAtOnce(asked) ?? (await this.attemptOthers(exchange, asked));
    } catch (error) {
      // A bug of ours must not keep the customer's money held.
      exchange.settlement = exchange.hold.settle(abandoned(exchange));
      throw error;
    }
    const settleMs = performance.now();
    const settlement = this.settle(exchange, attempted);
    exchange.settlement = settlement instanceof Promise ? await settlement : settlement;
    // Before the last byte: the headers tell what is left, and a client that waits for its answer finds its slot free.
    exchange.admission.release(tokensUsed(exchange.settlement.usage));
    try {
      await this.holds.written();
    } catch {
      // The end is posted from memory even when the journal cannot take it.
    }
    failpoint('ended');
    const told = this.limits.told();
    if (told !== undefined) await told;
    exchange.timings.settleMs = performance.now() - settleMs;
    this.answer(exchange, attempted);
  }

  private settle(exchange: AdmittedExchange, { attempt, outcome, suspenseNanoUsd }: Attempted): Settlement | Promise<Settlement> {
    exchange.meter = attempt.meter;
    this.answers.keep(exchange, attempt.recorded());
    failpoint('usage-seen');
    const settlement = (exchange.hold as Hold).settle(endingOf(exchange, outcome, attempt, suspenseNanoUsd));
    return this.overages.posted(exchange.requestId, settlement);
  }

  private answer(exchange: AdmittedExchange, { outcome, failures }: Attempted): void {
    if (outcome.kind === 'answered') return this.answers.send(exchange, outcome);
    if (outcome.kind === 'canceled') return;
    const failure = finalFailure(failures) ?? outcome.failure;
    this.answers.fail(exchange, toGatewayError(failure, exchange.served?.deployment, outcome.committed), outcome);
  }

  /** A refused request's log shows, too, who was considered and why nobody was left. */
  private plan(exchange: AdmittedExchange): Plan {
    try {
      return (exchange.plan = this.planner.plan(exchange));
    } catch (error) {
      exchange.plan = planOf(error) ?? undefined;
      throw error;
    }
  }

  /** A call that was never made takes nothing out of the budget all requests share. */
  private mayAsk({ kind }: UpstreamFailure): boolean {
    return kind === 'bulkhead' || this.planner.mayRetry();
  }

  /** Asks one deployment after another, until one answers, the client leaves, or nobody is left who may be asked. */
  private async attemptOthers(exchange: AdmittedExchange, first: Asked): Promise<Attempted> {
    const failures: UpstreamFailure[] = [];
    let suspenseNanoUsd = 0n;
    for (let asked = first; ;) {
      const { attempt, outcome, beside } = asked;
      if (beside !== undefined) suspenseNanoUsd += beside.costNanoUsd;
      if (beside?.failure !== undefined) failures.push(beside.failure);
      if (outcome.kind !== 'failed') return { attempt, outcome, failures, suspenseNanoUsd };
      failures.push(outcome.failure);
      const next = this.attempts.next(exchange, outcome);
      if (next === null || !this.mayAsk(outcome.failure)) return { attempt, outcome, failures, suspenseNanoUsd };
      if (outcome.failure.maybeBilled) suspenseNanoUsd += expectedCostNanoUsd(exchange, attempt);
      asked = await this.hedges.ask(exchange, next);
    }
  }
}

/** Nobody else need be asked, and nobody else was; null otherwise. */
function answeredAtOnce({ attempt, outcome, beside }: Asked): Attempted | null {
  return outcome.kind === 'failed' || beside !== undefined ? null : { attempt, outcome, failures: [], suspenseNanoUsd: 0n };
}
