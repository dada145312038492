/** Two replicas that share health and affinity through a real Redis, in the manual time of their clocks. */
import { Logger } from '@nestjs/common';
import { SnapshotSource, type Snapshot } from '../../src/core/catalog/model.js';
import type { HealthEffect, UpstreamFailure } from '../../src/core/errors/upstream-failure.js';
import { ManualClock, SystemClock } from '../../src/platform/clock/index.js';
import { RedisConnection } from '../../src/platform/redis/index.js';
import { MemoryAffinityStore } from '../../src/routing/affinity.store.js';
import { SharedAffinityStore } from '../../src/routing/shared-affinity.store.js';
import { SharedHealthStore } from '../../src/routing/shared-health.store.js';
import { aDeployment, aModel, aSnapshot } from '../fixtures/routing.js';
import { describeWithRedis, startRedis, type TestRedis } from '../support/redis.js';

jest.setTimeout(30_000);

class FixedSnapshot extends SnapshotSource {
  constructor(readonly snapshot: Snapshot) {
    super();
  }
  override current(): Snapshot {
    return this.snapshot;
  }
}

const failed = (health: HealthEffect = 'failure', more: Partial<UpstreamFailure> = {}): UpstreamFailure => ({
  kind: 'http',
  status: 500,
  code: 'upstream_error',
  message: 'boom',
  tryElsewhere: true,
  health,
  maybeBilled: false,
  ...more,
});

