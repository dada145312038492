import { createServer, type Server, type Socket } from 'node:net';
import type { ChatAnswer } from '../support/chat-client.js';
import { user } from '../support/chat-client.js';
import { finishesOf, framesOf, nanoOf, Testbed, textOf } from '../support/testbed.js';
import { answers, fails, sends, sendsRaw, type Scenario } from '../support/upstream-simulator/index.js';

jest.setTimeout(60_000);

type Json = Record<string, unknown>;
const errorOf = (answer: ChatAnswer): Json => (answer.json['error'] ?? {}) as Json;
const body = (model: string, more: Json = {}): Json => ({ model, max_tokens: 1000, messages: user('Hello'), ...more });

/** Providers that fail before they said anything, stall, or answer what nobody asked: another one is tried, or the client is told why. */
describe('faults of providers', () => {
  let bed: Testbed;
  let hanging: HangingServer;

  beforeAll(async () => {
    hanging = await HangingServer.start();
    const quick = { connect: '400ms', first_byte: '500ms', idle: '700ms', total: '2s' };
    bed = await Testbed.start({
      providers: [
        { id: 'gone', base_url: 'http://127.0.0.1:1/v1', health: 'off' },
        { id: 'hanging', base_url: `http://127.0.0.1:${hanging.port}/v1`, health: 'off', timeouts: quick },
        { id: 'unconnected', base_url: 'http://192.0.2.1:81/v1', health: 'off', timeouts: quick },
        { id: 'quick', health: 'off', timeouts: quick },
        { id: 'short', health: 'off', timeouts: { first_byte: '10s', idle: '10s', total: '1s' } },
        { id: 'claude', type: 'anthropic-compatible', health: 'off' },
        { id: 'gem', type: 'gemini', health: 'off' },
      ],
    });
  });
  afterAll(async () => {
    await bed?.stop();
    await hanging?.stop();
  });

  const ask = (model: string, more: Json = {}, headers: Record<string, string> = {}): Promise<ChatAnswer> => bed.client.chat(body(model, more), headers);

  describe('before the first content, another deployment answers', () => {
    const KINDS: readonly [string, string, Scenario][] = [
      ['refused connection', 'gone', answers('never')],
      ['429', 'first', fails(429)],
      ['500', 'first', fails(500)],
      ['503', 'first', fails(503)],
      ['dead credential', 'first', fails(401)],
      ['unknown model', 'first', fails(404)],
      ['web page', 'first', sends('<html>portal</html>', { contentType: 'text/html' })],
      ['error in 200', 'first', sends({ error: { message: 'overloaded', type: 'server_error' } }, { contentType: 'application/json' })],
      ['reset without an answer', 'first', answers('x', { die: { how: 'rst', atByte: 0 } })],
      ['no HTTP', 'first', sendsRaw('\u0000\u0001\u0002 nonsense\r\n\r\n')],
    ];
    const streamed: readonly [string, string, Scenario][] = [
      ...KINDS,
      ['error as first event', 'first', answers({ text: 'x', error: { afterPieces: 0, status: 500 } })],
      ['end after start-up frames', 'first', answers({ text: 'never said' }, { die: { how: 'fin', atByte: 130 } })],
      ['silence', 'quick', answers({ text: 'x', firstAfterMs: 30_000 })],
      ['silence before headers', 'quick', answers('x', { headersAfterMs: 30_000 })],
    ];

    async function expectFallback(answer: ChatAnswer, name: string, from: string): Promise<void> {
      expect(answer.status).toBe(200);
      expect(answer.headers).toMatchObject({ 'x-og-attempts': '2', 'x-og-provider': 'second', 'x-og-model': `t/${name}` });
      expect(answer.headers['x-og-fallback']).toBeUndefined();
      const record = await bed.recordOf(answer);
      expect(record).toMatchObject({ state: 'completed', attempt_count: 2, provider: 'second', cost_usd: '0.00009' });
      expect(record['attempts']).toEqual([expect.objectContaining({ provider: from, outcome: expect.stringMatching(/^(error|timeout)$/) }), expect.objectContaining({ provider: 'second', kind: 'fallback', outcome: 'ok' })]);
      const entries = (await bed.operator.get(`ledger/entries?request_id=${String(answer.headers['x-request-id'])}`))['data'] as Json[];
      expect(entries.filter((entry) => entry['kind'] === 'capture' && entry['account'] === 'credit')).toEqual([expect.objectContaining({ amount_usd: '-0.00009' })]);
    }

    const good = answers({ text: 'from the second', usage: { prompt: 10, completion: 4 } });
    const nameOf = (kind: string, mode: string): string => `${mode}-${kind.replaceAll(' ', '-')}`;

    it.each(streamed)('%s (stream)', async (kind, from, fault) => {
      const name = nameOf(kind, 's');
      await bed.model(name, { [from]: fault, second: good });
      const answer = await ask(`t/${name}`, { stream: true });
      const frames = framesOf(answer.text);
      expect([textOf(frames), finishesOf(frames), frames.at(-1)]).toEqual(['from the second', ['stop'], { done: true }]);
      await expectFallback(answer, name, from);
    });

    it.each(KINDS)('%s (one answer)', async (kind, from, fault) => {
      const name = nameOf(kind, 'p');
      await bed.model(name, { [from]: fault, second: good });
      const answer = await ask(`t/${name}`);
      expect(answer.json).toMatchObject({ choices: [{ message: { content: 'from the second' } }] });
      expect(answer.headers['x-og-cost-usd']).toBe('0.00009');
      await expectFallback(answer, name, from);
    });

    it('not when the client forbids it, nor for what any provider would refuse', async () => {
      await bed.model('forbidden', { first: fails(500), second: good });
      const forbidden = await ask('t/forbidden', {}, { 'x-og-no-fallback': 'true' });
      expect([forbidden.status, forbidden.headers['x-og-attempts'], bed.asked('forbidden').length]).toEqual([502, '1', 1]);
      await bed.model('bad', { first: fails(400, { message: 'messages is wrong' }), second: good });
      expect([(await ask('t/bad')).status, bed.asked('bad').length]).toEqual([400, 1]);
    });

    it('another model only when the client or a route names it, and then it says so', async () => {
      await bed.model('broken', { first: fails(500) });
      await bed.model('spare', { second: good });
      const answer = await ask('t/broken', { models: ['t/spare'] });
      expect(answer.headers).toMatchObject({ 'x-og-model': 't/spare', 'x-og-fallback': expect.stringMatching(/\w/), 'x-og-attempts': '2' });
      expect(answer.json['model']).toBe('t/spare');
    });

    it('a call by one client reaches providers at most three times', async () => {
      await bed.model('hopeless', { solo: fails(503), first: fails(503), second: fails(503), quick: fails(503) });
      const answer = await ask('t/hopeless');
      expect([answer.status, answer.headers['x-og-attempts'], bed.asked('hopeless').length]).toEqual([503, '3', 3]);
    });

    it('across protocols too', async () => {
      await bed.model('crossing', { claude: fails(529), gem: answers({ text: 'from Gemini' }) });
      const frames = framesOf((await ask('t/crossing', { stream: true })).text);
      expect([textOf(frames), finishesOf(frames), frames.at(-1)]).toEqual(['from Gemini', ['stop'], { done: true }]);
    });

    it.each(['claude', 'gem'])('an error inside the stream of %s: before content another answers, after it the client is told', async (provider) => {
      await bed.model(`early-${provider}`, { [provider]: answers({ text: 'a b c d', error: { afterPieces: 0, status: 529 } }), second: good });
      expect(textOf(framesOf((await ask(`t/early-${provider}`, { stream: true })).text))).toBe('from the second');
      await bed.model(`late-${provider}`, { [provider]: answers({ text: 'a b c d', error: { afterPieces: 2, status: 529 } }), second: good });
      const frames = framesOf((await ask(`t/late-${provider}`, { stream: true })).text);
      expect(textOf(frames)).toBe('a b ');
      expect(frames.at(-1)).toMatchObject({ error: { code: 'upstream_overloaded' }, choices: [{ finish_reason: 'error' }] });
    });
  });

  describe('deadlines', () => {
    const within = async <T>(fromMs: number, toMs: number, work: () => Promise<T>): Promise<T> => {
      const startedMs = performance.now();
      const result = await work();
      const tookMs = performance.now() - startedMs;
      expect([tookMs >= fromMs, tookMs <= toMs, tookMs]).toEqual([true, true, tookMs]);
      return result;
    };
    const expectTimeout = (answer: ChatAnswer, deadline: string): void => {
      expect([answer.status, errorOf(answer)['code']]).toEqual([504, 'upstream_timeout']);
      expect(errorOf(answer)['message']).toContain(deadline);
      expect(answer.headers['retry-after']).toBeDefined();
    };

    it.each([true, false])('first byte (stream: %s): accepted and never answered', async (stream) => {
      await bed.model('hang', { hanging: answers('never') });
      expectTimeout(await within(400, 1_500, () => ask('t/hang', { stream })), 'first_byte');
      await bed.operator.eventually(async () => hanging.openCount, 1_500, (count) => count === 0);
    });

    it('connect: no answer to the connection', async () => {
      await bed.model('connectless', { unconnected: answers('never') });
      const answer = await within(0, 1_500, () => ask('t/connectless'));
      expect([502, 504]).toContain(answer.status);
      expect(JSON.stringify(errorOf(answer))).not.toContain('192.0.2.1');
      if (answer.status === 504) expectTimeout(answer, 'connect');
    });

    it('idle: silence in the middle of a stream is an error in the stream', async () => {
      await bed.model('idle', { quick: answers({ tokens: 20 }, { stall: { afterPieces: 5 } }), second: answers('another voice') });
      const answer = await within(500, 2_500, () => ask('t/idle', { stream: true }));
      const frames = framesOf(answer.text);
      expect([answer.status, textOf(frames)]).toEqual([200, 't0 t1 t2 t3 t4 ']);
      expect(frames.at(-1)).toMatchObject({ error: { code: 'upstream_timeout', message: expect.stringContaining('idle') }, choices: [{ finish_reason: 'error' }] });
      const record = await bed.recordOf(answer);
      expect(record).toMatchObject({ state: 'failed', error_code: 'upstream_timeout', usage_estimated: true, attempt_count: 1 });
      expect(nanoOf(record['cost_usd'])).toBeGreaterThan(0n);
    });

    it('total: a stream that never ends is cut, and told', async () => {
      await bed.model('endless', { short: answers({ tokens: 3, endless: true, gapMs: 30 }) });
      const answer = await within(800, 2_500, () => ask('t/endless', { stream: true }));
      expect(framesOf(answer.text).at(-1)).toMatchObject({ error: { code: 'upstream_timeout', message: expect.stringContaining('total') } });
      const record = await bed.recordOf(answer);
      expect(nanoOf(record['cost_usd'])).toBeLessThanOrEqual(nanoOf(record['hold_usd']));
    });

    it('a provider that ignores its maximum is cut off, with the words for it', async () => {
      await bed.model('unbounded', { solo: answers({ tokens: 3, endless: true, gapMs: 1 }) });
      const answer = await ask('t/unbounded', { stream: true, max_tokens: 50 });
      const frames = framesOf(answer.text);
      expect([finishesOf(frames), frames.at(-1)]).toEqual([['length'], { done: true }]);
      expect(textOf(frames).length).toBeLessThan(5_000);
      await bed.operator.eventually(async () => bed.asked('unbounded')[0]?.abortedAtMs, 1_000, (at) => at !== undefined);
      expect(await bed.recordOf(answer)).toMatchObject({ state: 'completed', usage_estimated: true, finish_reason: 'length' });
    });

    it('an answer that takes its time within the deadlines is served', async () => {
      await bed.model('slow', { quick: answers({ tokens: 4, gapMs: 300 }) });
      expect(framesOf((await ask('t/slow', { stream: true })).text).at(-1)).toEqual({ done: true });
    });
  });

  describe('usage', () => {
    const RAW: readonly [string, unknown, boolean][] = [
      ['negative', { prompt_tokens: -5, completion_tokens: 3, total_tokens: -2 }, true],
      ['text', { prompt_tokens: '500', completion_tokens: 'many' }, true],
      ['fraction', { prompt_tokens: 10.5, completion_tokens: 2.25, total_tokens: 12.75 }, true],
      ['null', null, true],
      ['empty', {}, true],
      ['list', [1, 2], true],
      ['2^63', { prompt_tokens: 9_223_372_036_854_776_000, completion_tokens: 1, total_tokens: 9_223_372_036_854_776_000 }, true],
      ['zero', { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 }, false],
      ['total that does not add up', { prompt_tokens: 500, completion_tokens: 40, total_tokens: 7 }, false],
    ];

    it.each(RAW.flatMap(([name, raw, estimated]) => [[name, raw, estimated, false] as const, [name, raw, estimated, true] as const]))('%s: %j (estimated: %s, stream: %s)', async (name, raw, estimated, stream) => {
      const model = `usage-${name.replace(/\W/g, '')}`;
      await bed.model(model, { solo: answers({ text: 'four words are said', usageRaw: raw, usageAt: 'late' }) });
      const answer = await ask(`t/${model}`, { stream });
      expect(answer.status).toBe(200);
      const record = await bed.recordOf(answer);
      const cost = nanoOf(record['cost_usd']);
      expect([record['state'], record['usage_estimated']]).toEqual(['completed', estimated]);
      if (name === 'zero') expect(cost).toBe(0n);
      else expect(cost).toBeGreaterThan(0n);
      expect(cost).toBeLessThan(3_000_000n);
    });

    it('1e400 in the provider’s own digits', async () => {
      await bed.model('overflow', { solo: sends('{"choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1e400,"completion_tokens":1}}', { contentType: 'application/json' }) });
      const record = await bed.recordOf(await ask('t/overflow'));
      expect(record).toMatchObject({ state: 'completed', usage_estimated: true });
    });

    it('absent: estimated, charged, and counted', async () => {
      await bed.model('usageless', { solo: answers({ text: 'four words are said', usageAt: 'never' }) });
      const answer = await ask('t/usageless', { stream: true });
      const record = await bed.recordOf(answer);
      expect(record).toMatchObject({ state: 'completed', usage_estimated: true });
      expect(nanoOf(record['cost_usd'])).toBeGreaterThan(0n);
      const metrics = await (await fetch(`${bed.gateway.url}/metrics`)).text();
      expect(metrics).toMatch(/og_usage_estimated_total\{[^}]*model="t\/usageless"[^}]*\} 1/);
    });

    it('a price that changes while a stream runs is not its price', async () => {
      await bed.model('repriced', { solo: answers({ tokens: 30, gapMs: 20, usage: { prompt: 100, completion: 100 } }) });
      const running = ask('t/repriced', { stream: true });
      await bed.operator.eventually(async () => bed.asked('repriced').length, 3_000, (count) => count === 1);
      await bed.model('repriced', { solo: answers({ text: 'x', usage: { prompt: 100, completion: 100 } }) }, { price: { input: '30.00', output: '150.00' } });
      expect(await bed.recordOf(await running)).toMatchObject({ cost_usd: '0.0018' });
      expect(await bed.recordOf(await ask('t/repriced'))).toMatchObject({ cost_usd: '0.018' });
    });
  });

  describe('odd HTTP', () => {
    it.each<[string, Scenario]>([
      ['a body shorter than its Content-Length', answers('short', { framing: { length: 5_000 } })],
      ['an end after the headers', answers('x', { die: { how: 'fin', atByte: 0 } })],
      ['both lengths', sendsRaw('HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n')],
      ['a status line of nonsense', sendsRaw('HTTP/1.1 abc OK\r\n\r\n')],
      ['a header of 200 kB', sendsRaw(`HTTP/1.1 200 OK\r\nX-Big: ${'a'.repeat(200_000)}\r\nContent-Length: 2\r\n\r\n{}`)],
      ['an encoding nobody asked for', sends('{}', { contentType: 'application/json', headers: { 'content-encoding': 'x-unknown' } })],
      ['twenty encodings in one another', sends('{}', { contentType: 'application/json', headers: { 'content-encoding': Array.from({ length: 20 }, () => 'gzip').join(', ') } })],
      ['gzip that is none', sends('{"choices":[]}', { contentType: 'application/json', headers: { 'content-encoding': 'gzip' } })],
    ])('%s: 502, at once', async (name, scenario) => {
      const model = `http-${name.replace(/\W/g, '')}`;
      await bed.model(model, { quick: scenario });
      const startedMs = performance.now();
      const answer = await ask(`t/${model}`);
      expect(answer.status).toBe(502);
      expect(performance.now() - startedMs).toBeLessThan(1_500);
    });

    it('a hundred provisional answers before the real one', async () => {
      const whole = JSON.stringify({ choices: [{ index: 0, message: { role: 'assistant', content: 'patience' }, finish_reason: 'stop' }], usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 } });
      await bed.model('provisional', { quick: sendsRaw(`${'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'.repeat(100)}HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${whole.length}\r\n\r\n${whole}`) });
      const answer = await ask('t/provisional');
      expect([200, 502]).toContain(answer.status);
    });

    it('a compressed answer is read, a compressed bomb is not', async () => {
      await bed.model('gzipped', { solo: answers('squeezed', { gzip: true }) });
      expect((await ask('t/gzipped')).json).toMatchObject({ choices: [{ message: { content: 'squeezed' } }] });
      const { gzipSync } = await import('node:zlib');
      const bomb = gzipSync(Buffer.alloc(200 * 1024 * 1024, 0x20), { level: 9 });
      await bed.model('bomb', { solo: sends(bomb, { contentType: 'application/json', headers: { 'content-encoding': 'gzip' } }) });
      const answer = await ask('t/bomb');
      expect([answer.status, errorOf(answer)['code']]).toEqual([502, 'upstream_invalid_response']);
    });

    it('a kept connection that the provider closes as we write costs no request', async () => {
      await bed.model('stale', { solo: (_request, nth) => answers('fresh', nth % 2 === 0 ? { thenClose: 'fin' } : {}) });
      const statuses: number[] = [];
      for (let round = 0; round < 60; round += 1) statuses.push((await ask('t/stale')).status);
      expect(statuses.filter((status) => status !== 200)).toEqual([]);
    });
  });

  it('three hundred damaged streams: each ends as an answer or an error, and the gateway lives', async () => {
    const golden = Buffer.from(
      [
        { choices: [{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }] },
        { choices: [{ index: 0, delta: { content: '안녕 hello' }, finish_reason: null }] },
        { choices: [{ index: 0, delta: { tool_calls: [{ index: 0, id: 'call_1', type: 'function', function: { name: 'f', arguments: '{"a":' } }] }, finish_reason: null }] },
        { choices: [{ index: 0, delta: { tool_calls: [{ index: 0, function: { arguments: '1}' } }] }, finish_reason: null }] },
        { choices: [{ index: 0, delta: {}, finish_reason: 'tool_calls' }], usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 } },
      ]
        .map((frame) => `data: ${JSON.stringify(frame)}\n\n`)
        .join('') + 'data: [DONE]\n\n',
    );
    await bed.model('damaged', { quick: (_request, nth) => sends(damaged(golden, nth), { contentType: 'text/event-stream', cut: nth % 2 === 0 ? 'odd' : 'frames' }) });
    for (let round = 0; round < 12; round += 1) {
      const batch = await Promise.all(Array.from({ length: 25 }, () => ask('t/damaged', { stream: true })));
      for (const answer of batch) {
        if (answer.status !== 200) expect([answer.status >= 400 && answer.status < 600, typeof errorOf(answer)['code']]).toEqual([true, 'string']);
        else expect(answer.text).toMatch(/(data: \[DONE\]|"finish_reason":"error"\}\].*\})\n\n$/);
      }
    }
    expect(await bed.settled()).toMatchObject({ ok: true, drift_nano_usd: 0 });
  });

  it('leaves nothing open and nothing lost', async () => {
    expect(await bed.settled()).toMatchObject({ ok: true, drift_nano_usd: 0, open_holds: 0 });
    const metrics = await (await fetch(`${bed.gateway.url}/metrics`)).text();
    expect(metrics).toMatch(/og_inflight_requests\{[^}]*\} 0/);
    expect(bed.gateway.output()).not.toMatch(/unhandled rejection|uncaught exception/);
  });
});

