import { randomInt } from 'node:crypto';
import { deadlinesOf, type Deployment, type Snapshot, type SnapshotSource } from '../core/catalog/model.js';
import { GatewayError } from '../core/errors/gateway-error.js';
import type { UpstreamFailure } from '../core/errors/upstream-failure.js';
import {
  modelClassOf,
  patienceOf,
  planAttempts,
  readsCacheCheaper,
  refusalOf,
  RetryBudget,
  SeededRandom,
  type Candidate,
  type HealthView,
  type Patience,
  type Plan,
  type PlanQuestion,
  type PlanWorld,
} from '../core/routing/index.js';
import type { Clock } from '../platform/clock/index.js';
import type { AffinityStore } from './affinity.store.js';
import type { CallOutcome, HealthStore } from './health.store.js';

/** What an operator may set when a plan is explained. */
export interface ExplainOptions {
  /** Of a logged request: the same draws. */
  seed?: number;
  /** As if it were then: for schedules, retirement, waits. */
  atMs?: number;
  /** As if this configuration were in force. */
  snapshot?: Snapshot;
}

export interface Explanation {
  plan: Plan;
  /** Why nobody would be asked; null when the plan has attempts. */
  refusal: GatewayError | null;
  /** How long each attempt of the plan would be waited for, in their order. */
  waits: readonly ExplainedWait[];
  /** When a second deployment would be asked beside the first, for an answer that is no stream; null: never. */
  hedgeAfterMs: number | null;
}

export interface ExplainedWait extends Patience {
  /** Shorter than configured, by the tails of earlier answers. */
  observed: boolean;
}

export interface PlannerParts {
  readonly snapshots: SnapshotSource;
  readonly health: HealthStore;
  readonly affinity: AffinityStore;
  readonly clock: Clock;
  /** OG_ZONE. */
  readonly zone: string;
  /** Of the draws of all plans; from entropy unless a simulation gives one. */
  readonly seed?: number;
}

/**
 * Plans requests from the snapshot, health and affinity; calls no provider, and knows neither money nor limits. An injectable
 * class.
 */
export class Planner {
  private readonly parts: PlannerParts;
  private readonly budget = new RetryBudget();
  private readonly seeds: SeededRandom;

  constructor(parts: PlannerParts) {
    this.parts = parts;
    this.seeds = new SeededRandom(parts.seed ?? randomInt(0, 2 ** 32));
  }

  /** Holds are carved from leases (true), or committed one by one. */
  get leases(): boolean {
    return this.parts.snapshots.current().leases;
  }

  /**
   * The plan of one request; takes the circuit's probe when the plan begins with one. Throws the GatewayError that says why
   * nobody can be asked; `planOf(error)` then has the candidates and their reasons.
   */
  plan(question: PlanQuestion): Plan {
    const world = this.world(Math.floor(this.seeds.next() * 2 ** 32), this.parts.clock.nowMs());
    // What a client repeats by itself earns no further attempts: its retries and ours must not multiply.
    if ((question.options.clientRetries ?? 0) === 0) this.budget.request(world.nowMs);
    const plan = planAttempts(question, world);
    if (plan.attempts.length === 0) return this.panic(question, world, plan);
    return plan.probe === undefined ? plan : this.probing(question, world, plan);
  }

  /** Nothing is sent and no probe is taken. Throws only when the model is unknown or retired. */
  explain(question: PlanQuestion, options: ExplainOptions = {}): Explanation {
    const plan = planAttempts(question, this.world(options.seed ?? 0, options.atMs ?? this.parts.clock.nowMs(), options.snapshot));
    const [first] = plan.attempts;
    const hedgeAfterMs = first === undefined ? undefined : this.hedgeAfterMs(plan, first.deployment);
    return { plan, refusal: first === undefined ? refusalOf(plan) : null, waits: this.waits(plan), hedgeAfterMs: hedgeAfterMs ?? null };
  }

  /** The last one is waited for as long as configured. */
  private waits({ attempts }: Plan): ExplainedWait[] {
    return attempts.map((candidate, index) => {
      const { firstByteMs, idleMs } = deadlinesOf(candidate.deployment);
      const patience = index + 1 < attempts.length ? this.patience(candidate) : null;
      return { firstByteMs, idleMs, ...patience, observed: patience !== null };
    });
  }

