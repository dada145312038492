/** Planner and health store among providers in virtual time: calls overlap, take their time, and are reported when they end. */
import { aModel, aQuestion, aSnapshot, needs } from '../fixtures/routing.js';
import { SnapshotSource, type Deployment, type Route, type Snapshot } from '../../src/core/catalog/model.js';
import type { UpstreamFailure } from '../../src/core/errors/upstream-failure.js';
import { MAX_ATTEMPTS, SeededRandom, type Plan } from '../../src/core/routing/index.js';
import { ManualClock } from '../../src/platform/clock/index.js';
import { MemoryAffinityStore, MemoryHealthStore, Planner } from '../../src/routing/index.js';

/** How a provider answers a call that begins now. `firstByteMs`: until its stream begins; an error comes then, too. */
export interface Answer {
  firstByteMs: number;
  restMs?: number;
  failure?: Partial<UpstreamFailure>;
}
export type Provider = (nowMs: number, draw: () => number) => Answer;

export interface Call {
  provider: string;
  startedMs: number;
  endedMs: number;
  ok: boolean;
}

export interface Outcome {
  ok: boolean;
  startedMs: number;
  /** Until the client had its first byte, or its error. */
  waitedMs: number;
  servedBy: string | null;
  attempts: number;
}

interface Event {
  atMs: number;
  order: number;
  run: () => void;
}

class FixedSnapshot extends SnapshotSource {
  constructor(private readonly snapshot: Snapshot) {
    super();
  }
  override current(): Snapshot {
    return this.snapshot;
  }
}

export class RoutingWorld {
  readonly clock = new ManualClock(Date.UTC(2026, 0, 1));
  readonly planner: Planner;
  readonly health: MemoryHealthStore;
  readonly calls: Call[] = [];
  readonly outcomes: Outcome[] = [];
  readonly random: SeededRandom;
  private readonly startMs = this.clock.nowMs();
  private readonly queue: Event[] = [];
  private order = 0;

  constructor(
    seed: number,
    readonly deployments: readonly Deployment[],
    private readonly providers: Readonly<Record<string, Provider>>,
    routes: readonly Route[] = [],
  ) {
    this.random = new SeededRandom(seed);
    const source = new FixedSnapshot(aSnapshot([aModel('m', deployments)], routes));
    this.health = new MemoryHealthStore(this.clock, source, seed + 2);
    const affinity = new MemoryAffinityStore(this.clock);
    this.planner = new Planner({ snapshots: source, health: this.health, affinity, clock: this.clock, zone: 'local', seed: seed + 1 });
  }

  get nowMs(): number {
    return this.clock.nowMs() - this.startMs;
  }

  at(atMs: number, run: () => void): void {
    const event = { atMs, order: (this.order += 1), run };
    let place = this.queue.length;
    while (place > 0 && after(this.queue[place - 1] as Event, event)) place -= 1;
    this.queue.splice(place, 0, event);
  }

  /** Requests at random moments, so many a second on average. */
  arrivals(fromMs: number, untilMs: number, perSecond: number): void {
    const atMs = fromMs + (-Math.log(this.random.next()) * 1_000) / perSecond;
    if (atMs >= untilMs) return;
    // One at a time, so that the queue stays short.
    this.at(atMs, () => {
      this.arrivals(atMs, untilMs, perSecond);
      this.request();
    });
  }

  run(): this {
    for (let event = this.queue.shift(); event !== undefined; event = this.queue.shift()) {
      this.clock.advance(Math.max(0, event.atMs - this.nowMs));
      event.run();
    }
    return this;
  }

  request(sessionId?: string, served?: (provider: string) => void): void {
    const startedMs = this.nowMs;
    const options = { noFallback: false, ...(sessionId === undefined ? {} : { sessionId }) };
    const end = (servedBy: string | null, attempts: number): void => {
      this.outcomes.push({ ok: servedBy !== null, startedMs, waitedMs: this.nowMs - startedMs, servedBy, attempts });
      if (servedBy !== null) served?.(servedBy);
    };
    let plan: Plan;
    try {
      plan = this.planner.plan(aQuestion('m', { needs: needs({ streaming: true }), options }));
    } catch {
      return end(null, 0);
    }
    this.attempt(plan, 0, end);
  }

