/** The promises of routing under overlapping calls, in virtual time: thousands of requests each, several seeds, figures printed. */
import { Logger } from '@nestjs/common';
import { aDeployment, aPrice, type DeploymentParts } from '../fixtures/routing.js';
import type { Deployment } from '../../src/core/catalog/model.js';
import { hash32 } from '../../src/core/routing/index.js';
import { RoutingWorld, type Provider } from './routing-world.js';

/** More with OG_SIMULATION_SEEDS=1,2,3; every figure is printed with its seed. */
const SEEDS = (process.env['OG_SIMULATION_SEEDS'] ?? '7').split(',').map(Number);
const DEADLINES = { connectMs: 5_000, firstByteMs: 60_000, idleMs: 30_000, totalMs: 1_800_000, firstByteMinMs: 3_000, idleMinMs: 10_000 };

/** Around 300 ms to the first byte, now and then much longer, and two seconds of answer. */
const usual: Provider = (_nowMs, draw) => ({ firstByteMs: 150 / draw() ** 0.4, restMs: 500 + 3_000 * draw() });
const broken: Provider = (_nowMs, draw) => ({ firstByteMs: 20 + 60 * draw(), failure: {} });
const during =
  (fromMs: number, untilMs: number, then: Provider, otherwise: Provider = usual): Provider =>
  (nowMs, draw) => (nowMs >= fromMs && nowMs < untilMs ? then(nowMs, draw) : otherwise(nowMs, draw));
const sometimes =
  (share: number, then: Provider): Provider =>
  (nowMs, draw) => (draw() < share ? then(nowMs, draw) : usual(nowMs, draw));
const hanging: Provider = () => ({ firstByteMs: 600_000 });

const deployment = (id: string, parts: DeploymentParts = {}): Deployment => aDeployment(id, { ...parts, provider: { deadlines: DEADLINES, ...parts.provider } });
const figures = (name: string, seed: number, values: Record<string, number>): void => {
  const text = Object.entries(values).map(([key, value]) => `${key} ${Number(value.toFixed(4))}`);
  process.stdout.write(`simulation (seed ${seed}) ${name}: ${text.join(', ')}\n`);
};

beforeAll(() => Logger.overrideLogger(false));

