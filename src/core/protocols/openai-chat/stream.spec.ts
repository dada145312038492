import fc from 'fast-check';
import type { ChatEvent, StreamItem } from '../../chat/event.js';
import { StreamNormaliser } from '../../chat/normalise-stream.js';
import { NO_USAGE } from '../../chat/usage.js';
import { GatewayError } from '../../errors/gateway-error.js';
import type { ResponseDialect } from '../dialect.js';
import type { RenderContext } from '../protocol.js';
import { openaiChat } from './index.js';

type Json = Record<string, unknown>;
const CONTEXT: RenderContext = {
  requestId: 'req_1',
  responseId: 'chatcmpl-1',
  createdS: 7,
  model: 'public/model',
  includeUsage: false,
  reasoningField: 'reasoning_content',
};
const HEAD = { id: 'up-1', object: 'chat.completion.chunk', created: 5, model: 'up-model' };

const chunk = (delta: Json, more: Json = {}, finish: string | null = null): Json => ({
  ...HEAD,
  choices: [{ index: 0, delta, finish_reason: finish }],
  ...more,
});
const say = (content: string, more: Json = {}) => chunk({ content }, more);
const end = (finish = 'stop', more: Json = {}) => chunk({}, more, finish);
const sse = (...frames: (Json | string)[]) => frames.map((frame) => `data: ${typeof frame === 'string' ? frame : JSON.stringify(frame)}\n\n`).join('');
const USAGE = { prompt_tokens: 5, completion_tokens: 3, total_tokens: 8 };

function items(body: string | Buffer, dialect: ResponseDialect = {}, size = Infinity): StreamItem[] {
  const found: StreamItem[] = [];
  const parser = openaiChat.createStreamParser((item) => found.push(item), { dialect, choices: 1 });
  const bytes = Buffer.from(body as string);
  for (let at = 0; at < bytes.length; at += size) parser.push(bytes.subarray(at, at + size));
  parser.end();
  return found;
}
const events = (body: string | Buffer, dialect: ResponseDialect = {}, size = Infinity): ChatEvent[] =>
  items(body, dialect, size).flatMap((item) => item.events);
const kinds = (body: string) => events(body).map((event) => event.type);
function failure(body: string) {
  const last = events(body).at(-1);
  if (last?.type !== 'error') throw new Error(`no error, but ${last?.type}`);
  return last.failure;
}
const text = (found: readonly ChatEvent[], type = 'text-delta') => found.map((event) => (event.type === type ? (event as { text: string }).text : '')).join('');
const usageOf = (found: readonly ChatEvent[]) => found.findLast((event) => event.type === 'usage');

function rendered(body: string, options: Partial<RenderContext> & { native?: boolean; dialect?: ResponseDialect } = {}): Json[] {
  const { native = true, dialect = {}, ...context } = options;
  const normaliser = new StreamNormaliser('req_1');
  const renderer = openaiChat.createStreamRenderer({ ...CONTEXT, ...context });
  const out = items(body, dialect).map((item) => {
    const normal = normaliser.push(item);
    return renderer.render(normal.item, native && normal.native);
  });
  return frames(out.join(''));
}
const frames = (out: string): Json[] =>
  out
    .split('\n\n')
    .filter((frame) => frame !== '')
    .map((frame) => JSON.parse(frame.slice('data: '.length)) as Json);
const deltas = (chunks: readonly Json[]) => chunks.map((one) => (one['choices'] as { delta: Json }[])[0]?.delta);

