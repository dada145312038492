import Anthropic from '@anthropic-ai/sdk';
import { request as httpRequest, Agent, type IncomingHttpHeaders } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import OpenAI from 'openai';
import type { ChatEvent, StreamItem } from '../../../src/core/chat/event.js';
import { geminiGenerate } from '../../../src/core/protocols/gemini-generate/index.js';
import { answers, bodyBytes, Corpus, fails, sends, sendsRaw, UpstreamSimulator, type Scenario, type SpokenProtocol } from './index.js';

interface Seen {
  status: number;
  headers: IncomingHttpHeaders;
  chunks: Buffer[];
  body: Buffer;
  /** `end`: properly. */
  ended: 'end' | 'broken';
}

const PATHS: Readonly<Record<string, (model: string, stream: boolean) => string>> = {
  'openai-chat': () => '/chat/completions',
  'anthropic-messages': () => '/v1/messages',
  'gemini-generate': (model, stream) => `/v1beta/models/${encodeURIComponent(model)}:${stream ? 'streamGenerateContent?alt=sse' : 'generateContent'}`,
};

describe('upstream simulator', () => {
  let simulator: UpstreamSimulator;
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });

  beforeAll(async () => {
    simulator = await UpstreamSimulator.start();
  });
  afterEach(() => simulator.reset());
  afterAll(async () => {
    agent.destroy();
    await simulator.stop();
  });

  function ask(model: string, protocol: SpokenProtocol = 'openai-chat', stream = true): { seen: Promise<Seen>; abort(): void } {
    const url = simulator.baseUrl(protocol) + (PATHS[protocol] as (typeof PATHS)[string])(model, stream);
    const call = httpRequest(url, { method: 'POST', agent, headers: { 'content-type': 'application/json', 'X-Odd-Case': 'kept' } });
    const seen = new Promise<Seen>((resolve, reject) => {
      call.on('error', reject);
      call.once('response', (response) => {
        const chunks: Buffer[] = [];
        // A reset is told to the request as well as to the response.
        call.removeAllListeners('error').on('error', () => done('broken'));
        const done = (ended: Seen['ended']): void =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, chunks, body: Buffer.concat(chunks), ended });
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.once('end', () => done('end'));
        response.once('error', () => done('broken'));
      });
    });
    call.end(
      JSON.stringify({
        model,
        stream,
        stream_options: { include_usage: true },
        messages: [{ role: 'user', content: 'nonce-42' }],
        contents: [{ parts: [{ text: 'nonce-42' }] }],
      }),
    );
    return { seen, abort: () => call.destroy() };
  }
  const seenOf = (model: string, scenario: Scenario, protocol?: SpokenProtocol, stream?: boolean): Promise<Seen> => {
    simulator.on(model, scenario);
    return ask(model, protocol, stream).seen;
  };

  const RICH = answers({
    text: 'Hello 세계 👋 there',
    reasoning: 'let me think',
    signature: 'c2ln',
    toolCalls: [
      { id: 'toolu_1', name: 'look', arguments: { at: 'the sky' } },
      { id: 'toolu_2', name: 'listen', arguments: {} },
    ],
    usage: { prompt: 20, completion: 9, cached: 5, reasoning: 3 },
  });

  describe('speaks each protocol so that its official client understands', () => {
    it('openai, streaming and not', async () => {
      simulator.on('m', RICH);
      const client = new OpenAI({ baseURL: simulator.baseUrl('openai-chat'), apiKey: 'k', maxRetries: 0 });
      const whole = await client.chat.completions.create({ model: 'm', messages: [{ role: 'user', content: 'x' }] });
      expect(whole).toMatchObject({
        choices: [
          {
            message: {
              content: 'Hello 세계 👋 there',
              tool_calls: [{ id: 'toolu_1', function: { name: 'look', arguments: '{"at":"the sky"}' } }, { id: 'toolu_2' }],
            },
            finish_reason: 'tool_calls',
          },
        ],
        usage: { prompt_tokens: 20, completion_tokens: 9, prompt_tokens_details: { cached_tokens: 5 } },
      });
      const runner = client.chat.completions.stream({ model: 'm', messages: [{ role: 'user', content: 'x' }], stream_options: { include_usage: true } });
      const last = await runner.finalChatCompletion();
      expect(last.choices[0]).toMatchObject({
        finish_reason: 'tool_calls',
        message: { content: 'Hello 세계 👋 there', tool_calls: [{ function: { arguments: '{"at":"the sky"}' } }, { function: { arguments: '{}' } }] },
      });
      expect(last.usage?.total_tokens).toBe(29);
    });

    it('anthropic, streaming and not', async () => {
      simulator.on('m', RICH);
      const client = new Anthropic({ baseURL: simulator.baseUrl('anthropic-messages'), apiKey: 'k', maxRetries: 0 });
      const expected = {
        stop_reason: 'tool_use',
        content: [
          { type: 'thinking', thinking: 'let me think', signature: 'c2ln' },
          { type: 'text', text: 'Hello 세계 👋 there' },
          { type: 'tool_use', id: 'toolu_1', input: { at: 'the sky' } },
          { type: 'tool_use', id: 'toolu_2', input: {} },
        ],
        usage: { input_tokens: 15, cache_read_input_tokens: 5, output_tokens: 9 },
      };
      const body = { model: 'm', max_tokens: 9, messages: [{ role: 'user' as const, content: 'x' }] };
      expect(await client.messages.create(body)).toMatchObject(expected);
      expect(await client.messages.stream(body).finalMessage()).toMatchObject(expected);
    });

    it('gemini, streaming and not', async () => {
      const stream = await seenOf('m', RICH, 'gemini-generate');
      const items: StreamItem[] = [];
      const parser = geminiGenerate.createStreamParser((item) => items.push(item), { dialect: {}, choices: 1 });
      parser.push(stream.body);
      parser.end();
      const events = items.flatMap((item) => item.events);
      const text = (type: ChatEvent['type']): string => events.map((event) => (event.type === type && 'text' in event ? event.text : '')).join('');
      expect([text('text-delta'), text('reasoning-delta'), events.at(-1)?.type]).toEqual(['Hello 세계 👋 there', 'let me think', 'end']);
      const whole = await ask('m', 'gemini-generate', false).seen;
      expect(geminiGenerate.parseResponse(JSON.parse(whole.body.toString()), { dialect: {}, choices: 1 })).toMatchObject({
        choices: [{ finish: 'tool_calls' }],
        usage: { input: 15, cacheRead: 5, output: 6, reasoning: 3 },
      });
    });

    it.each(['openai-chat', 'anthropic-messages', 'gemini-generate'] as const)('%s: an error by status, and one inside a 200 stream', async (protocol) => {
      const refused = await seenOf('m', fails(429, { message: 'Slow down' }, { headers: { 'retry-after': '2' } }), protocol);
      expect(refused).toMatchObject({ status: 429, headers: { 'retry-after': '2' } });
      expect(JSON.parse(refused.body.toString())).toMatchObject({ error: { message: 'Slow down' } });
      const inside = await seenOf('m', answers({ tokens: 5, error: { afterPieces: 2, status: 503, message: 'Overloaded now' } }), protocol);
      expect(inside).toMatchObject({ status: 200, ended: 'end' });
      expect(inside.body.toString()).toMatch(/t1 [\s\S]*Overloaded now[^\n]*\s*$/);
      expect(inside.body.toString()).not.toContain('t2 ');
    });
  });

  it.each([
    ['usual', /"finish_reason":"stop"[\s\S]*"choices":\[\],"usage"[\s\S]*\[DONE\]/],
    ['early', /^(?:(?!"usage")[\s\S])*t0 [^\n]*"usage"(?![\s\S]*"usage")/],
    ['with-finish', /"finish_reason":"stop"[^\n]*"usage"/],
    ['after-end', /\[DONE\][\s\S]*"usage"/],
    ['never', /^(?![\s\S]*"usage")/],
  ] as const)('places usage: %s', async (usageAt, pattern) => {
    expect((await seenOf('m', answers({ tokens: 3, usageAt }))).body.toString()).toMatch(pattern);
  });

  it('echoes, and records what it was sent', async () => {
    const seen = await seenOf('m', answers({ echo: true }), 'gemini-generate');
    expect(seen.body.toString()).toContain('nonce-42');
    const [request] = simulator.requestsOf('m');
    expect(request?.rawHeaders).toContain('X-Odd-Case');
    expect(request?.json).toMatchObject({ contents: [{ parts: [{ text: 'nonce-42' }] }] });
    expect(request?.finishedAtMs).toBeGreaterThanOrEqual(request?.receivedAtMs ?? Infinity);
  });

  it('plays a list of scenarios, stays on the last, and lets a function decide', async () => {
    simulator.on('m', [fails(500), answers('second')]);
    const statuses = [];
    for (let turn = 0; turn < 3; turn += 1) statuses.push((await ask('m').seen).status);
    expect(statuses).toEqual([500, 200, 200]);
    simulator.on('n', (request, nth) => answers(`${request.call.model}${nth}`));
    expect((await ask('n').seen).body.toString()).toContain('n0');
    expect((await ask('nobody').seen).status).toBe(404);
    expect(simulator.stats().byModel).toEqual({ m: 3, n: 1, nobody: 1 });
  });

  it('waits where it is told to', async () => {
    const before = performance.now();
    const seen = await seenOf('m', answers({ tokens: 4, firstAfterMs: 60, gapMs: 20 }, { headersAfterMs: 40 }));
    expect(performance.now() - before).toBeGreaterThanOrEqual(150);
    expect(seen.ended).toBe('end');
    const [request] = simulator.requests;
    expect((request?.headSentAtMs ?? 0) - (request?.receivedAtMs ?? 0)).toBeGreaterThanOrEqual(35);
    expect((request?.firstContentAtMs ?? 0) - (request?.headSentAtMs ?? 0)).toBeGreaterThanOrEqual(0);
  });

  it.each([
    ['odd', 'odd'],
    ['bytes', 'bytes'],
  ] as const)('cuts %s without changing a byte', async (_, cut) => {
    const [cutUp, whole] = [await seenOf('m', answers('Grüße 👋', { cut })), await seenOf('m', answers('Grüße 👋'))];
    expect(cutUp.body.equals(whole.body)).toBe(true);
    expect(cutUp.chunks.length).toBeGreaterThan(whole.chunks.length);
  });

  it.each([
    ['rst inside a chunked body', answers({ tokens: 9 }, { die: { how: 'rst', afterPieces: 3 } }), 'broken', 't2 ', 't3 '],
    ['fin inside a chunked body', answers({ tokens: 9 }, { die: { how: 'fin', afterPieces: 3 } }), 'broken', 't2 ', 't3 '],
    ['fin in the middle of a chunk', answers({ tokens: 9 }, { die: { how: 'fin', afterPieces: 3, midChunk: true } }), 'broken', 't2 ', 't3 '],
    ['fin of a body that ends with its connection', answers({ tokens: 9 }, { framing: 'eof', die: { how: 'fin', afterPieces: 3 } }), 'end', 't2 ', 't3 '],
    ['a Content-Length that is too long', sends('{"half":', { framing: { length: 500 } }), 'broken', 'half', 'never'],
  ] as const)('breaks off: %s', async (_, scenario, ended, has, hasNot) => {
    const seen = await seenOf('m', scenario);
    expect(seen.ended).toBe(ended);
    expect(seen.body.toString()).toContain(has);
    expect(seen.body.toString()).not.toContain(hasNot);
  });

  it('breaks off at exactly the byte it is told', async () => {
    for (const atByte of [0, 1, 17, 200]) {
      const seen = await seenOf('m', answers({ tokens: 9 }, { framing: 'eof', die: { how: 'fin', atByte } }));
      expect(seen.body.length).toBe(atByte);
    }
  });

  it('stalls, and notices when the caller leaves', async () => {
    simulator.on('m', answers({ tokens: 9 }, { stall: { afterPieces: 2 } }));
    const { seen, abort } = ask('m');
    seen.catch(() => undefined);
    await simulator.until((stats) => stats.open === 1 && (simulator.requests[0]?.sentPieces ?? 0) === 2);
    abort();
    await simulator.until((stats) => stats.aborted === 1 && stats.open === 0);
  });

  it('never ends an endless stream, at the pace of its reader', async () => {
    simulator.on('m', answers({ endless: true }));
    const { seen, abort } = ask('m', 'anthropic-messages');
    seen.catch(() => undefined);
    await simulator.until((stats) => stats.sentBytes > 1_000_000);
    abort();
    await simulator.until((stats) => stats.open === 0 && stats.aborted === 1);
  });

  it('holds answers until they are released', async () => {
    simulator.on('m', answers('late', { hold: true }));
    const calls = Array.from({ length: 20 }, () => ask('m').seen);
    await simulator.until((stats) => stats.held === 20);
    expect(simulator.stats()).toMatchObject({ open: 20, completed: 0 });
    simulator.release('m');
    expect((await Promise.all(calls)).every((seen) => seen.status === 200)).toBe(true);
  });

  it('sends other kinds than were asked for: gzip, HTML, nonsense instead of HTTP', async () => {
    const zipped = await seenOf('m', answers('x', { gzip: true }));
    expect(zipped.headers['content-encoding']).toBe('gzip');
    expect([...zipped.body.subarray(0, 2)]).toEqual([0x1f, 0x8b]);
    expect(await seenOf('m', sends('<html>', { contentType: 'text/html' }))).toMatchObject({ status: 200, headers: { 'content-type': 'text/html' } });
    await expect(seenOf('m', sendsRaw('SMTP ready\r\n\r\n'))).rejects.toThrow();
  });

  it('closes a kept-alive connection behind an answer without a word', async () => {
    simulator.on('m', [answers('x', { thenClose: 'fin' }), answers('x')]);
    await ask('m').seen;
    // Long enough for the close to reach the agent; a caller that is quicker meets the race this scenario is for.
    await sleep(30);
    expect((await ask('m').seen).status).toBe(200);
    expect(simulator.requests[1]?.connection).not.toBe(simulator.requests[0]?.connection);
  });

  it('reads a scenario out of the model name', async () => {
    const dead = await ask('mock:tokens=50,die=fin@17,usage=late').seen;
    expect(dead.body.toString()).toContain('t16 ');
    expect([dead.ended, dead.body.toString().includes('t17 ')]).toEqual(['broken', false]);
    expect(await ask('mock:status=503,retry=7', 'anthropic-messages').seen).toMatchObject({ status: 503, headers: { 'retry-after': '7' } });
    expect((await ask('mock:tools=2,reasoning=2,usage=invalid').seen).body.toString()).toMatch(/tool_1[\s\S]*"completion_tokens":"many"/);
  });

  it('shows its counters over HTTP', async () => {
    await seenOf('m', answers('x'));
    const stats = (await (await fetch(`${simulator.origin}/stats`)).json()) as unknown;
    expect(stats).toMatchObject({ requests: 1, completed: 1, open: 0, byModel: { m: 1 } });
  });

  const corpus = Corpus.find();
  (corpus === null ? it.skip : it)('replays recorded exchanges under their id, byte for byte', async () => {
    if (corpus === null) return;
    simulator.replay(corpus);
    const entries = ['openai.chat', 'anthropic.messages', 'gemini.generateContent'].flatMap((api) => corpus.list(api).slice(0, 5));
    for (const entry of entries) {
      const exchange = corpus.read(entry);
      const seen = await ask(exchange.id, 'openai-chat', exchange.stream).seen;
      expect([seen.status, seen.body.equals(bodyBytes(exchange))]).toEqual([exchange.response.status, true]);
    }
  });
});
