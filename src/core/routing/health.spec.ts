import type { HealthEffect, UpstreamFailure } from '../errors/upstream-failure.js';
import { RejectedCredential } from './credential-health.js';
import { DeploymentHealth } from './deployment-health.js';
import { LatencyDigest } from './latency-digest.js';
import { patienceOf } from './patience.js';
import { RetryBudget } from './retry-budget.js';
import { TailWindow } from './tail-window.js';
import { availabilityBand, wilsonLowerBound } from './wilson.js';

const credential = { id: 'main', weight: 1, secrets: { key: 'one' } };
const failure = (health: HealthEffect = 'failure', retryAfterMs?: number): UpstreamFailure => ({
  kind: 'http',
  status: 500,
  code: 'upstream_error',
  message: 'boom',
  tryElsewhere: true,
  health,
  maybeBilled: false,
  ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
});

class Story {
  nowMs = 1_000_000;
  readonly rejected = new RejectedCredential();
  readonly health = new DeploymentHealth(this.rejected);
  wait(ms: number): this {
    this.nowMs += ms;
    return this;
  }
  good(count = 1): this {
    for (let index = 0; index < count; index += 1) this.health.record(credential, null, { nowMs: this.nowMs, totalMs: 0, jitter: 0.5 });
    return this;
  }
  bad(count = 1, effect: HealthEffect = 'failure', retryAfterMs?: number): this {
    for (let index = 0; index < count; index += 1)
      this.health.record(credential, failure(effect, retryAfterMs), { nowMs: this.nowMs, totalMs: 0, jitter: 0.5 });
    return this;
  }
  get view() {
    return this.health.view(credential, this.nowMs);
  }
}

describe('a circuit', () => {
  it('opens at five consecutive failures, half-opens after 10 s with one canary', () => {
    const story = new Story().good(30).bad(4);
    expect(story.view.circuit).toBe('closed');
    expect(story.bad().view).toMatchObject({ circuit: 'open', retryAtMs: story.nowMs + 10_000, lastError: '500 upstream_error: boom' });
    expect(story.wait(9_999).view.circuit).toBe('open');
    expect(story.wait(1).view.circuit).toBe('half-open');
    expect([story.health.claimCanary(story.nowMs), story.health.claimCanary(story.nowMs), story.view.circuit]).toEqual([true, false, 'open']);
  });
  it('opens when more than half of ten fail', () => {
    const story = new Story();
    for (let round = 0; round < 4; round += 1) story.good().bad();
    expect(story.view.circuit).toBe('closed');
    expect(story.good().bad(3).view.circuit).toBe('open');
  });
  it('doubles its wait at each failed canary up to 5 min, and forgets that once closed', () => {
    const story = new Story().bad(5);
    const waits: number[] = [];
    for (let round = 0; round < 7; round += 1) {
      story.nowMs = story.view.retryAtMs as number;
      story.health.claimCanary(story.nowMs);
      story.bad();
      waits.push((story.view.retryAtMs as number) - story.nowMs);
    }
    expect(waits).toEqual([20_000, 40_000, 80_000, 160_000, 300_000, 300_000, 300_000]);
    story.nowMs = story.view.retryAtMs as number;
    story.health.claimCanary(story.nowMs);
    expect(story.good().view).toMatchObject({ circuit: 'closed', samples: 1, slowStartWeight: 0.1 });
    expect(story.wait(15_000).view.slowStartWeight).toBeCloseTo(0.5);
    expect(story.wait(15_000).view.slowStartWeight).toBe(1);
    story.bad(5);
    expect((story.view.retryAtMs as number) - story.nowMs).toBe(10_000);
  });
  it('is not closed by a call that began before the canary', () => {
    const story = new Story().bad(5).wait(10_000);
    story.health.claimCanary(story.nowMs);
    story.health.record(credential, null, { nowMs: story.nowMs + 5, totalMs: 60_000, jitter: 0 });
    expect(story.view.circuit).toBe('open');
  });
  it('gives the canary’s place back when the call says nothing, or was never sent', () => {
    const story = new Story().bad(5).wait(10_000);
    story.health.claimCanary(story.nowMs);
    expect(story.bad(1, 'none').view.circuit).toBe('half-open');
    story.health.claimCanary(story.nowMs);
    expect(story.wait(29_999).view.circuit).toBe('open');
    expect(story.wait(1).view.circuit).toBe('half-open');
  });
  it('is not moved by callers’ faults, rate limits, drift or cancellations', () => {
    const story = new Story().bad(20, 'none').bad(20, 'drift');
    for (let index = 0; index < 20; index += 1) story.health.record(credential, null, { nowMs: story.nowMs, totalMs: 5, canceled: true, jitter: 0 });
    expect(story.view).toMatchObject({ circuit: 'closed', samples: 0 });
    expect(story.bad(20, 'rate-limit', 1_000).view).toMatchObject({ circuit: 'closed', samples: 0 });
  });
});