describe('stream parser', () => {
  it('reads an ordinary stream', () => {
    const body = sse(chunk({ role: 'assistant', content: '' }), say('Hel'), say('lo'), end(), { ...HEAD, choices: [], usage: USAGE }, '[DONE]');
    expect(events(body)).toEqual([
      { type: 'start', upstreamId: 'up-1', upstreamModel: 'up-model', createdS: 5, serviceTier: undefined, systemFingerprint: undefined },
      { type: 'text-delta', choice: 0, text: 'Hel' },
      { type: 'text-delta', choice: 0, text: 'lo' },
      { type: 'finish', choice: 0, reason: 'stop', raw: 'stop' },
      { type: 'usage', usage: { ...NO_USAGE, input: 5, output: 3 }, raw: USAGE },
      { type: 'end' },
    ]);
  });

  it('gives the same events however the bytes are cut', () => {
    const odd = [
      say('가'),
      say('"\\"\n\t'),
      say('👩‍👩‍👧'),
      say('é"content":"x'),
      say('plain'),
      chunk({ reasoning_content: '思' }),
      chunk({ tool_calls: [{ index: 0, id: 'a', function: { name: 'f', arguments: '{"' } }] }),
      end('tool_calls'),
      { ...HEAD, choices: [], usage: USAGE },
    ];
    fc.assert(
      fc.property(
        fc.shuffledSubarray(odd),
        fc.constantFrom('\n\n', '\r\n\r\n', '\r\r'),
        fc.boolean(),
        fc.integer({ min: 1, max: 40 }),
        (chosen, gap, mark, size) => {
          const body = `${mark ? '\uFEFF' : ''}${sse(...chosen, '[DONE]').replaceAll('\n\n', gap)}`;
          expect(events(body, {}, size)).toEqual(events(body));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('reads frames of one shape by their text, escapes and all, like any other', () => {
    const words = ['a', 'b"c', 'd\\', '\u0001', '한', '\ud83d\ude00', '"},"x', 'e\nf', ''];
    const found = items(sse(say('first'), ...words.map((word) => say(word)), end(), '[DONE]'));
    expect(text(found.flatMap((item) => item.events))).toBe(`first${words.join('')}`);
    const quick = found.filter((item) => item.shape !== undefined);
    expect(quick.length).toBeGreaterThan(5);
    for (const item of quick) expect(item.raw).toEqual(JSON.parse(item.rawText as string));
  });

  it.each<[string, Json[], unknown[]]>([
    [
      'numbered',
      [
        { index: 0, id: 'a', function: { name: 'f', arguments: '' } },
        { index: 0, function: { arguments: '{}' } },
        { index: 1, id: 'b', function: { name: 'g', arguments: '1' } },
      ],
      [
        [0, 'a', 'f', '{}'],
        [1, 'b', 'g', '1'],
      ],
    ],
    [
      'all numbered 0',
      [
        { index: 0, id: 'a', function: { name: 'f', arguments: '1' } },
        { index: 0, id: 'b', function: { name: 'f', arguments: '2' } },
      ],
      [
        [0, 'a', 'f', '1'],
        [1, 'b', 'f', '2'],
      ],
    ],
    [
      'not numbered',
      [{ id: 'a', function: { name: 'f', arguments: '1' } }, { id: 'b', function: { name: 'g', arguments: '' } }, { function: { arguments: '2' } }],
      [
        [0, 'a', 'f', '1'],
        [1, 'b', 'g', '2'],
      ],
    ],
    [
      'not numbered, by name alone',
      [{ function: { name: 'f', arguments: '1' } }, { function: { name: 'f', arguments: '2' } }],
      [
        [0, '', 'f', '1'],
        [1, '', 'f', '2'],
      ],
    ],
    ['numbered from 5', [{ index: 5, id: 'a', function: { name: 'f', arguments: '1' } }], [[0, 'a', 'f', '1']]],
    [
      'with their name late',
      [
        { index: 0, id: 'a', function: { arguments: '{' } },
        { index: 0, function: { name: 'f', arguments: '}' } },
      ],
      [[0, 'a', 'f', '{}']],
    ],
    [
      'with another id in each fragment',
      [
        { index: 0, id: 'a', function: { name: 'f', arguments: '1' } },
        { index: 0, id: 'z', function: { arguments: '2' } },
      ],
      [[0, 'a', 'f', '12']],
    ],
    [
      'with their name repeated',
      [
        { index: 0, id: 'a', function: { name: 'f', arguments: '1' } },
        { index: 0, id: 'a', function: { name: 'f', arguments: '2' } },
      ],
      [[0, 'a', 'f', '12']],
    ],
    ['with an object as arguments', [{ index: 0, id: 'a', function: { name: 'f', arguments: { x: 1 } } }], [[0, 'a', 'f', '{"x":1}']]],
  ])('gives fragments to their calls: %s', (_name, calls, expected) => {
    const found = events(sse(...calls.map((call) => chunk({ tool_calls: [call] })), end('tool_calls'), '[DONE]'));
    const got = found.flatMap((event) => {
      if (event.type !== 'tool-call-start') return [];
      const args = found.map((other) => (other.type === 'tool-call-delta' && other.index === event.index ? other.argumentsText : '')).join('');
      return [[event.index, event.id, event.name, args]];
    });
    expect(got).toEqual(expected);
  });

  it('reads the old function_call and thought signatures', () => {
    const old = events(
      sse(chunk({ function_call: { name: 'f', arguments: '{' } }), chunk({ function_call: { arguments: '}' } }), end('function_call'), '[DONE]'),
    );
    expect(old.filter((event) => event.type.startsWith('tool') || event.type === 'finish')).toEqual([
      { type: 'tool-call-start', choice: 0, index: 0, id: '', name: 'f' },
      { type: 'tool-call-delta', choice: 0, index: 0, argumentsText: '{' },
      { type: 'tool-call-delta', choice: 0, index: 0, argumentsText: '}' },
      { type: 'finish', choice: 0, reason: 'tool_calls', raw: 'function_call' },
    ]);
    const signed = { index: 0, id: 'a', function: { name: 'f', arguments: '' }, extra_content: { google: { thought_signature: 's' } } };
    expect(events(sse(chunk({ tool_calls: [signed] })))).toContainEqual({ type: 'tool-call-start', choice: 0, index: 0, id: 'a', name: 'f', signature: 's' });
  });

  it.each<[string, ResponseDialect, Json[], string, string]>([
    ['reasoning_content', {}, [{ reasoning_content: 'a' }, { reasoning_content: 'b', content: '' }, { content: 'c' }], 'ab', 'c'],
    ['reasoning', {}, [{ reasoning: 'a' }, { reasoning: null, content: 'c' }], 'a', 'c'],
    [
      'the same in two fields',
      {},
      [
        { reasoning: 'a', reasoning_content: 'a' },
        { reasoning: 'b', reasoning_content: 'b' },
      ],
      'ab',
      '',
    ],
    ['the same in reasoning_details', {}, [{ reasoning: 'a', reasoning_details: [{ type: 'reasoning.text', text: 'a' }] }], 'a', ''],
    ['only in reasoning_details', {}, [{ reasoning_details: [{ type: 'reasoning.summary', summary: 'a' }] }, { content: 'c' }], 'a', 'c'],
    ['content parts', {}, [{ content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'a' }] }] }, { content: [{ type: 'text', text: 'c' }] }], 'a', 'c'],
    ['the order of the dialect', { reasoningAt: ['reasoning'] }, [{ reasoning_content: 'x', reasoning: 'a' }], 'a', ''],
    [
      'think tags, cut anywhere',
      { reasoningAt: ['think_tags'] },
      [{ content: '<th' }, { content: 'ink>a' }, { content: 'b</thi' }, { content: 'nk>\n\nc<think>d' }],
      'ab',
      'c<think>d',
    ],
    ['no think tags', { reasoningAt: ['think_tags'] }, [{ content: '<b' }, { content: '>' }], '', '<b>'],
    ['think tags that never close', { reasoningAt: ['think_tags'] }, [{ content: '<think>a</th' }], 'a</th', ''],
  ])('reads reasoning once: %s', (_name, dialect, given, reasoning, answer) => {
    const found = events(sse(...given.map((delta) => chunk(delta)), end(), '[DONE]'), dialect);
    expect([text(found, 'reasoning-delta'), text(found)]).toEqual([reasoning, answer]);
  });

  it('reads signatures and encrypted thoughts', () => {
    const details = [
      { type: 'reasoning.text', signature: 's', format: 'anthropic-claude-v1' },
      { type: 'reasoning.encrypted', data: 'd', id: 'r', format: null },
    ];
    const found = events(sse(chunk({ reasoning: 'a' }), chunk({ reasoning_details: details }), end(), '[DONE]'));
    expect(found.filter((event) => event.type === 'reasoning-end')).toEqual([
      { type: 'reasoning-end', choice: 0, signature: 's', origin: 'anthropic-messages' },
      { type: 'reasoning-end', choice: 0, encrypted: 'd', id: 'r', origin: '' },
    ]);
  });

  it.each<[string, (Json | string)[]]>([
    ['first', [{ ...HEAD, choices: [], usage: USAGE }, say('a'), end(), '[DONE]']],
    ['in the middle, growing', [say('a', { usage: { ...USAGE, completion_tokens: 1, total_tokens: 6 } }), say('b', { usage: USAGE }), end(), '[DONE]']],
    ['with the finish', [say('a'), end('stop', { usage: USAGE }), '[DONE]']],
    ['after the finish', [say('a'), end(), { ...HEAD, choices: [], usage: USAGE }, '[DONE]']],
    ['after the terminator', [say('a'), end(), '[DONE]', { ...HEAD, choices: [], usage: USAGE }]],
    ['in x_groq', [say('a'), end('stop', { x_groq: { usage: USAGE } }), '[DONE]']],
  ])('finds usage %s', (_name, body) => {
    const found = events(sse(...body));
    expect(usageOf(found)).toMatchObject({ usage: { input: 5, output: 3 } });
    expect(found.at(-1)).toEqual({ type: 'end' });
  });

  it('says that usage cannot be believed, and honours an explicit 0', () => {
    expect(usageOf(events(sse(end('stop', { usage: { ...USAGE, prompt_tokens: -1 } }), '[DONE]')))).toEqual({
      type: 'usage',
      usage: undefined,
      raw: { ...USAGE, prompt_tokens: -1 },
    });
    expect(usageOf(events(sse(end('stop', { usage: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 } }), '[DONE]')))).toMatchObject({
      usage: NO_USAGE,
    });
    expect(usageOf(events(sse(end('stop', { usage: {} }), '[DONE]')))).toBeUndefined();
  });

  it('knows a real end', () => {
    expect(kinds(sse(say('a'), end())).at(-1)).toBe('end');
    expect(kinds(sse(say('a'), '[DONE]')).at(-1)).toBe('end');
    expect(kinds(`${sse(say('a'), end())}data: [DONE]`).at(-1)).toBe('end');
    expect(failure(sse(say('a'))).kind).toBe('interrupted');
    expect(failure(sse(say('a'), end()).replace('"index":0', '"index":1')).kind).toBe('interrupted');
    expect(failure('').kind).toBe('interrupted');
    expect(failure(sse('[DONE]'))).toMatchObject({ kind: 'invalid', code: 'upstream_invalid_response' });
    const strict = events(sse(say('a'), end()), { endsWithoutTerminator: false }).at(-1);
    expect(strict).toMatchObject({ type: 'error', failure: { kind: 'interrupted' } });
  });

  it('says when the terminator was seen', () => {
    const parser = openaiChat.createStreamParser(() => undefined, { dialect: {}, choices: 1 });
    parser.push(Buffer.from(sse(say('a'), end())));
    expect(parser.complete).toBe(false);
    parser.push(Buffer.from(sse('[DONE]')));
    expect(parser.complete).toBe(true);
  });

  it.each<[string, string, Partial<{ code: string; kind: string; message: string; status: number }>]>([
    ['an error object', sse(say('a'), { error: { message: 'boom', code: 500 } }), { kind: 'stream-error', message: 'boom', status: 500 }],
    [
      'an error event',
      `event: error\ndata: {"error":{"message":"no tool","code":"tool_use_failed","status_code":400}}\n\n`,
      { kind: 'stream-error', message: 'no tool', code: 'invalid_request' },
    ],
    ['an error event that is no JSON', 'event: error\ndata: overloaded\n\n', { kind: 'stream-error', message: 'overloaded' }],
    [
      'an error beside choices',
      sse({ ...end('error'), error: { code: 502, message: 'Provider disconnected' } }),
      { message: 'Provider disconnected', status: 502 },
    ],
    [
      'an error in the choice',
      sse({ ...HEAD, choices: [{ index: 0, delta: {}, error: { code: 429, message: 'slow down' } }] }),
      { code: 'upstream_rate_limited' },
    ],
    ['a flat error', sse({ object: 'error', message: 'bad', code: 400 }), { message: 'bad', status: 400 }],
    ['an error text', sse({ code: 'x', error: 'no' }), { message: 'no' }],
    ['FastAPI', sse({ detail: 'gone' }), { message: 'gone' }],
    ['a finish that is an error', sse(say('a'), end('insufficient_system_resource')), { code: 'upstream_overloaded', status: 503 }],
    ['an error answer in one piece', '{"error":{"message":"no credit","code":402}}', { message: 'no credit', status: 402 }],
    ['a web page', '<html><body>login</body></html>', { kind: 'invalid', code: 'upstream_invalid_response' }],
    ['broken JSON', '{"choices":[', { kind: 'invalid' }],
  ])('reports %s', (_name, body, expected) => {
    expect(failure(body)).toMatchObject(expected);
    expect(kinds(body).filter((kind) => kind === 'error' || kind === 'end')).toEqual(['error']);
  });

  it('reads one JSON answer as the stream it could have been', () => {
    const answer = {
      ...HEAD,
      object: 'chat.completion',
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: 'hi', reasoning: 't', tool_calls: [{ id: 'a', function: { name: 'f', arguments: '{}' } }] },
          finish_reason: 'stop',
        },
      ],
      usage: USAGE,
    };
    const found = events(`\n${JSON.stringify(answer, null, 1)}`, {}, 3);
    expect(found.map((event) => event.type)).toEqual([
      'start',
      'reasoning-delta',
      'reasoning-end',
      'text-delta',
      'tool-call-start',
      'tool-call-delta',
      'finish',
      'usage',
      'end',
    ]);
  });

  it('passes over what it cannot read, and counts it', () => {
    const found = events(sse(say('a'), '{"broken', '5', '', chunk({ content: [{ type: 'new_kind' }] }), say('b'), end('new_word'), '[DONE]'));
    expect(text(found)).toBe('ab');
    expect(found.flatMap((event) => (event.type === 'drift' ? [event.what] : []))).toEqual([
      'frame:unreadable',
      'frame:unreadable',
      'content_part:new_kind',
      'finish_reason:new_word',
    ]);
    expect(found).toContainEqual({ type: 'finish', choice: 0, reason: 'stop', raw: 'new_word' });
    expect(found.at(-1)).toEqual({ type: 'end' });
  });

  it('never throws, whatever comes', () => {
    const whole = Buffer.from(
      sse(
        chunk({ role: 'assistant' }),
        say('ab'),
        chunk({ tool_calls: [{ index: 0, id: 'a', function: { name: 'f', arguments: '{' } }] }),
        end('stop', { usage: USAGE }),
        '[DONE]',
      ),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 6 }), fc.integer({ min: 1, max: 50 }), (changes, size) => {
        const bytes = Buffer.from(whole);
        for (const [at, byte] of changes) bytes[at] = byte;
        const ends = events(bytes, {}, size).filter((event) => event.type === 'end' || event.type === 'error');
        expect(ends).toHaveLength(1);
      }),
      { numRuns: 500 },
    );
  });
});

