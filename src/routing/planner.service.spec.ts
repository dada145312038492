import { Logger } from '@nestjs/common';
import { aDeployment, aModel, aQuestion, aSnapshot, needs } from '../../test/fixtures/routing.js';
import { SnapshotSource, type Snapshot } from '../core/catalog/model.js';
import type { GatewayError } from '../core/errors/gateway-error.js';
import type { HealthEffect, UpstreamFailure } from '../core/errors/upstream-failure.js';
import { ManualClock } from '../platform/clock/index.js';
import { MemoryAffinityStore, MemoryHealthStore, planOf, Planner } from './index.js';

beforeAll(() => Logger.overrideLogger(false));

class FixedSnapshot extends SnapshotSource {
  constructor(public snapshot: Snapshot) {
    super();
  }
  override current(): Snapshot {
    return this.snapshot;
  }
}

function aPlanner(...ids: string[]) {
  const deployments = ids.map((id) => aDeployment(id));
  const source = new FixedSnapshot(aSnapshot([aModel('m', deployments)]));
  const clock = new ManualClock();
  const health = new MemoryHealthStore(clock, source);
  const affinity = new MemoryAffinityStore(clock);
  const planner = new Planner({ snapshots: source, health, affinity, clock, zone: 'local' });
  const failure = (effect: HealthEffect = 'failure', more: Partial<UpstreamFailure> = {}): UpstreamFailure => ({
    kind: 'http',
    status: 500,
    code: 'upstream_error',
    message: 'boom',
    tryElsewhere: true,
    health: effect,
    maybeBilled: false,
    ...more,
  });
  const fail = (index: number, count = 1, effect: HealthEffect = 'failure', more: Partial<UpstreamFailure> = {}) => {
    for (let round = 0; round < count; round += 1) health.report(deployments[index]!, failure(effect, more), { totalMs: 0 });
  };
  const first = (sessionId?: string) =>
    planner.plan(aQuestion('m', { options: { noFallback: false, ...(sessionId === undefined ? {} : { sessionId }) } })).attempts[0]?.deployment.provider.id;
  return { deployments, source, clock, health, affinity, planner, failure, fail, first };
}

describe('Planner', () => {
  it('sends one canary at a time to a recovering deployment', () => {
    const { clock, fail, first, health, deployments } = aPlanner('a', 'b');
    fail(0, 5);
    expect(new Set(Array.from({ length: 20 }, () => first()))).toEqual(new Set(['b']));
    clock.advance(11_000);
    expect([first(), first(), first()]).toEqual(['a', 'b', 'b']);
    health.report(deployments[0]!, null, { totalMs: 0 });
    const firsts = Array.from({ length: 400 }, () => first());
    const share = firsts.filter((id) => id === 'a').length / firsts.length;
    expect(share).toBeGreaterThan(0.02);
    expect(share).toBeLessThan(0.2);
  });

  it('tries one deployment per interval when every circuit is open, and says when to come back otherwise', () => {
    const { clock, fail, planner } = aPlanner('a', 'b');
    fail(0, 5);
    fail(1, 5);
    const plan = planner.plan(aQuestion('m'));
    expect([plan.attempts.length, plan.probe]).toEqual([1, plan.attempts[0]?.deployment.id]);
    const refused = catchError(() => planner.plan(aQuestion('m')));
    expect([refused.status, refused.code, refused.metadata]).toEqual([503, 'no_deployment_available', { retryable: true }]);
    expect(planOf(refused)?.candidates.map(({ excluded }) => excluded)).toEqual(['circuit_open', 'circuit_open']);
    clock.advance(10_000);
    expect(planner.plan(aQuestion('m')).attempts).not.toHaveLength(0);
  });

  it('answers 429 with the smallest wait when all are limited', () => {
    const { fail, planner } = aPlanner('a', 'b');
    fail(0, 1, 'rate-limit', { retryAfterMs: 9_000 });
    fail(1, 1, 'rate-limit', { retryAfterMs: 4_000 });
    const refused = catchError(() => planner.plan(aQuestion('m')));
    expect([refused.status, refused.code, refused.retryAfterMs]).toEqual([429, 'upstream_rate_limited', 4_000]);
  });

  it('sets a refused credential aside until it is edited', () => {
    const { fail, first, source, health } = aPlanner('a', 'b');
    fail(0, 1, 'credential');
    expect(new Set(Array.from({ length: 20 }, () => first()))).toEqual(new Set(['b']));
    const edited = aDeployment('a', { credential: { id: 'main', weight: 1, secrets: { key: 'new' } } });
    source.snapshot = aSnapshot([aModel('m', [edited])]);
    expect(first()).toBe('a');
    expect(health.list()).toMatchObject([{ provider: 'a', circuit: 'closed', credentialState: 'ok', kept: true }]);
  });

  it('keeps a session with who served it, and leaves who failed it', () => {
    const { planner, deployments, first, failure } = aPlanner('a', 'b', 'c');
    const plan = planner.plan(aQuestion('m', { options: { noFallback: false, sessionId: 's' } }));
    for (const deployment of deployments) {
      planner.report(plan, deployment, null, { totalMs: 5 });
      expect(first('s')).toBe(deployment.provider.id);
    }
    planner.report(plan, deployments[2]!, null, { totalMs: 5, canceled: true });
    expect(first('s')).toBe('c');
    planner.report(plan, deployments[2]!, failure(), { totalMs: 5 });
    expect(first('s')).toBe(first('s'));
  });

  it('never touches the health of what runs in this process or is not kept', () => {
    const sandbox = aDeployment('sandbox', { provider: { inProcess: true } });
    const { source, health, planner } = aPlanner('a');
    source.snapshot = aSnapshot([aModel('m', [sandbox])]);
    for (let round = 0; round < 20; round += 1)
      health.report(
        sandbox,
        { kind: 'http', status: 500, code: 'upstream_error', message: 'x', tryElsewhere: true, health: 'failure', maybeBilled: false },
        { totalMs: 0 },
      );
    expect(planner.plan(aQuestion('m')).attempts).toHaveLength(1);
    expect(health.list()).toMatchObject([{ kept: false, circuit: 'closed', successRate: null }]);
  });

  it('explains without taking anything, the same way for the same seed', () => {
    const { planner, fail, clock } = aPlanner('a', 'b');
    fail(0, 5);
    clock.advance(11_000);
    const seen = Array.from({ length: 5 }, () => planner.explain(aQuestion('m'), { seed: 3 }).plan.attempts.map(({ deployment }) => deployment.id));
    expect(new Set(seen.map((ids) => ids.join()))).toEqual(new Set(['a/m#main,b/m#main']));
    expect(planner.explain(aQuestion('m', { needs: needs({ promptTokensEstimate: 10 }) })).refusal).toBeNull();
  });
});

function catchError(work: () => unknown): GatewayError {
  try {
    work();
  } catch (error) {
    return error as GatewayError;
  }
  throw new Error('nothing was thrown');
}
