import { setTimeout as sleep } from 'node:timers/promises';
import type { ChatAnswer } from '../support/chat-client.js';
import { user } from '../support/chat-client.js';
import { Testbed } from '../support/testbed.js';
import { answers, fails } from '../support/upstream-simulator/index.js';

jest.setTimeout(60_000);

type Json = Record<string, unknown>;
const errorOf = (answer: ChatAnswer): Json => (answer.json['error'] ?? {}) as Json;

/** What a deployment's failures do to the calls after them. */
describe('health', () => {
  let bed: Testbed;

  beforeAll(async () => {
    bed = await Testbed.start({
      providers: [
        { id: 'watched-a' },
        { id: 'watched-b' },
        { id: 'lone' },
        { id: 'keyed', credentials: [{ id: 'dead', key: 'dead-key', weight: 1_000_000 }, { id: 'alive', key: 'alive-key', weight: 1 }] },
      ],
    });
  });
  afterAll(() => bed?.stop());

  const ask = (model: string): Promise<ChatAnswer> => bed.client.chat({ model, max_tokens: 1000, messages: user('Hello') });

  it('a deployment that fails five times in a row is left out, and asked again after a while by one call alone', async () => {
    await bed.model('circuit', { 'watched-a': fails(500), 'watched-b': answers('healthy') });
    for (let call = 0; call < 8; call += 1) expect((await ask('t/circuit')).status).toBe(200);
    const failing = (): number => bed.simulator.requestsOf('circuit.watched-a').length;
    expect(failing()).toBe(5);
    const answer = await ask('t/circuit');
    expect(answer.headers['x-og-attempts']).toBe('1');
    expect((await bed.recordOf(answer))['candidates']).toEqual(expect.arrayContaining([expect.objectContaining({ provider: 'watched-a', excluded: 'circuit_open' })]));
    const health = (await bed.operator.get('providers/health'))['data'] as Json[];
    expect(health.find((row) => String(row['deployment']).includes('watched-a'))).toMatchObject({ circuit: 'open' });
    bed.simulator.on('circuit.watched-a', answers('recovered', { headersAfterMs: 200 }));
    await sleep(11_500);
    const probes = await Promise.all(Array.from({ length: 10 }, () => ask('t/circuit')));
    expect(probes.every((probe) => probe.status === 200)).toBe(true);
    expect(failing()).toBe(6);
    await bed.operator.eventually(() => bed.operator.get('providers/health'), 2_000, (page) => (page['data'] as Json[]).some((row) => String(row['deployment']).includes('watched-a') && row['circuit'] === 'closed'));
  });

  it('when nobody else is left the failing one is still asked now and then, and the others are refused fast', async () => {
    await bed.model('lonely', { lone: fails(500) });
    for (let call = 0; call < 6; call += 1) await ask('t/lonely');
    const before = bed.asked('lonely').length;
    const startedMs = performance.now();
    const refused = await Promise.all(Array.from({ length: 20 }, () => ask('t/lonely')));
    expect(performance.now() - startedMs).toBeLessThan(1_500);
    expect(bed.asked('lonely').length - before).toBeLessThanOrEqual(2);
    const unavailable = refused.filter((answer) => answer.status === 503);
    expect(unavailable.length).toBeGreaterThanOrEqual(18);
    expect(errorOf(unavailable[0] as ChatAnswer)).toMatchObject({ code: 'no_deployment_available' });
    expect(Number((unavailable[0] as ChatAnswer).headers['retry-after'])).toBeGreaterThanOrEqual(1);
    expect((unavailable[0] as ChatAnswer).headers['x-should-retry']).not.toBe('false');
  });

  it('a refused credential is set aside, and another of the same provider is used', async () => {
    await bed.model('credentials', { keyed: (request) => (String(request.headers['authorization']).includes('dead') ? fails(401) : answers('with the other key')) });
    for (let call = 0; call < 4; call += 1) expect((await ask('t/credentials')).json).toMatchObject({ choices: [{ message: { content: 'with the other key' } }] });
    const dead = bed.asked('credentials').filter((request) => String(request.headers['authorization']).includes('dead'));
    expect(dead.length).toBeLessThanOrEqual(1);
    const health = (await bed.operator.get('providers/health'))['data'] as Json[];
    expect(JSON.stringify(health)).not.toContain('dead-key');
  });

  it.each(['2', 'Wed, 21 Oct 2037 07:28:00 GMT', '999999', '-5', 'soon', ''])('429 with retry-after %j: bounded, and another is tried', async (wait) => {
    const name = `limited-${Buffer.from(wait).toString('hex').slice(0, 12)}`;
    await bed.model(name, { first: fails(429, {}, { headers: { 'retry-after': wait } }), second: answers('served') });
    expect((await ask(`t/${name}`)).status).toBe(200);
    await bed.model(`${name}-all`, { first: fails(429, {}, { headers: { 'retry-after': wait } }) });
    const answer = await ask(`t/${name}-all`);
    const seconds = Number(answer.headers['retry-after']);
    expect([answer.status, seconds >= 1 && seconds <= 600]).toEqual([429, true]);
    expect(Number(answer.headers['retry-after-ms'])).toBeLessThanOrEqual(seconds * 1_000);
  });

  it('when everything fails, upstreams see at most 1.2 times the calls once the first ones are spent', async () => {
    await bed.model('storm', { first: fails(500), second: fails(500) });
    const storm = async (calls: number): Promise<void> => {
      for (let sent = 0; sent < calls; sent += 35) {
        const batch = await Promise.all(Array.from({ length: 35 }, () => ask('t/storm')));
        expect(batch.every((answer) => answer.status === 502)).toBe(true);
      }
    };
    // 10 retries a second are always allowed, 100 at once: these are spent first.
    await storm(140);
    const [calls, before, startedMs] = [700, bed.asked('storm').length, performance.now()];
    await storm(calls);
    const alwaysAllowed = 10 * Math.ceil((performance.now() - startedMs) / 1_000 + 1);
    expect(bed.asked('storm').length - before).toBeLessThanOrEqual(calls * 1.2 + alwaysAllowed);
  });
});