describe('stream renderer', () => {
  const usual = sse(
    chunk({ role: 'assistant', content: '' }),
    say('Hel'),
    say('lo', { usage: null }),
    say('!'),
    say('?'),
    end(),
    { ...HEAD, choices: [], usage: USAGE },
    '[DONE]',
  );

  it.each([true, false])('keeps one identity and one role, native %s', (native) => {
    const chunks = rendered(usual, { native });
    for (const one of chunks) expect(one).toMatchObject({ id: 'chatcmpl-1', created: 7, model: 'public/model', object: 'chat.completion.chunk' });
    expect(
      deltas(chunks)
        .map((delta) => delta?.['role'])
        .filter(Boolean),
    ).toEqual(['assistant']);
    expect(
      deltas(chunks)
        .map((delta) => delta?.['content'] ?? '')
        .join(''),
    ).toBe('Hello!?');
    expect(chunks.every((one) => (one['choices'] as unknown[]).length === 1 && !('usage' in one))).toBe(true);
    expect(chunks.flatMap((one) => (one['choices'] as { finish_reason: string | null }[]).map((choice) => choice.finish_reason)).filter(Boolean)).toEqual([
      'stop',
    ]);
  });

  it.each([true, false])('shows usage: null until the last chunk when usage was asked for, native %s', (native) => {
    const chunks = rendered(usual, { native, includeUsage: true });
    expect(chunks.every((one) => one['usage'] === null && (one['choices'] as unknown[]).length === 1)).toBe(true);
  });

  it('ends with usage, cost and route when usage was asked for, and with [DONE]', () => {
    const summary = {
      usage: { ...NO_USAGE, input: 3, cacheRead: 2, output: 1, reasoning: 2 },
      estimated: false,
      costUsd: '0.000001234',
      costDetails: { lines: [] },
      og: { provider: 'p' },
    };
    const renderer = openaiChat.createStreamRenderer({ ...CONTEXT, includeUsage: true });
    const out = renderer.finish(summary);
    expect(out.endsWith('data: [DONE]\n\n')).toBe(true);
    expect(JSON.parse(out.slice(6, out.indexOf('\n')))).toEqual({
      id: 'chatcmpl-1',
      object: 'chat.completion.chunk',
      created: 7,
      model: 'public/model',
      choices: [],
      usage: {
        prompt_tokens: 5,
        completion_tokens: 3,
        total_tokens: 8,
        prompt_tokens_details: { cached_tokens: 2, audio_tokens: 0 },
        completion_tokens_details: { reasoning_tokens: 2, audio_tokens: 0 },
        cost: 0.000001234,
        cost_details: { lines: [] },
      },
      og: { provider: 'p' },
    });
    expect(openaiChat.createStreamRenderer(CONTEXT).finish(summary)).toBe('data: [DONE]\n\n');
  });

  it('reports a failure in the stream, without [DONE]', () => {
    const renderer = openaiChat.createStreamRenderer(CONTEXT);
    const out = renderer.fail(new GatewayError('upstream_interrupted', 'it broke'), { usage: { ...NO_USAGE, output: 1 }, estimated: true });
    expect(frames(out)).toEqual([
      {
        error: { message: 'it broke', type: 'upstream_error', param: null, code: 'upstream_interrupted', request_id: 'req_1' },
        choices: [{ index: 0, delta: {}, finish_reason: 'error' }],
        usage: expect.objectContaining({ completion_tokens: 1, estimated: true }) as unknown,
      },
    ]);
    expect(renderer.heartbeat()).toMatch(/^:.*\n\n$/);
  });

  it('keeps unknown members in the native lane', () => {
    const filters = { prompt_filter_results: [{ a: 1 }] };
    const chunks = rendered(
      sse(
        { ...HEAD, id: '', choices: [], ...filters },
        chunk({ role: 'assistant', own: 1 }, { top: 2 }),
        say('a', { top: 3 }),
        say('b', { top: 3 }),
        say('c', { top: 3 }),
        say('d', { top: 4 }),
        end(),
        '[DONE]',
      ),
    );
    expect(chunks[0]).toMatchObject({ ...filters, top: 2, choices: [{ delta: { role: 'assistant', own: 1 } }] });
    expect(chunks.slice(1, 5).map((one) => one['top'])).toEqual([3, 3, 3, 4]);
    expect(chunks.filter((one) => 'prompt_filter_results' in one)).toHaveLength(1);
  });

  it('writes a frame by its shape exactly as by hand', () => {
    const words = ['a', 'b"c', 'd\\n', '한\u2028', '</script>'];
    for (const includeUsage of [true, false]) {
      for (const more of [{}, { usage: null }, { usage: null, obfuscation: 'x' }, { system_fingerprint: 'f' }]) {
        const body = sse(
          chunk({ role: 'assistant', content: 'first' }, more),
          say('second', more),
          ...words.map((word) => say(word, more)),
          end('stop', more),
          '[DONE]',
        );
        const chunks = rendered(body, { includeUsage });
        expect(deltas(chunks).map((delta) => delta?.['content'])).toEqual(['first', 'second', ...words, undefined]);
        for (const one of chunks) {
          const { usage: _usage, ...others } = more as Json;
          expect(one).toMatchObject({ ...others, id: 'chatcmpl-1', created: 7, model: 'public/model' });
          expect('usage' in one).toBe(includeUsage);
        }
      }
    }
  });

  it('learns shapes from servers that write spaces and escapes, and when the first frame looks different', () => {
    const spaced = (value: Json) =>
      JSON.stringify(value, null, 1)
        .replace(/\n\s*/g, ' ')
        .replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
    const body = sse(
      spaced(chunk({ role: 'assistant', content: '' })),
      ...['가', '나', 'c"d', '라'].map((word) => spaced(say(word, { system_fingerprint: 'f', usage: null }))),
      spaced(end()),
      '[DONE]',
    );
    expect(items(body).filter((item) => item.shape !== undefined)).toHaveLength(3);
    for (const includeUsage of [true, false]) {
      const chunks = rendered(body, { includeUsage });
      expect(
        deltas(chunks)
          .map((delta) => delta?.['content'] ?? '')
          .join(''),
      ).toBe('가나c"d라');
      for (const one of chunks) expect('usage' in one).toBe(includeUsage);
    }
  });

  it.each<[RenderContext['reasoningField'], Json]>([
    ['reasoning_content', { reasoning_content: 't' }],
    ['reasoning', { reasoning: 't' }],
    ['both', { reasoning_content: 't', reasoning: 't' }],
  ])('shows reasoning as %s, whatever the provider calls it', (reasoningField, expected) => {
    for (const native of [true, false]) {
      for (const given of [{ reasoning: 't' }, { reasoning_content: 't' }, { content: [{ type: 'thinking', thinking: [{ type: 'text', text: 't' }] }] }]) {
        const chunks = rendered(sse(chunk({ role: 'assistant', ...given }), say('a'), end(), '[DONE]'), { native, reasoningField });
        const [first] = deltas(chunks);
        expect(first).toMatchObject({ role: 'assistant', ...expected });
        expect(
          Object.keys(first as Json)
            .filter((key) => key.startsWith('reasoning'))
            .sort(),
        ).toEqual(Object.keys(expected).sort());
      }
    }
  });

  it('shows no reasoning when none is wanted', () => {
    const body = sse(
      chunk({ role: 'assistant', reasoning: 't', reasoning_details: [{ type: 'reasoning.text', text: 't', signature: 's' }] }),
      say('a'),
      end(),
      '[DONE]',
    );
    for (const native of [true, false]) {
      const all = JSON.stringify(rendered(body, { native, reasoningField: 'none' }));
      expect(all).not.toContain('"t"');
      expect(all).not.toContain('"s"');
    }
  });

  it('gives signatures so that a client can send them back', () => {
    const renderer = openaiChat.createStreamRenderer(CONTEXT);
    const out = [
      { type: 'reasoning-delta', choice: 0, text: 'a' },
      { type: 'reasoning-delta', choice: 0, text: 'b' },
      { type: 'reasoning-end', choice: 0, signature: 's', origin: 'anthropic-messages' },
      { type: 'reasoning-end', choice: 0, encrypted: 'e', origin: 'anthropic-messages' },
      { type: 'tool-call-start', choice: 0, index: 0, id: 'c', name: 'f', signature: 'g' },
    ] satisfies ChatEvent[];
    const chunks = frames(out.map((event) => renderer.render({ events: [event] }, false)).join(''));
    const details = deltas(chunks).flatMap((delta) => (delta?.['reasoning_details'] as unknown[] | undefined) ?? []);
    const calls = deltas(chunks).flatMap((delta) => (delta?.['tool_calls'] as Json[] | undefined) ?? []);
    const back = openaiChat.parseRequest({
      model: 'm',
      messages: [{ role: 'assistant', content: null, reasoning_content: 'ab', reasoning_details: details, tool_calls: calls }],
    });
    expect(JSON.parse(JSON.stringify(back.messages[0]?.parts))).toEqual([
      { type: 'reasoning', text: 'ab', signature: 's', origin: 'anthropic-messages' },
      { type: 'reasoning', text: '', encrypted: 'e', origin: 'anthropic-messages' },
      { type: 'tool-call', id: 'c', name: 'f', arguments: '', signature: 'g' },
    ]);
  });

  it('numbers tool calls as the events do, also natively', () => {
    const calls = [
      { index: 0, id: 'a', type: 'function', function: { name: 'f', arguments: '1' } },
      { index: 0, id: 'b', type: 'function', function: { name: 'f', arguments: '2' } },
    ];
    for (const native of [true, false]) {
      const chunks = rendered(sse(...calls.map((call) => chunk({ tool_calls: [call] })), end('stop'), '[DONE]'), { native });
      expect(
        deltas(chunks)
          .flatMap((delta) => (delta?.['tool_calls'] as Json[] | undefined) ?? [])
          .map((call) => [call['index'], call['id']]),
      ).toEqual([
        [0, 'a'],
        [1, 'b'],
      ]);
      expect(chunks.at(-1)).toMatchObject({ choices: [{ finish_reason: 'tool_calls' }] });
    }
  });

  it('keeps two choices apart', () => {
    const at = (index: number, delta: Json, finish: string | null = null) => ({ ...HEAD, choices: [{ index, delta, finish_reason: finish }] });
    const body = sse(
      at(0, { content: 'a' }),
      at(1, { content: 'x' }),
      at(0, { content: 'b' }),
      at(1, {}, 'stop'),
      at(0, { content: 'c' }),
      at(0, {}, 'length'),
      at(0, { content: 'late' }),
      at(1, {}, 'stop'),
      '[DONE]',
    );
    for (const native of [true, false]) {
      const choices = rendered(body, { native }).flatMap((one) => one['choices'] as { index: number; delta: Json; finish_reason: string | null }[]);
      for (const [index, said, finish] of [
        [0, 'abc', 'length'],
        [1, 'x', 'stop'],
      ] as const) {
        const own = choices.filter((choice) => choice.index === index);
        expect(own.map((choice) => choice.delta['content'] ?? '').join('')).toBe(said);
        expect(own.map((choice) => choice.finish_reason).filter((reason) => reason !== null)).toEqual([finish]);
        expect(own[0]?.delta['role']).toBe('assistant');
      }
    }
  });
});