  /** As the spine goes: one after another, until one answers or nobody may be asked. */
  private attempt(plan: Plan, index: number, end: (servedBy: string | null, attempts: number) => void): void {
    const candidate = plan.attempts[index] as Plan['attempts'][number];
    const { deployment } = candidate;
    const provider = deployment.provider.id;
    const startedMs = this.nowMs;
    const answer = (this.providers[provider] as Provider)(startedMs, () => this.random.next());
    const isLast = index + 1 >= Math.min(plan.attempts.length, MAX_ATTEMPTS);
    const waitsMs = (isLast ? null : this.planner.patience(candidate))?.firstByteMs ?? deployment.provider.deadlines.firstByteMs;
    const timedOut = answer.firstByteMs > waitsMs;
    const failure = timedOut ? { kind: 'timeout', code: 'upstream_timeout' } as const : answer.failure;
    const firstByteMs = Math.min(answer.firstByteMs, waitsMs);
    this.at(startedMs + firstByteMs, () => {
      if (failure === undefined) {
        end(provider, index + 1);
        return this.at(this.nowMs + (answer.restMs ?? 0), () => this.finish(plan, deployment, { startedMs, firstByteMs }));
      }
      this.finish(plan, deployment, { startedMs, firstByteMs, failure });
      if (isLast || !this.planner.mayRetry()) return end(null, index + 1);
      this.attempt(plan, index + 1, end);
    });
  }

  private finish(plan: Plan, deployment: Deployment, call: { startedMs: number; firstByteMs: number; failure?: Partial<UpstreamFailure> }): void {
    const { startedMs, firstByteMs, failure } = call;
    const totalMs = this.nowMs - startedMs;
    this.calls.push({ provider: deployment.provider.id, startedMs, endedMs: this.nowMs, ok: failure === undefined });
    const failed: UpstreamFailure | null =
      failure === undefined
        ? null
        : { kind: 'http', status: 500, code: 'upstream_error', message: 'x', tryElsewhere: true, health: 'failure', maybeBilled: false, ...failure };
    this.planner.report(plan, deployment, failed, { totalMs, ttftMs: firstByteMs, firstByteMs, gapMs: 50, modelClass: 'standard' });
  }

  success(fromMs = 0): number {
    const counted = this.outcomes.filter(({ startedMs }) => startedMs >= fromMs);
    return counted.filter(({ ok }) => ok).length / counted.length;
  }

  callsTo(provider: string, fromMs = 0, untilMs = Number.POSITIVE_INFINITY): Call[] {
    return this.calls.filter((call) => call.provider === provider && call.startedMs >= fromMs && call.startedMs < untilMs);
  }

  /** How long a provider that fails from `sinceMs` on was still asked; the canaries of an open circuit come after a pause. */
  ejectedAfterMs(provider: string, sinceMs: number): number {
    const starts = this.callsTo(provider, sinceMs).map(({ startedMs }) => startedMs);
    starts.sort((a, b) => a - b);
    const last = starts.find((startedMs, index) => (starts[index + 1] ?? Number.POSITIVE_INFINITY) - startedMs > 5_000);
    return (last ?? sinceMs) - sinceMs;
  }

  /** Of the calls that began in between. */
  share(provider: string, fromMs: number, untilMs: number): number {
    const all = this.calls.filter(({ startedMs }) => startedMs >= fromMs && startedMs < untilMs);
    return all.filter((call) => call.provider === provider).length / all.length;
  }

  waitedMs(quantile: number): number {
    const sorted = this.outcomes.filter(({ ok }) => ok).map(({ waitedMs }) => waitedMs).sort((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * quantile))] as number;
  }
}

function after(a: Event, b: Event): boolean {
  return a.atMs > b.atMs;
}