describe.each(SEEDS)('overlapping calls, seed %i', (seed) => {
  it('one of two dies under load: nobody notices, it is ejected within 10 s and stays so', () => {
    const world = new RoutingWorld(seed, [deployment('a'), deployment('b')], { a: during(60_000, 1e9, broken), b: usual });
    world.arrivals(0, 300_000, 40);
    world.run();
    const late = world.callsTo('a', 60_000).filter(({ startedMs }) => startedMs >= 70_000);
    const ejectedAfterMs = world.ejectedAfterMs('a', 60_000);
    figures('one of two dead', seed, { requests: world.outcomes.length, success: world.success(), ejectedAfterMs, askedAfter10s: late.length, p99WaitMs: world.waitedMs(0.99) });
    expect(world.success()).toBeGreaterThanOrEqual(0.999);
    expect(ejectedAfterMs).toBeLessThan(10_000);
    // Canaries alone: after 10, 20, 40, 80, 160 s.
    expect(late.length).toBeLessThanOrEqual(6);
  });

  it('all fail: at most 1.2 calls for a request', () => {
    const all = ['a', 'b', 'c'];
    const world = new RoutingWorld(seed, all.map((id) => deployment(id)), Object.fromEntries(all.map((id) => [id, broken])));
    world.arrivals(0, 60_000, 100);
    world.run();
    figures('all dead', seed, { requests: world.outcomes.length, callsPerRequest: world.calls.length / world.outcomes.length });
    expect(world.calls.length / world.outcomes.length).toBeLessThanOrEqual(1.2);
    expect(world.callsTo('a').length + world.callsTo('b').length + world.callsTo('c').length).toBeGreaterThan(10);
  });

  it('all fail, with circuits that never open: the budget alone bounds it', () => {
    const all = ['a', 'b', 'c'];
    const world = new RoutingWorld(seed, all.map((id) => deployment(id, { provider: { health: false } })), Object.fromEntries(all.map((id) => [id, broken])));
    world.arrivals(0, 60_000, 100);
    world.run();
    // Ten retries a second are always allowed, so the first seconds have more.
    const calls = world.calls.filter(({ startedMs }) => startedMs >= 10_000).length;
    const requests = world.outcomes.filter(({ startedMs }) => startedMs >= 10_000).length;
    figures('all dead, health off', seed, { requests, callsPerRequest: calls / requests });
    expect(calls / requests).toBeLessThanOrEqual(1.2);
  });

  it('a recovered one takes its share back as the slow start says, and keeps it', () => {
    const world = new RoutingWorld(seed, [deployment('a'), deployment('b')], { a: during(30_000, 60_000, broken), b: usual });
    world.arrivals(0, 230_000, 100);
    world.run();
    const back = world.callsTo('a', 60_000).find(({ ok }) => ok);
    const closedMs = back?.endedMs ?? Number.NaN;
    const slices = [3, 9, 15, 21, 27].map((second) => {
      const share = world.share('a', closedMs + (second - 3) * 1_000, closedMs + (second + 3) * 1_000);
      // Two weights: the recovering one's grows from a tenth to one in 30 s.
      const weight = Math.max(0.1, second / 30);
      return { share, expected: weight / (1 + weight) };
    });
    const later = Array.from({ length: 8 }, (_, index) => world.share('a', closedMs + 40_000 + index * 10_000, closedMs + 50_000 + index * 10_000));
    figures('recovery', seed, { success: world.success(), closedAfterMs: closedMs - 60_000, ...Object.fromEntries(slices.map(({ share }, index) => [`share${3 + index * 6}s`, share])), spreadLater: Math.max(...later) - Math.min(...later) });
    for (const { share, expected } of slices) expect(Math.abs(share - expected)).toBeLessThan(0.08);
    for (const share of later) expect(Math.abs(share - 0.5)).toBeLessThan(0.08);
    expect(world.success()).toBeGreaterThanOrEqual(0.999);
  });

  it('equal health, a failure in a hundred on both sides: no circuit opens and no share swings', () => {
    const world = new RoutingWorld(seed, [deployment('a'), deployment('b')], { a: sometimes(0.01, broken), b: sometimes(0.01, broken) });
    world.arrivals(0, 300_000, 60);
    world.run();
    const shares = Array.from({ length: 29 }, (_, index) => world.share('a', index * 10_000, (index + 1) * 10_000));
    figures('equal health', seed, { requests: world.outcomes.length, success: world.success(), least: Math.min(...shares), most: Math.max(...shares) });
    for (const share of shares) expect(Math.abs(share - 0.5)).toBeLessThan(0.1);
    expect(world.success()).toBeGreaterThanOrEqual(0.999);
  });

  it('one that hangs: it is given up after the tail of its own answers, not after a minute, then left out', () => {
    const world = new RoutingWorld(seed, [deployment('a'), deployment('b')], { a: during(60_000, 1e9, hanging), b: usual });
    world.arrivals(0, 180_000, 40);
    world.run();
    const waited = world.outcomes.filter(({ startedMs }) => startedMs >= 60_000).map(({ waitedMs }) => waitedMs);
    const ejectedAfterMs = world.ejectedAfterMs('a', 60_000);
    figures('hanging', seed, { success: world.success(), longestWaitMs: Math.max(...waited), ejectedAfterMs });
    expect(world.success()).toBe(1);
    expect(Math.max(...waited)).toBeLessThan(30_000);
    expect(ejectedAfterMs).toBeLessThan(10_000);
  });

  it('one that flaps every 20 s and one that limits: the third carries them, nobody notices', () => {
    let windowMs = 0;
    let inWindow = 0;
    const limited: Provider = (nowMs, draw) => {
      if (nowMs - windowMs >= 1_000) [windowMs, inWindow] = [nowMs, 0];
      inWindow += 1;
      if (inWindow <= 5) return usual(nowMs, draw);
      return { firstByteMs: 30, failure: { status: 429, code: 'upstream_rate_limited', health: 'rate-limit', retryAfterMs: 1_000 } };
    };
    const flapping: Provider = (nowMs, draw) => (Math.floor(nowMs / 20_000) % 2 === 1 ? broken : usual)(nowMs, draw);
    const world = new RoutingWorld(seed, ['flaps', 'limits', 'well'].map((id) => deployment(id)), { flaps: flapping, limits: limited, well: usual });
    world.arrivals(0, 400_000, 30);
    world.run();
    const bad = world.callsTo('flaps').filter(({ ok }) => !ok).length;
    figures('flapping and limiting', seed, { requests: world.outcomes.length, success: world.success(), failedOnFlapping: bad, callsPerRequest: world.calls.length / world.outcomes.length });
    expect(world.success()).toBeGreaterThanOrEqual(0.999);
    expect(bad / world.outcomes.length).toBeLessThan(0.02);
  });

  it('conversations stay where their prompt is cached: at least 95 % of the tokens that could be read from a cache are', () => {
    const price = aPrice(3_000_000_000n, { tokens: { input: 3_000_000_000n, output: 15_000_000_000n, cacheRead: 300_000_000n } });
    const ids = ['a', 'b', 'c'];
    const world = new RoutingWorld(seed, ids.map((id) => deployment(id, { price })), { a: during(200_000, 260_000, broken), b: sometimes(0.002, broken), c: usual });
    const cached = new Map<string, { tokens: number; untilMs: number }>();
    const prompts = new Map<string, { tokens: number; untilMs: number }>();
    let [read, ideal] = [0, 0];
    const next = (atMs: number): void => {
      if (atMs >= 600_000) return;
      world.at(atMs, () => {
        next(atMs + 40);
        const session = `s${hash32(`${seed}|${atMs}`) % 300}`;
        const before = prompts.get(session);
        world.request(session, (provider) => {
          const warm = (entry: { tokens: number; untilMs: number } | undefined): number => (entry !== undefined && entry.untilMs > world.nowMs ? entry.tokens : 0);
          const there = `${provider}|${session}`;
          ideal += warm(before);
          read += Math.min(warm(cached.get(there)), warm(before));
          const prompt = { tokens: (before?.tokens ?? 2_000) + 500, untilMs: world.nowMs + 300_000 };
          cached.set(there, prompt);
          prompts.set(session, prompt);
        });
      });
    };
    next(0);
    world.run();
    figures('prompt caches', seed, { requests: world.outcomes.length, success: world.success(), cachedTokensOfIdeal: read / ideal });
    expect(read / ideal).toBeGreaterThanOrEqual(0.95);
    expect(world.success()).toBeGreaterThanOrEqual(0.999);
  });
});