describe('a credential', () => {
  it('waits as long as the provider says, else 1 s doubling to 60 s while it lasts', () => {
    const story = new Story().bad(1, 'rate-limit', 12_000);
    expect(story.view).toMatchObject({ credential: 'rate-limited', credentialUntilMs: story.nowMs + 12_000 });
    expect(story.wait(12_000).view.credential).toBe('ok');
    const waits: number[] = [];
    for (let round = 0; round < 8; round += 1) {
      story.bad(3, 'rate-limit');
      waits.push((story.view.credentialUntilMs as number) - story.nowMs);
      story.nowMs = story.view.credentialUntilMs as number;
    }
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
    story.good().bad(1, 'rate-limit');
    expect((story.view.credentialUntilMs as number) - story.nowMs).toBe(1_000);
  });
  it('knows an account without money from a key that is wrong', () => {
    const story = new Story();
    story.health.record(credential, { ...failure('credential'), status: 402 }, { nowMs: story.nowMs, totalMs: 0, jitter: 0 });
    expect(story.view).toMatchObject({ credential: 'rejected', credentialExhausted: true });
    story.good();
    expect(story.bad(1, 'credential').view).toMatchObject({ credential: 'rejected', credentialExhausted: false });
  });
  it('once refused is tried again after 5 min, or when it was edited', () => {
    const story = new Story().bad(1, 'credential');
    expect(story.view).toMatchObject({ credential: 'rejected', circuit: 'closed', samples: 0 });
    const sameAgain = { ...credential, secrets: { ...credential.secrets } };
    expect(story.health.view(sameAgain, story.nowMs).credential).toBe('rejected');
    expect(story.health.view({ ...credential, secrets: { key: 'two' } }, story.nowMs).credential).toBe('ok');
    expect(story.bad(1, 'credential').wait(300_000).view.credential).toBe('ok');
  });
});

describe('figures', () => {
  it('Wilson’s bound grows with samples', () => {
    expect([wilsonLowerBound(0, 0), wilsonLowerBound(20, 20), wilsonLowerBound(95, 100)].map((value) => Math.round(value * 1_000) / 1_000)).toEqual([
      0, 0.839, 0.888,
    ]);
  });
  it('bands are coarse: noise does not reorder, a flaky provider does fall back', () => {
    expect([
      availabilityBand(0, 19),
      availabilityBand(wilsonLowerBound(19, 20), 20),
      availabilityBand(wilsonLowerBound(700, 1_000), 1_000),
      availabilityBand(0.1, 50),
    ]).toEqual([0, 0, 1, 3]);
  });
  it('samples fade by half in 30 s', () => {
    expect(new Story().good(40).wait(30_000).view.samples).toBeCloseTo(20);
  });
  it('percentiles are right to a tenth', () => {
    const digest = new LatencyDigest();
    for (let index = 1; index <= 1_000; index += 1) digest.add(index, 1_000_000 + index);
    expect(Math.abs((digest.quantile(0.5) as number) - 500) / 500).toBeLessThan(0.1);
    expect(Math.abs((digest.quantile(0.95) as number) - 950) / 950).toBeLessThan(0.1);
    expect(new LatencyDigest().quantile(0.5)).toBeUndefined();
  });
  it('percentiles forget', () => {
    const digest = new LatencyDigest();
    for (let index = 0; index < 1_000; index += 1) digest.add(10_000, 0);
    for (let index = 0; index < 100; index += 1) digest.add(10, 6_000_000);
    expect(digest.quantile(0.95)).toBeLessThan(12);
    for (let index = 0; index < 100; index += 1) digest.add(10, 60_000_000);
    expect(digest.quantile(0.95)).toBeLessThan(12);
  });
});