  /** Takes one further attempt out of the budget that all requests share; false: end with the failure at hand. */
  mayRetry(): boolean {
    return this.budget.mayRetry(this.parts.clock.nowMs());
  }

  /**
   * How long this candidate is waited for before the next one is asked, from the tails of what it, or its class of models,
   * answered lately; null: as long as configured.
   */
  patience({ deployment, model }: Pick<Candidate, 'deployment' | 'model'>): Patience | null {
    return patienceOf(deadlinesOf(deployment), this.parts.health.tails(deployment, modelClassOf(model)));
  }

  /** When a second deployment is asked beside this one, where the plan hedges; undefined: not, or too little is known of it. */
  hedgeAfterMs({ hedge }: Plan, deployment: Deployment): number | undefined {
    if (hedge === undefined) return undefined;
    return hedge.after === 'p95' ? this.parts.health.slowestUsualMs(deployment) : hedge.after;
  }

  /** After every attempt: health learns of it, and the session stays with who served it. */
  report(plan: Plan, deployment: Deployment, failure: UpstreamFailure | null, outcome: CallOutcome): void {
    this.parts.health.report(deployment, failure, outcome);
    if (plan.affinityKey === undefined || outcome.canceled === true) return;
    if (failure === null) this.keep(plan.affinityKey, deployment, outcome.cachedForMs);
    else if (failure.tryElsewhere) this.parts.affinity.drop(plan.affinityKey, deployment);
  }

  /** Where staying saves nothing, nothing is remembered: the weighted draw by key keeps sessions together well enough. */
  private keep(key: string, deployment: Deployment, cachedForMs: number | undefined): void {
    if (readsCacheCheaper(deployment)) this.parts.affinity.bind(key, deployment, cachedForMs);
  }

  private world(seed: number, nowMs: number, snapshot = this.parts.snapshots.current()): LiveWorld {
    return new LiveWorld(this.parts, snapshot, nowMs, seed);
  }

  /** Two requests may have planned the same canary: the second one plans again, the circuit now being open for it. */
  private probing(question: PlanQuestion, world: LiveWorld, plan: Plan): Plan {
    const first = plan.attempts[0];
    if (first === undefined || this.parts.health.claimCanary(first.deployment)) return plan;
    const again = planAttempts(question, world);
    return again.attempts.length === 0 ? this.panic(question, world, again) : again;
  }

  /** Every deployment's circuit is open: one is still tried per interval, or an outage would outlast itself. */
  private panic(question: PlanQuestion, world: LiveWorld, plan: Plan): Plan {
    const open = plan.candidates.filter(({ excluded }) => excluded === 'circuit_open');
    const soonest = open.sort((a, b) => (a.waitMs ?? 0) - (b.waitMs ?? 0))[0]?.deployment;
    if (soonest === undefined || !this.parts.health.claimPanic(plan.model.id)) throw refusal(plan);
    this.parts.health.claimCanary(soonest);
    const admitted = planAttempts(question, world.admitting(soonest.id));
    if (admitted.attempts.length === 0) throw refusal(admitted);
    return admitted;
  }
}

/** This moment, as the planner's stores know it. */
class LiveWorld implements PlanWorld {
  readonly zone: string;
  admit: string | undefined = undefined;

  constructor(
    private readonly parts: PlannerParts,
    readonly snapshot: Snapshot,
    readonly nowMs: number,
    readonly seed: number,
  ) {
    this.zone = parts.zone;
  }

  /** The same moment in panic mode. */
  admitting(deploymentId: string): LiveWorld {
    const world = new LiveWorld(this.parts, this.snapshot, this.nowMs, this.seed);
    world.admit = deploymentId;
    return world;
  }

  health(deployment: Deployment): HealthView | null {
    return this.parts.health.view(deployment, this.nowMs);
  }

  bound(key: string): string | null {
    return this.parts.affinity.find(key);
  }
}

function refusal(plan: Plan): GatewayError {
  const error = refusalOf(plan);
  PLANS.set(error, plan);
  return error;
}

const PLANS = new WeakMap<object, Plan>();

/** The plan without attempts behind a refusal of `Planner.plan`, for the log; null for any other error. */
export function planOf(error: unknown): Plan | null {
  return typeof error === 'object' && error !== null ? (PLANS.get(error) ?? null) : null;
}
