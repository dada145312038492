/** The planner and its health store against providers that fail, slow down, limit and recover: virtual time, seeded, figures printed. */
import { aDeployment, aModel, aQuestion, aRoute, aSnapshot, needs } from '../fixtures/routing.js';
import { SnapshotSource, type Deployment, type Route, type Snapshot } from '../../src/core/catalog/model.js';
import type { GatewayError } from '../../src/core/errors/gateway-error.js';
import type { UpstreamFailure } from '../../src/core/errors/upstream-failure.js';
import { hash32, SeededRandom, type Plan } from '../../src/core/routing/index.js';
import { ManualClock } from '../../src/platform/clock/index.js';
import { MemoryAffinityStore, MemoryHealthStore, Planner } from '../../src/routing/index.js';

const SEED = 20_261_121;

type Behaviour = (nowMs: number, draw: number) => { ok: boolean; totalMs: number; failure?: Partial<UpstreamFailure> };

class FixedSnapshot extends SnapshotSource {
  constructor(private readonly snapshot: Snapshot) {
    super();
  }
  override current(): Snapshot {
    return this.snapshot;
  }
}

/** One call each `stepMs`, answered at once: what matters here is who is asked, not how calls overlap. */
class World {
  readonly clock = new ManualClock(Date.UTC(2026, 0, 1));
  readonly startMs = this.clock.nowMs();
  readonly planner: Planner;
  readonly health: MemoryHealthStore;
  readonly asked = new Map<string, number>();
  requests = 0;
  succeeded = 0;
  calls = 0;
  private readonly random = new SeededRandom(SEED);

  constructor(
    readonly deployments: readonly Deployment[],
    private readonly behaviours: Readonly<Record<string, Behaviour>>,
    routes: readonly Route[] = [],
  ) {
    const source = new FixedSnapshot(aSnapshot([aModel('m', deployments)], routes));
    this.health = new MemoryHealthStore(this.clock, source, SEED + 2);
    this.planner = new Planner({
      snapshots: source,
      health: this.health,
      affinity: new MemoryAffinityStore(this.clock),
      clock: this.clock,
      zone: 'local',
      seed: SEED + 1,
    });
    (this.health as unknown as { logger: { warn(): void; log(): void; error(): void } }).logger = {
      warn: () => undefined,
      log: () => undefined,
      error: () => undefined,
    };
  }

  get elapsedMs(): number {
    return this.clock.nowMs() - this.startMs;
  }

  run(durationMs: number, stepMs: number, sessionOf?: (index: number) => string): this {
    const untilMs = this.elapsedMs + durationMs;
    for (let index = 0; this.elapsedMs < untilMs; index += 1) {
      this.request(sessionOf?.(index));
      this.clock.advance(stepMs);
    }
    return this;
  }

  request(sessionId?: string): Deployment | null {
    this.requests += 1;
    let plan: Plan;
    try {
      plan = this.planner.plan(aQuestion('m', { needs: needs(), options: { noFallback: false, ...(sessionId === undefined ? {} : { sessionId }) } }));
    } catch (error) {
      expect([429, 503]).toContain((error as GatewayError).status);
      return null;
    }
    for (const [index, { deployment }] of plan.attempts.entries()) {
      if (index > 0 && !this.planner.mayRetry()) return null;
      if (this.call(plan, deployment)) return deployment;
    }
    return null;
  }

  private call(plan: Plan, deployment: Deployment): boolean {
    const id = deployment.provider.id;
    this.calls += 1;
    this.asked.set(id, (this.asked.get(id) ?? 0) + 1);
    const { ok, totalMs, failure } = (this.behaviours[id] as Behaviour)(this.elapsedMs, this.random.next());
    const failed: UpstreamFailure | null = ok
      ? null
      : { kind: 'http', status: 500, code: 'upstream_error', message: 'x', tryElsewhere: true, health: 'failure', maybeBilled: false, ...failure };
    this.planner.report(plan, deployment, failed, { totalMs });
    if (ok) this.succeeded += 1;
    return ok;
  }

  /** Who was asked in the meantime, as shares. */
  shares(during: () => void): Record<string, number> {
    const before = new Map(this.asked);
    during();
    const counts = this.deployments.map(({ provider: { id } }) => [id, (this.asked.get(id) ?? 0) - (before.get(id) ?? 0)] as const);
    const total = counts.reduce((sum, [, count]) => sum + count, 0);
    return Object.fromEntries(counts.map(([id, count]) => [id, count / total]));
  }
}

const well: Behaviour = () => ({ ok: true, totalMs: 0 });
const dead: Behaviour = () => ({ ok: false, totalMs: 0 });
const deadBetween =
  (fromMs: number, untilMs: number): Behaviour =>
  (nowMs) => ({ ok: nowMs < fromMs || nowMs >= untilMs, totalMs: 0 });
const flaky =
  (share: number): Behaviour =>
  (_nowMs, draw) => ({ ok: draw >= share, totalMs: 0 });
const figures = (name: string, values: Record<string, number>): void => {
  process.stdout.write(
    `simulation (seed ${SEED}) ${name}: ${Object.entries(values)
      .map(([key, value]) => `${key} ${Number(value.toFixed(4))}`)
      .join(', ')}\n`,
  );
};
const pair = (): Deployment[] => [aDeployment('a'), aDeployment('b')];