describe('patience', () => {
  const deadlines = { connectMs: 5_000, firstByteMs: 60_000, idleMs: 30_000, totalMs: 1_800_000, firstByteMinMs: 10_000, idleMinMs: 5_000 };
  it('is three times the tail, within the configured bounds, and none without bounds or enough answers', () => {
    expect(patienceOf(deadlines, { firstByteP99Ms: 6_000, gapP99Ms: 100 })).toEqual({ firstByteMs: 18_000, idleMs: 5_000 });
    expect(patienceOf(deadlines, { firstByteP99Ms: 200_000 })).toBeNull();
    expect(patienceOf(deadlines, {})).toBeNull();
    const { firstByteMinMs: _first, idleMinMs: _idle, ...unbounded } = deadlines;
    expect(patienceOf(unbounded, { firstByteP99Ms: 10, gapP99Ms: 10 })).toBeNull();
    expect(patienceOf({ ...deadlines, firstByteMs: 500 }, { firstByteP99Ms: 10 })).toBeNull();
  });
  it('comes from the deployment, else from its class of models, and forgets', () => {
    const all = new TailWindow();
    const own = new TailWindow();
    for (let call = 0; call < 100; call += 1) all.add({ firstByteMs: 1_000 }, 0);
    for (let call = 0; call < 49; call += 1) own.add({ firstByteMs: 100 }, 0);
    expect(own.tails(0, all.tails(0)).firstByteP99Ms).toBeGreaterThan(900);
    own.add({ firstByteMs: 100 }, 0);
    expect(own.tails(0, all.tails(0)).firstByteP99Ms).toBeLessThan(120);
    expect(all.tails(3_600_000)).toEqual({ firstByteP99Ms: undefined, gapP99Ms: undefined });
  });
  it('an answer that was outrun still counts as a slow one, or hedges would come earlier and earlier', () => {
    const story = new Story();
    const call = (totalMs: number, outrun: boolean): void => void story.health.record(credential, null, { nowMs: story.nowMs, totalMs, canceled: outrun, outrun, jitter: 0 });
    for (let index = 0; index < 19; index += 1) call(100, false);
    expect(story.health.slowestUsualMs(story.nowMs)).toBeUndefined();
    for (let index = 0; index < 180; index += 1) call(100, false);
    for (let index = 0; index < 20; index += 1) call(1_000, true);
    expect(story.health.slowestUsualMs(story.nowMs)).toBeGreaterThan(900);
    expect(story.view).toMatchObject({ circuit: 'closed' });
  });
});

describe('the retry budget', () => {
  it('allows a fifth of the requests, and ten a second at least', () => {
    const budget = new RetryBudget();
    let retries = 0;
    for (let ms = 0; ms < 60_000; ms += 5) {
      budget.request(ms);
      if (budget.mayRetry(ms)) retries += 1;
    }
    expect(retries / 12_000).toBeGreaterThan(0.19);
    expect(retries / 12_000).toBeLessThan(0.21);
    const quiet = new RetryBudget();
    let allowed = 0;
    for (let ms = 0; ms < 60_000; ms += 50) if (quiet.mayRetry(ms)) allowed += 1;
    expect(allowed / 60).toBeGreaterThan(9);
    expect(allowed / 60).toBeLessThan(11.7);
  });
});