describeWithRedis('health and affinity shared through Redis', () => {
  let server: TestRedis;
  let connections: RedisConnection[];
  const clock = new ManualClock(Date.now());
  let zone = 0;

  beforeAll(async () => {
    Logger.overrideLogger(false);
    server = await startRedis();
    connections = [0, 1].map(() => new RedisConnection(server.url, new SystemClock(), () => undefined));
    await untilUp();
  });
  afterAll(async () => {
    await Promise.all(connections.map((connection) => connection.close()));
    await server.stop();
  });

  async function untilUp(): Promise<void> {
    for (let round = 0; round < 400; round += 1) {
      const answers = await Promise.all(connections.map((connection) => connection.run((redis) => redis.ping()).catch(() => null)));
      if (answers.every((answer) => answer === 'PONG')) return;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    throw new Error('Redis is not reached');
  }

  /** Two replicas of a zone of their own, with deployments a and b. */
  function replicas(secrets: Record<string, string>[] = [{ key: 'k1' }, { key: 'k1' }]) {
    zone += 1;
    return connections.map((redis, index) => {
      const deployments = ['a', 'b'].map((id) => aDeployment(id, { credential: { id: 'main', weight: 1, secrets: secrets[index] as Record<string, string> } }));
      const source = new FixedSnapshot(aSnapshot([aModel('m', deployments)]));
      const health = new SharedHealthStore({ clock, snapshots: source, redis, zone: `z${zone}` });
      const affinity = new SharedAffinityStore({ clock, local: new MemoryAffinityStore(clock), redis, zone: `z${zone}` });
      const [a, b] = deployments as [(typeof deployments)[number], (typeof deployments)[number]];
      return { health, affinity, a, b };
    }) as [ReturnType<typeof one>, ReturnType<typeof one>];
  }
  type Replica = { health: SharedHealthStore; affinity: SharedAffinityStore; a: ReturnType<typeof aDeployment>; b: ReturnType<typeof aDeployment> };
  const one = (): Replica => replicas()[0];

  async function spread(...stores: { exchange(): Promise<void> }[]): Promise<void> {
    for (const store of stores) await store.exchange();
    for (const store of stores) await store.exchange();
  }

  it('a circuit that opened here is open there, probed by one replica, and closed for both by its canary', async () => {
    const [here, there] = replicas();
    for (let call = 0; call < 5; call += 1) here.health.report(here.a, failed(), { totalMs: 1 });
    expect(there.health.view(there.a)?.circuit).toBe('closed');
    await spread(here.health, there.health);
    expect(there.health.view(there.a)).toMatchObject({ circuit: 'open' });
    expect(there.health.view(there.b)?.circuit).toBe('closed');
    clock.advance(11_500);
    expect([here.health.view(here.a)?.circuit, there.health.view(there.a)?.circuit]).toEqual(['half-open', 'open']);
    expect(here.health.claimCanary(here.a)).toBe(true);
    here.health.report(here.a, null, { totalMs: 1 });
    await spread(here.health, there.health);
    expect(there.health.view(there.a)).toMatchObject({ circuit: 'closed', slowStartWeight: 0.1 });
  });

  it('a canary that failed there doubles the wait here', async () => {
    const [here, there] = replicas();
    for (let call = 0; call < 5; call += 1) here.health.report(here.a, failed(), { totalMs: 1 });
    await spread(here.health, there.health);
    clock.advance(11_500);
    here.health.claimCanary(here.a);
    here.health.report(here.a, failed(), { totalMs: 1 });
    await spread(here.health, there.health);
    clock.advance(15_000);
    expect([here.health.view(here.a)?.circuit, there.health.view(there.a)?.circuit]).toEqual(['open', 'open']);
  });

  it('calls add up: each sees too few failures for a judgement, together they see enough', async () => {
    const [here, there] = replicas();
    for (let call = 0; call < 15; call += 1) {
      for (const { health, a } of [here, there]) {
        health.report(a, call % 3 === 0 ? failed() : null, { totalMs: 20 });
      }
    }
    expect(here.health.view(here.a)).toMatchObject({ availability: 1 });
    await spread(here.health, there.health);
    const [mine, theirs] = [here.health.view(here.a), there.health.view(there.a)];
    expect([mine?.samples, theirs?.samples].map((samples) => Math.round(samples ?? 0))).toEqual([30, 30]);
    expect(mine?.availability).toBeLessThan(0.7);
    expect(mine?.availability).toBeCloseTo(theirs?.availability ?? 0);
    // Heard once, not again with every round.
    await spread(here.health, there.health);
    expect(Math.round(here.health.view(here.a)?.samples ?? 0)).toBe(30);
  });

  it('a limit and a refused credential are known to both; another secret under the same name is not touched', async () => {
    const [here, there] = replicas();
    here.health.report(here.a, failed('rate-limit', { retryAfterMs: 20_000 }), { totalMs: 1 });
    here.health.report(here.b, failed('credential', { status: 401 }), { totalMs: 1 });
    await spread(here.health, there.health);
    expect([there.health.view(there.a)?.credential, there.health.view(there.b)?.credential]).toEqual(['rate-limited', 'rejected']);
    const [old, edited] = replicas([{ key: 'old' }, { key: 'new' }]);
    old.health.report(old.a, failed('credential', { status: 401 }), { totalMs: 1 });
    await spread(old.health, edited.health);
    expect([old.health.view(old.a)?.credential, edited.health.view(edited.a)?.credential]).toEqual(['rejected', 'ok']);
  });

  it('no secret stands in Redis, and foreign entries do no harm', async () => {
    const [here, there] = replicas([{ key: 'sk-very-secret' }, { key: 'sk-very-secret' }]);
    here.health.report(here.a, failed('credential', { status: 401, message: 'sk-very-secret is wrong' }), { totalMs: 1 });
    await here.health.exchange();
    const redis = connections[0] as RedisConnection;
    expect(JSON.stringify(await redis.run((client) => client.xrange(`og:health:z${zone}`, '-', '+')))).not.toContain('very-secret');
    for (const text of ['{', '[]', '[[1,2]]', '[["a/m#main",{"failures":-5,"opened":{"forMs":"x"},"totalMs":"y"}]]', '[["nobody",{"failures":1}]]']) {
      await redis.run((client) => client.xadd(`og:health:z${zone}`, '*', 'engine', 'other', 'news', text));
    }
    await there.health.exchange();
    expect(there.health.view(there.a)).toMatchObject({ circuit: 'closed', samples: 0, credential: 'rejected' });
  });

  it('a session moved by a failure here stays with its new deployment there', async () => {
    const [here, there] = replicas();
    here.affinity.bind('s', here.a);
    await spread(here.affinity, there.affinity);
    expect(there.affinity.find('s')).toBeNull();
    await there.affinity.exchange();
    expect(there.affinity.find('s')).toBe(there.a.id);
    here.affinity.drop('s', here.a);
    here.affinity.bind('s', here.b);
    await here.affinity.exchange();
    const [, late] = replicas();
    expect(late.affinity.find('s')).toBeNull();
    // Two replicas meet a session for the first time at once: whoever told first is followed.
    const [left, right] = replicas();
    left.affinity.bind('t', left.a);
    right.affinity.bind('t', right.b);
    await left.affinity.exchange();
    await right.affinity.exchange();
    expect([left.affinity.find('t'), right.affinity.find('t')]).toEqual([left.a.id, left.a.id]);
    clock.advance(3_600_000);
    expect(left.affinity.find('t')).toBeNull();
  });

  it('a Redis that hangs changes nothing but freshness: no call waits, and all is told again once it is back', async () => {
    const [here, there] = replicas();
    server.suspend();
    for (let call = 0; call < 5; call += 1) here.health.report(here.a, failed(), { totalMs: 1 });
    here.affinity.bind('u', here.b);
    await Promise.all([here.health.exchange(), here.affinity.exchange(), there.health.exchange()]);
    expect([here.health.view(here.a)?.circuit, here.affinity.find('u'), there.health.view(there.a)?.circuit]).toEqual(['open', here.b.id, 'closed']);
    server.resume();
    await untilUp();
    for (let call = 0; call < 5; call += 1) here.health.report(here.b, failed(), { totalMs: 1 });
    await spread(here.health, there.health);
    expect(there.health.view(there.b)?.circuit).toBe('open');
  });
});