/** The bytes with one to four of them changed, left out or doubled; the same for the same seed. */
function damaged(bytes: Buffer, seed: number): Buffer {
  let state = (seed + 1) * 2_654_435_761;
  const next = (below: number): number => {
    state = (Math.imul(state ^ (state >>> 15), 2_246_822_519) + 0x9e3779b9) >>> 0;
    return state % below;
  };
  let out = Buffer.from(bytes);
  for (let times = 1 + next(4); times > 0; times -= 1) {
    const at = next(out.length);
    const kind = next(3);
    if (kind === 0) out[at] = next(256);
    else if (kind === 1) out = Buffer.concat([out.subarray(0, at), out.subarray(at + 1 + next(20))]);
    else out = Buffer.concat([out.subarray(0, at), out.subarray(Math.max(0, at - next(40)))]);
  }
  return out;
}

/** Accepts connections and never says a word. */
class HangingServer {
  private readonly sockets = new Set<Socket>();

  private constructor(private readonly server: Server) {}

  static async start(): Promise<HangingServer> {
    const server = createServer();
    const hanging = new HangingServer(server);
    server.on('connection', (socket) => {
      hanging.sockets.add(socket);
      socket.resume().on('error', () => undefined);
      socket.once('close', () => hanging.sockets.delete(socket));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return hanging;
  }

  get port(): number {
    return (this.server.address() as { port: number }).port;
  }

  get openCount(): number {
    return this.sockets.size;
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }
}
