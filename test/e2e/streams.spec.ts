import { readFileSync } from 'node:fs';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { user } from '../support/chat-client.js';
import { finishesOf, framesOf, nanoOf, Testbed, textOf } from '../support/testbed.js';
import { answers, sends, type RecordedRequest } from '../support/upstream-simulator/index.js';

jest.setTimeout(60_000);

type Json = Record<string, unknown>;
const MB = 1024 * 1024;

interface Opened {
  request: ClientRequest;
  response: IncomingMessage;
}

/** Streams whose client or provider goes away, stalls or says odd things: who is told, who is closed, what is charged. */
describe('streams', () => {
  let bed: Testbed;

  beforeAll(async () => {
    bed = await Testbed.start({
      providers: [
        { id: 'drained', health: 'off', drain_on_abort: true },
        { id: 'unbilled', health: 'off', bill_partial: false },
      ],
    });
  });
  afterAll(() => bed?.stop());

  const body = (model: string, more: Json = {}): Json => ({ model, stream: true, max_tokens: 1000, messages: user('Hello'), ...more });

  /** Reads until `enough` of the text came, then leaves by closing the connection. */
  async function readThenLeave(opened: Opened, enough: (text: string) => boolean): Promise<string> {
    opened.request.on('error', () => undefined);
    opened.response.on('error', () => undefined);
    let text = '';
    await new Promise<void>((resolve) => {
      opened.response.on('data', (chunk: Buffer) => {
        text += chunk.toString('utf8');
        if (enough(text)) resolve();
      });
      opened.response.on('end', resolve);
    });
    opened.request.destroy();
    return text;
  }

  const upstreamOf = async (name: string): Promise<RecordedRequest> => bed.operator.eventually(async () => bed.asked(name)[0] as RecordedRequest, 3_000, (request) => request !== undefined);
  const closedWithin = async (name: string, sinceMs: number, withinMs: number): Promise<void> => {
    const upstream = await bed.operator.eventually(async () => upstreamOf(name), 3_000, (request) => request.abortedAtMs !== undefined);
    expect((upstream.abortedAtMs ?? Infinity) - sinceMs).toBeLessThan(withinMs);
  };

  describe('a client that leaves', () => {
    it('mid-stream: the provider is closed within a second, and what was delivered is charged once', async () => {
      const model = await bed.model('left', { solo: answers({ tokens: 400, gapMs: 10 }) });
      const opened = await bed.client.open(body(model));
      const text = await readThenLeave(opened, (read) => read.includes('t20 '));
      const leftMs = performance.now();
      await closedWithin('left', leftMs, 1_000);
      const record = await bed.recordOf(opened.response);
      expect(record).toMatchObject({ state: 'canceled', status: 499, attempts: [expect.objectContaining({ outcome: 'canceled' })] });
      const cost = nanoOf(record['cost_usd']);
      const words = (text.match(/"content":"t\d+ "/g) ?? []).length;
      // "t12 " is about one token; between what was read and a few frames on the way.
      expect(cost).toBeGreaterThan(BigInt(words - 2) * 15_000n * 9n / 10n);
      expect(cost).toBeLessThan(BigInt(words + 15) * 15_000n * 3n / 2n + 50n * 3_000n);
      expect(await bed.settled()).toMatchObject({ ok: true, drift_nano_usd: 0 });
    });

    it('before the provider answered: closed, and nothing is charged', async () => {
      const model = await bed.model('left-early', { solo: answers('late', { hold: true }) });
      await leaveOnceAsked(model, 'left-early');
      const [record] = await recordsOf(model);
      expect(record).toMatchObject({ state: 'canceled', cost_usd: '0' });
    });

    it('after the provider’s headers, before its first word: closed, and only the prompt is charged', async () => {
      const model = await bed.model('left-waiting', { solo: answers('late', { holdBody: true }) });
      await leaveOnceAsked(model, 'left-waiting');
      const [record] = await recordsOf(model);
      const cost = nanoOf(record?.['cost_usd']);
      expect(record).toMatchObject({ state: 'canceled', completion_tokens: 0 });
      expect(cost).toBeGreaterThan(0n);
      expect(cost).toBeLessThan(60n * 3_000n);
    });

    it('a non-stream call: closed just the same', async () => {
      const model = await bed.model('left-plain', { solo: answers('late', { hold: true }) });
      await leaveOnceAsked(model, 'left-plain', { stream: false });
      const [record] = await recordsOf(model);
      expect(record).toMatchObject({ state: 'canceled', cost_usd: '0' });
    });

    it('after the finish reason: usage is still waited for, and charged exactly', async () => {
      const model = await bed.model('left-late', { solo: answers({ text: 'four words are said', usage: { prompt: 500, completion: 40 }, usageAt: 'late', usageAfterMs: 400 }) });
      const opened = await bed.client.open(body(model));
      await readThenLeave(opened, (text) => text.includes('"finish_reason":"stop"'));
      const record = await bed.recordOf(opened.response);
      expect(record).toMatchObject({ prompt_tokens: 500, completion_tokens: 40, cost_usd: '0.0021' });
    });

    it('where the operator wants it drained: read to its end for the provider’s usage', async () => {
      const model = await bed.model('left-drained', { drained: answers({ tokens: 60, gapMs: 10, usage: { prompt: 500, completion: 60 } }) });
      const opened = await bed.client.open(body(model));
      await readThenLeave(opened, (text) => text.includes('t5 '));
      const record = await bed.recordOf(opened.response);
      expect(record).toMatchObject({ prompt_tokens: 500, completion_tokens: 60, cost_usd: '0.0024', state: 'canceled' });
      expect(bed.asked('left-drained')[0]?.abortedAtMs).toBeUndefined();
    });

    // A closed and a half-closed connection look alike until something is written; who closes counts as gone, as at nginx.
    it('by closing its sending half alone: counts as gone, at once', async () => {
      const model = await bed.model('left-half', { solo: answers('late', { hold: true }) });
      const socket = await rawCall(JSON.stringify(body(model)));
      await bed.operator.eventually(async () => bed.asked('left-half').length, 3_000, (count) => count === 1);
      socket.end();
      await closedWithin('left-half', performance.now(), 1_000);
    });

    async function leaveOnceAsked(model: string, name: string, more: Json = {}): Promise<void> {
      const socket = await rawCall(JSON.stringify(body(model, more)));
      await bed.operator.eventually(async () => bed.asked(name).length, 3_000, (count) => count === 1);
      await sleep(100);
      socket.destroy();
      await closedWithin(name, performance.now(), 1_000);
    }

    const recordsOf = async (model: string): Promise<Json[]> => {
      const list = await bed.operator.eventually(() => bed.operator.get(`requests?model=${encodeURIComponent(model)}`), 3_000, (page) => (page['data'] as Json[]).length > 0);
      return list['data'] as Json[];
    };
  });

  describe('a client that does not read', () => {
    const LONG = { price: { input: '0.01', output: '0.01' }, capabilities: { max_output: 50_000_000 } };

    it('pauses the provider, keeps the memory, and is closed with the provider when it leaves', async () => {
      const words = `${'w'.repeat(1_000)} `.repeat(1_000);
      const model = await bed.model('unread', { solo: answers({ text: words, endless: true }) }, LONG);
      const before = rssBytes(bed.gateway.pid);
      const socket = await rawCall(JSON.stringify(body(model, { max_tokens: undefined })));
      socket.pause();
      const upstream = await upstreamOf('unread');
      const sentBytes = await steady(() => upstream.sentBytes);
      // Kernel buffers of two loopback connections hold a few megabytes; the gateway holds one turn.
      expect(sentBytes).toBeLessThan(16 * MB);
      expect(rssBytes(bed.gateway.pid) - before).toBeLessThan(40 * MB);
      expect(upstream.open).toBe(true);
      const leftMs = performance.now();
      socket.destroy();
      await closedWithin('unread', leftMs, 1_000);
      expect(await bed.settled()).toMatchObject({ ok: true });
    });

    it('gets all 50 MB when it reads slowly, and the gateway never holds them', async () => {
      const count = 50_000;
      const model = await bed.model('slow-reader', { solo: answers({ text: `${'w'.repeat(1_000)} `.repeat(count), usage: { prompt: 1, completion: 1 } }) }, LONG);
      const opened = await bed.client.open(body(model, { max_tokens: undefined }));
      const before = rssBytes(bed.gateway.pid);
      let most = 0;
      let bytes = 0;
      let reads = 0;
      let tail = '';
      for await (const chunk of opened.response) {
        bytes += (chunk as Buffer).length;
        tail = (tail + (chunk as Buffer).toString('latin1')).slice(-100);
        if (++reads % 25 === 0) await sleep(5);
        most = Math.max(most, rssBytes(bed.gateway.pid));
      }
      expect(bytes).toBeGreaterThan(50 * MB);
      expect(tail).toContain('data: [DONE]');
      expect(most - before).toBeLessThan(100 * MB);
    });
  });

  describe('a provider that breaks off after content', () => {
    const DEATHS = [
      ['fin', { how: 'fin' as const, afterPieces: 3 }, undefined],
      ['rst', { how: 'rst' as const, afterPieces: 3 }, undefined],
      ['mid-chunk', { how: 'rst' as const, afterPieces: 3, midChunk: true }, undefined],
      ['fin-mid-chunk', { how: 'fin' as const, afterPieces: 3, midChunk: true }, undefined],
      ['eof-fin', { how: 'fin' as const, afterPieces: 3 }, 'eof' as const],
      ['eof-rst', { how: 'rst' as const, afterPieces: 3 }, 'eof' as const],
    ] as const;

    it.each(DEATHS)('%s: an error in the stream, no [DONE], the delivered part is charged', async (name, die, framing) => {
      const model = await bed.model(`died-${name}`, { first: answers({ tokens: 50, gapMs: 5 }, { die, framing }), second: answers('another voice') });
      const answer = await bed.client.chat(body(model));
      await expectInterrupted(answer.text, 't0 t1 t2 ');
      expect(bed.asked(`died-${name}`)).toHaveLength(1);
      const record = await bed.recordOf(answer);
      expect(record).toMatchObject({ state: 'failed', error_code: 'upstream_interrupted', usage_estimated: true });
      const cost = nanoOf(record['cost_usd']);
      expect(cost).toBeGreaterThan(0n);
      expect(cost).toBeLessThan(10n * 15_000n + 60n * 3_000n);
    });

    it('by a clean end of the body without finish reason or terminator: the same', async () => {
      const model = await bed.model('trailed-off', { solo: answers({ text: 'said and gone', terminator: false, unfinished: true }) });
      const answer = await bed.client.chat(body(model));
      await expectInterrupted(answer.text, 'said and gone');
    });

    it('with an error of its own words inside the stream', async () => {
      const model = await bed.model('erred', { first: answers({ tokens: 9, error: { afterPieces: 3, status: 500, message: 'The server had an error.' } }), second: answers('another voice') });
      const answer = await bed.client.chat(body(model));
      const last = framesOf(answer.text).at(-1) as Json;
      expect(last).toMatchObject({ error: { message: expect.stringContaining('The server had an error.'), type: expect.any(String), param: null, code: 'upstream_error' }, choices: [{ index: 0, finish_reason: 'error' }] });
      expect(answer.text).not.toContain('[DONE]');
    });

    it('costs nothing where the operator does not bill what a dead provider delivered', async () => {
      const model = await bed.model('unbilled', { unbilled: answers({ tokens: 50 }, { die: { how: 'rst', afterPieces: 3 } }) });
      const answer = await bed.client.chat(body(model));
      await expectInterrupted(answer.text, 't0 t1 t2 ');
      expect(await bed.recordOf(answer)).toMatchObject({ state: 'failed', cost_usd: '0' });
    });

    it('reaches a client of one JSON answer as a status', async () => {
      const model = await bed.model('died-plain', { solo: answers({ tokens: 50 }, { die: { how: 'rst', atByte: 40 } }) });
      const answer = await bed.client.chat(body(model, { stream: false }));
      expect([answer.status, (answer.json['error'] as Json)['code']]).toEqual([502, 'upstream_error']);
    });

    async function expectInterrupted(text: string, said: string): Promise<void> {
      const frames = framesOf(text);
      expect(textOf(frames)).toBe(said);
      expect(frames.at(-1)).toMatchObject({ error: { code: 'upstream_interrupted', type: expect.any(String), message: expect.any(String), param: null }, choices: [{ index: 0, delta: {}, finish_reason: 'error' }] });
      expect(finishesOf(frames)).toEqual(['error']);
      expect(text).not.toContain('[DONE]');
    }
  });

  describe('a provider that ends oddly, but ends', () => {
    it('without [DONE] after a finish reason: that is its end, and ours has [DONE]', async () => {
      const model = await bed.model('no-done', { solo: answers({ text: 'complete enough', terminator: false }) });
      const frames = framesOf((await bed.client.chat(body(model))).text);
      expect([textOf(frames), finishesOf(frames), frames.at(-1)]).toEqual(['complete enough', ['stop'], { done: true }]);
    });

    it('with [DONE] but without a finish reason: the client gets exactly one', async () => {
      const model = await bed.model('no-finish', { solo: answers({ text: 'complete enough', unfinished: true }) });
      const frames = framesOf((await bed.client.chat(body(model))).text);
      expect([textOf(frames), finishesOf(frames), frames.at(-1)]).toEqual(['complete enough', ['stop'], { done: true }]);
    });
  });

  describe('a provider whose connection does not end with its answer', () => {
    const WHOLE = 'data: {"choices":[{"index":0,"delta":{"content":"whole"},"finish_reason":null}]}\n\ndata: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":500,"completion_tokens":40,"total_tokens":540}}\n\ndata: [DONE]\n\n';

    it.each([
      ['resets', { die: { how: 'rst' as const, atByte: WHOLE.length } }],
      ['closes in the middle of HTTP', { die: { how: 'fin' as const, atByte: WHOLE.length } }],
      ['says no more and stays', { stall: { atByte: WHOLE.length } }],
    ])('it %s after [DONE]: the answer is whole, at once', async (how, transport) => {
      const model = await bed.model(`after-done-${how.split(' ')[0] as string}`, { solo: sends(WHOLE, { contentType: 'text/event-stream', ...transport }) });
      const startedMs = performance.now();
      const answer = await bed.client.chat(body(model));
      expect(performance.now() - startedMs).toBeLessThan(2_000);
      const frames = framesOf(answer.text);
      expect([textOf(frames), finishesOf(frames), frames.at(-1)]).toEqual(['whole', ['stop'], { done: true }]);
      expect(await bed.recordOf(answer)).toMatchObject({ state: 'completed', cost_usd: '0.0021' });
    });
  });

  describe('frames', () => {
    const chunk = (choices: unknown[], more: Json = {}): string => `data: ${JSON.stringify({ id: 'x', object: 'chat.completion.chunk', created: 1, model: 'm', choices, ...more })}\n\n`;
    const delta = (content: string, index = 0): unknown => ({ index, delta: { content }, finish_reason: null });
    const finish = (reason: string, index = 0): unknown => ({ index, delta: {}, finish_reason: reason });
    const serve = async (name: string, bytes: string | Uint8Array, more: Json = {}): Promise<{ frames: Json[]; text: string; record: Json }> => {
      const model = await bed.model(name, { solo: sends(bytes, { contentType: 'text/event-stream' }) });
      const answer = await bed.client.chat(body(model, more));
      return { frames: answer.text.startsWith('data:') || answer.text.startsWith(':') ? framesOf(answer.text) : [], text: answer.text, record: await bed.recordOf(answer) };
    };

    it('one finish per choice, whatever was repeated; content after it is dropped', async () => {
      const bytes = [
        chunk([{ index: 0, delta: { role: 'assistant' }, finish_reason: null }]),
        chunk([delta('a0')]),
        chunk([delta('b0', 1)]),
        chunk([finish('stop', 1)]),
        chunk([delta('a1')]),
        chunk([finish('length')]),
        chunk([finish('stop')]),
        chunk([delta('never', 1)]),
        'data: [DONE]\n\n',
      ].join('');
      const { frames } = await serve('twice', bytes, { n: 2 });
      expect([textOf(frames, 0), textOf(frames, 1)]).toEqual(['a0a1', 'b0']);
      expect([finishesOf(frames, 0), finishesOf(frames, 1)]).toEqual([['length'], ['stop']]);
      expect(frames.filter((frame) => frame['done'])).toHaveLength(1);
    });

    const usage = (prompt: number, completion: number): Json => ({ usage: { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion } });
    const PLACEMENTS: readonly [string, string][] = [
      ['first', chunk([], usage(500, 40)) + chunk([delta('hi')]) + chunk([finish('stop')]) + 'data: [DONE]\n\n'],
      ['middle', chunk([delta('h')]) + chunk([], usage(500, 40)) + chunk([delta('i')]) + chunk([finish('stop')]) + 'data: [DONE]\n\n'],
      ['cumulative', chunk([delta('h')], usage(500, 10)) + chunk([delta('i')], usage(500, 20)) + chunk([finish('stop')], usage(500, 40)) + 'data: [DONE]\n\n'],
      ['with-finish', chunk([delta('hi')]) + chunk([finish('stop')], usage(500, 40)) + 'data: [DONE]\n\n'],
      ['after-finish', chunk([delta('hi')]) + chunk([finish('stop')]) + chunk([], usage(500, 40)) + 'data: [DONE]\n\n'],
      ['no-choices-member', chunk([delta('hi')]) + chunk([finish('stop')]) + `data: ${JSON.stringify(usage(500, 40))}\n\n` + 'data: [DONE]\n\n'],
    ];

    it.each(PLACEMENTS)('usage %s: charged once and told once, only to who asked', async (name, bytes) => {
      const asked = await serve(`usage-${name}`, bytes, { stream_options: { include_usage: true } });
      const withUsage = asked.frames.filter((frame) => frame['usage'] !== null && frame['usage'] !== undefined);
      expect(withUsage).toEqual([expect.objectContaining({ choices: [], usage: expect.objectContaining({ prompt_tokens: 500, completion_tokens: 40, total_tokens: 540, cost: 0.0021 }) })]);
      expect(asked.frames.indexOf(withUsage[0] as Json)).toBe(asked.frames.length - 2);
      expect(asked.record).toMatchObject({ cost_usd: '0.0021', usage_estimated: false });
      const silent = await serve(`usage-${name}`, bytes);
      expect(silent.frames.filter((frame) => Array.isArray(frame['choices']) && frame['choices'].length === 0)).toEqual([]);
      expect(silent.text).not.toContain('"prompt_tokens"');
      expect(silent.record).toMatchObject({ cost_usd: '0.0021' });
      expect(textOf(silent.frames)).toBe('hi');
    });

    it('usage behind [DONE] is charged and told all the same', async () => {
      const model = await bed.model('usage-after-done', { solo: answers({ text: 'hi there', usage: { prompt: 500, completion: 40 }, usageAt: 'after-end' }) });
      const answer = await bed.client.chat(body(model, { stream_options: { include_usage: true } }));
      expect(framesOf(answer.text).at(-2)).toMatchObject({ choices: [], usage: { prompt_tokens: 500, completion_tokens: 40 } });
      expect(await bed.recordOf(answer)).toMatchObject({ cost_usd: '0.0021', usage_estimated: false });
    });

    it('every chunk has one id and one time, the first delta the role, the model its public name', async () => {
      const { frames } = await serve('named', chunk([delta('hi')]) + chunk([finish('stop')]) + 'data: [DONE]\n\n');
      const chunks = frames.filter((frame) => frame['done'] === undefined);
      expect(new Set(chunks.map(({ id, created, model }) => `${String(id)} ${String(created)} ${String(model)}`)).size).toBe(1);
      expect(chunks[0]).toMatchObject({ id: expect.stringMatching(/^chatcmpl-/), object: 'chat.completion.chunk', model: 't/named', choices: [{ delta: { role: 'assistant' } }] });
      expect(Math.abs(Number(chunks[0]?.['created']) - Date.now() / 1000)).toBeLessThan(5);
    });

    it.each(['\n', '\r\n', '\r'])('lines that end with %j, a mark of order, comments, ids and empty data are all the same', async (end) => {
      const name = `framing-${Buffer.from(end).toString('hex')}`;
      const events = [': hello', 'event: message', `data:${JSON.stringify({ choices: [delta('안녕 😀')] })}`, 'id: 7', 'retry: 100', '', 'data:', '', `data: ${JSON.stringify({ choices: [finish('stop')] })}`, '', 'data: [DONE]', '', ''];
      const { frames } = await serve(name, Buffer.from(`\uFEFF${events.join(end)}`));
      expect([textOf(frames), finishesOf(frames), frames.at(-1)]).toEqual(['안녕 😀', ['stop'], { done: true }]);
    });

    it('text survives when every byte arrives alone; bytes that are no text become one replacement sign', async () => {
      const said = '안녕하세요 👩‍👩‍👧 はい ñ — 🇰🇷 끝';
      const model = await bed.model('bytewise', { solo: answers({ text: said }, { cut: 'bytes' }) });
      expect(textOf(framesOf((await bed.client.chat(body(model))).text))).toBe(said);
      const broken = Buffer.concat([Buffer.from('data: {"choices":[{"index":0,"delta":{"content":"a'), Buffer.from([0xff]), Buffer.from(`b"},"finish_reason":null}]}\n\n${chunk([finish('stop')])}data: [DONE]\n\n`)]);
      const { frames } = await serve('invalid-utf8', broken);
      expect([textOf(frames), frames.at(-1)]).toEqual(['a\uFFFDb', { done: true }]);
    });

    it('a frame that is no JSON never reaches the client as it is, and the stream never ends well by accident', async () => {
      const { text, frames } = await serve('half-json', chunk([delta('before')]) + 'data: {"choices":[{"index":0,"del\n\n' + chunk([delta('after')]) + chunk([finish('stop')]) + 'data: [DONE]\n\n');
      expect(text).not.toContain('"del\n');
      const last = frames.at(-1) as Json;
      expect(last['done'] === true || (last['error'] as Json)['code'] === 'upstream_invalid_response').toBe(true);
      expect(textOf(frames).startsWith('before')).toBe(true);
    });

    it('unknown events are skipped', async () => {
      const { frames } = await serve('unknown', `event: x_new\ndata: {"x":1}\n\n${chunk([delta('hi')])}data: {"type":"x_news","choices":"none"}\n\n${chunk([finish('stop')])}data: [DONE]\n\n`);
      expect([textOf(frames), finishesOf(frames), frames.at(-1)]).toEqual(['hi', ['stop'], { done: true }]);
    });

    it('JSON where a stream was asked for becomes a stream; a stream where JSON was asked for becomes JSON', async () => {
      const whole = { id: 'x', object: 'chat.completion', choices: [{ index: 0, message: { role: 'assistant', content: 'whole' }, finish_reason: 'stop' }], usage: { prompt_tokens: 5, completion_tokens: 1, total_tokens: 6 } };
      await bed.model('json-for-stream', { solo: sends(whole, { contentType: 'application/json' }) });
      const frames = framesOf((await bed.client.chat(body('t/json-for-stream'))).text);
      expect([textOf(frames), finishesOf(frames), frames.at(-1)]).toEqual(['whole', ['stop'], { done: true }]);
      await bed.model('stream-for-json', { solo: sends(chunk([delta('pie')]) + chunk([delta('ces')]) + chunk([finish('stop')], usage(5, 2)) + 'data: [DONE]\n\n', { contentType: 'text/event-stream' }) });
      const answer = await bed.client.chat(body('t/stream-for-json', { stream: false }));
      expect(answer.headers['content-type']).toBe('application/json');
      expect(answer.json).toMatchObject({ object: 'chat.completion', choices: [{ message: { role: 'assistant', content: 'pieces' }, finish_reason: 'stop' }], usage: { total_tokens: 7 } });
    });
  });

  describe('headers and pace', () => {
    it('an event stream says what it is and that nobody may buffer it', async () => {
      const model = await bed.model('headers', { solo: answers('hi') });
      const answer = await bed.client.chat(body(model), { 'accept-encoding': 'gzip, br' });
      expect(answer.headers).toMatchObject({ 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache, no-transform', 'x-accel-buffering': 'no', 'x-og-provider': 'solo', 'x-og-model': 't/headers', 'x-og-attempts': '1' });
      for (const absent of ['content-length', 'content-encoding', 'x-og-cost-usd', 'server', 'x-powered-by']) expect(answer.headers[absent]).toBeUndefined();
    });

    it('a word reaches the client as soon as it arrives', async () => {
      const model = await bed.model('paced', { solo: answers({ tokens: 5, gapMs: 150 }) });
      const opened = await bed.client.open(body(model));
      const atMs: number[] = [];
      opened.response.on('data', () => atMs.push(performance.now()));
      await new Promise((resolve) => opened.response.on('end', resolve));
      const upstream = await upstreamOf('paced');
      expect((atMs[0] ?? Infinity) - (upstream.firstContentAtMs ?? 0)).toBeLessThan(50);
      expect(atMs.length).toBeGreaterThanOrEqual(5);
    });
  });

  /** A call over a bare socket, so that nothing reads unless the test does. */
  async function rawCall(json: string): Promise<Socket> {
    const url = new URL(bed.gateway.url);
    const socket = connect(Number(url.port), url.hostname);
    socket.on('error', () => undefined);
    await new Promise<void>((resolve) => socket.once('connect', () => resolve()));
    socket.write(`POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${bed.tenant.key}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(json)}\r\n\r\n${json}`);
    return socket;
  }
});

function rssBytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
}

/** The value once it has not changed for half a second. */
async function steady(read: () => number): Promise<number> {
  let last = -1;
  for (let waited = 0; waited < 20; waited += 1) {
    const now = read();
    if (now === last && now > 0) return now;
    last = now;
    await sleep(500);
  }
  return last;
}