describe('simulation', () => {
  it('one of two providers dead: nobody notices, and it is left alone within 10 s', () => {
    const world = new World(pair(), { a: dead, b: well }).run(1_000, 10);
    const early = world.asked.get('a') ?? 0;
    world.run(599_000, 10);
    const late = world.asked.get('a') ?? 0;
    figures('one dead', {
      success: world.succeeded / world.requests,
      callsPerRequest: world.calls / world.requests,
      askedInFirstSecond: early,
      askedInTenMinutes: late,
    });
    expect(world.succeeded / world.requests).toBeGreaterThanOrEqual(0.999);
    expect(early).toBeLessThanOrEqual(5);
    expect(late).toBeLessThanOrEqual(5 + 10);
  });

  it('all providers dead: at most 1.2 upstream calls per request, and a probe per interval', () => {
    const world = new World([aDeployment('a'), aDeployment('b'), aDeployment('c')], { a: dead, b: dead, c: dead }).run(60_000, 10);
    figures('all dead', { callsPerRequest: world.calls / world.requests, calls: world.calls });
    expect(world.calls / world.requests).toBeLessThanOrEqual(1.2);
    expect(world.calls).toBeGreaterThan(15);
  });

  it('recovery: seen within one probe, share grows over 30 s to its fair part, without oscillation', () => {
    const world = new World(pair(), { a: deadBetween(30_000, 90_000), b: well }).run(90_000, 10);
    const recoveredAtMs = world.elapsedMs;
    while ((world.health.list()[0]?.circuit ?? 'closed') !== 'closed' && world.elapsedMs < recoveredAtMs + 120_000) world.run(100, 10);
    const waitMs = world.elapsedMs - recoveredAtMs;
    const first = world.shares(() => world.run(3_000, 5))['a'] ?? 0;
    const middle = world.shares(() => world.run(12_000, 5)) && (world.shares(() => world.run(3_000, 5))['a'] ?? 0);
    world.run(20_000, 5);
    const windows = Array.from({ length: 10 }, () => world.shares(() => world.run(5_000, 5))['a'] ?? 0);
    figures('recovery', {
      success: world.succeeded / world.requests,
      probeWaitMs: waitMs,
      shareFirst3s: first,
      shareAt15s: middle,
      shareLater: windows[9] ?? 0,
      spread: Math.max(...windows) - Math.min(...windows),
    });
    expect(waitMs).toBeLessThanOrEqual(45_000);
    expect(first).toBeLessThan(0.15);
    expect(middle).toBeGreaterThan(0.25);
    expect(middle).toBeLessThan(0.45);
    for (const share of windows) expect(Math.abs(share - 0.5)).toBeLessThan(0.1);
    expect(world.succeeded / world.requests).toBeGreaterThanOrEqual(0.999);
  });

  it('a provider that fails three times in ten loses its traffic, yet not all of it for ever', () => {
    const world = new World(pair(), { a: flaky(0.3), b: well }).run(600_000, 20);
    const share = (world.asked.get('a') ?? 0) / world.calls;
    figures('flaky', { success: world.succeeded / world.requests, shareOfFlaky: share });
    expect(world.succeeded / world.requests).toBeGreaterThanOrEqual(0.999);
    expect(share).toBeLessThan(0.35);
    // 0.0075 to 0.0112 over 200 seeds of the probes' jitter.
    expect(share).toBeGreaterThan(0.005);
  });

  it('a limited provider is asked again when it said, not before', () => {
    let limitedUntilMs = 0;
    let early = 0;
    const limited: Behaviour = (nowMs) => {
      if (nowMs < limitedUntilMs) early += 1;
      limitedUntilMs = nowMs + 2_000;
      return { ok: false, totalMs: 0, failure: { status: 429, code: 'upstream_rate_limited', health: 'rate-limit', retryAfterMs: 2_000 } };
    };
    const world = new World(pair(), { a: limited, b: well }).run(60_000, 10);
    figures('limited', { success: world.succeeded / world.requests, askedA: world.asked.get('a') ?? 0, early });
    expect([early, world.succeeded / world.requests]).toEqual([0, 1]);
    expect(world.asked.get('a')).toBeLessThanOrEqual(31);
  });

  it('the slower provider keeps a sliver under `latency`, so that its recovery is seen', () => {
    const world = new World(pair(), { a: () => ({ ok: true, totalMs: 4_000 }), b: () => ({ ok: true, totalMs: 400 }) }, [
      aRoute({ strategy: { kind: 'latency' } }),
    ]).run(200_000, 10);
    const share = (world.asked.get('a') ?? 0) / world.calls;
    figures('latency', { shareOfSlow: share });
    expect(share).toBeGreaterThan(0.001);
    expect(share).toBeLessThan(0.02);
  });

  it('sessions stay where their cache is: at least 95 % of the ideal, also around an outage', () => {
    const world = new World([aDeployment('a'), aDeployment('b'), aDeployment('c')], { a: deadBetween(60_000, 120_000), b: well, c: well });
    const last = new Map<string, string>();
    let warm = 0;
    let possible = 0;
    for (let index = 0; world.elapsedMs < 300_000; index += 1) {
      const session = `s${hash32(String(index)) % 200}`;
      const served = world.request(session)?.provider.id;
      if (served !== undefined) {
        if (last.has(session)) possible += 1;
        if (last.get(session) === served) warm += 1;
        last.set(session, served);
      }
      world.clock.advance(20);
    }
    figures('affinity', { success: world.succeeded / world.requests, warmShare: warm / possible });
    expect(warm / possible).toBeGreaterThanOrEqual(0.95);
  });
});
