import fc from 'fast-check';
import type { ChatEvent, StreamItem } from '../../chat/event.js';
import type { ResponseDialect } from '../dialect.js';
import { AnthropicStreamParser } from './parse-stream.js';

const frame = (data: Record<string, unknown>) => `event: ${String(data['type'])}\ndata: ${JSON.stringify(data)}\n\n`;
const start = (usage: Record<string, unknown> = { input_tokens: 25, output_tokens: 1 }) =>
  frame({ type: 'message_start', message: { id: 'msg_1', model: 'claude', usage } });
const block = (index: number, content_block: Record<string, unknown>, ...deltas: Record<string, unknown>[]) =>
  [
    frame({ type: 'content_block_start', index, content_block }),
    ...deltas.map((delta) => frame({ type: 'content_block_delta', index, delta })),
    frame({ type: 'content_block_stop', index }),
  ].join('');
const close = (stop_reason: string, usage: Record<string, unknown> = { output_tokens: 9 }) =>
  frame({ type: 'message_delta', delta: { stop_reason, stop_sequence: null }, usage }) + frame({ type: 'message_stop' });

const FULL =
  start({ input_tokens: 25, cache_read_input_tokens: 4, output_tokens: 1, service_tier: 'standard' }) +
  frame({ type: 'ping' }) +
  block(
    0,
    { type: 'thinking', thinking: '', signature: '' },
    { type: 'thinking_delta', thinking: '생각' },
    { type: 'signature_delta', signature: 'si' },
    { type: 'signature_delta', signature: 'g' },
  ) +
  block(1, { type: 'redacted_thinking', data: 'enc' }) +
  block(
    2,
    { type: 'text', text: '' },
    { type: 'text_delta', text: 'Hello 👋🏽 ' },
    { type: 'text_delta', text: '世界' },
    { type: 'citations_delta', citation: { type: 'char_location' } },
  ) +
  block(
    3,
    { type: 'server_tool_use', id: 'srv', name: 'web_search', input: {} },
    { type: 'input_json_delta', partial_json: '{"q":' },
    { type: 'input_json_delta', partial_json: '"x"}' },
  ) +
  block(
    4,
    { type: 'tool_use', id: 'a', name: 'f', input: {} },
    { type: 'input_json_delta', partial_json: '' },
    { type: 'input_json_delta', partial_json: '{"x":' },
    { type: 'input_json_delta', partial_json: '1}' },
  ) +
  block(5, { type: 'tool_use', id: 'b', name: 'g', input: {} }) +
  close('tool_use', { output_tokens: 40, input_tokens: 30, output_tokens_details: { thinking_tokens: 12 } });

function itemsOf(sse: string | Uint8Array, cuts: readonly number[] = [], dialect: ResponseDialect = {}): StreamItem[] {
  const items: StreamItem[] = [];
  const bytes = typeof sse === 'string' ? Buffer.from(sse) : sse;
  const parser = new AnthropicStreamParser((item) => items.push(item), { dialect, choices: 1 });
  let from = 0;
  for (const to of [...cuts].sort((a, b) => a - b)) {
    parser.push(bytes.subarray(from, to));
    from = Math.max(from, to);
  }
  parser.push(bytes.subarray(from));
  parser.end();
  parser.end();
  return items;
}
const eventsOf = (sse: string, dialect: ResponseDialect = {}): ChatEvent[] => itemsOf(sse, [], dialect).flatMap((item) => item.events);
const NONE = { input: 0, cacheRead: 0, cacheWrite: 0, cacheWrite1h: 0, output: 0, reasoning: 0, audioIn: 0, audioOut: 0, image: 0 };

describe('AnthropicStreamParser', () => {
  it('reads every kind of block', () => {
    const events = eventsOf(FULL);
    expect(events.filter((event) => event.type !== 'usage')).toEqual([
      { type: 'start', upstreamId: 'msg_1', upstreamModel: 'claude', serviceTier: 'standard' },
      { type: 'ping' },
      { type: 'reasoning-delta', choice: 0, text: '생각' },
      { type: 'reasoning-end', choice: 0, origin: 'anthropic-messages', signature: 'sig' },
      { type: 'reasoning-end', choice: 0, origin: 'anthropic-messages', encrypted: 'enc' },
      { type: 'text-delta', choice: 0, text: 'Hello 👋🏽 ' },
      { type: 'text-delta', choice: 0, text: '世界' },
      { type: 'annotations', choice: 0, value: [{ type: 'char_location' }] },
      { type: 'opaque', choice: 0, protocol: 'anthropic-messages', value: { type: 'server_tool_use', id: 'srv', name: 'web_search', input: { q: 'x' } } },
      { type: 'tool-call-start', choice: 0, index: 0, id: 'a', name: 'f' },
      { type: 'tool-call-delta', choice: 0, index: 0, argumentsText: '{"x":' },
      { type: 'tool-call-delta', choice: 0, index: 0, argumentsText: '1}' },
      { type: 'tool-call-start', choice: 0, index: 1, id: 'b', name: 'g' },
      { type: 'tool-call-delta', choice: 0, index: 1, argumentsText: '{}' },
      { type: 'finish', choice: 0, reason: 'tool_calls', raw: 'tool_use' },
      { type: 'end' },
    ]);
    const usages = events.filter((event) => event.type === 'usage').map((event) => event.usage);
    expect(usages).toEqual([
      { ...NONE, input: 25, cacheRead: 4, output: 1 },
      { ...NONE, input: 30, cacheRead: 4, output: 28, reasoning: 12 },
    ]);
  });

  it('keeps the raw frame and its event name beside the events', () => {
    const [first] = itemsOf(FULL);
    expect(first).toMatchObject({ rawEvent: 'message_start', raw: { type: 'message_start', message: { id: 'msg_1' } } });
  });

  it('gives the same items wherever the bytes are cut', () => {
    // Whether a frame was read by its text alone depends on where it stood.
    const told = (cuts: number[]) => JSON.stringify(itemsOf(FULL, cuts).map(({ events, raw, rawText, rawEvent }) => ({ events, raw, rawText, rawEvent })));
    const whole = told([]);
    const length = Buffer.byteLength(FULL);
    const different = Array.from({ length: length + 1 }, (_, at) => at).filter((at) => told([at]) !== whole);
    expect(different).toEqual([]);
    fc.assert(
      fc.property(fc.array(fc.nat(length), { maxLength: 40 }), (cuts) => told(cuts) === whole),
      { numRuns: 60 },
    );
  });

  it('never ends properly when the stream is cut, wherever that is', () => {
    const bytes = Buffer.from(FULL);
    const last = bytes.lastIndexOf('event: message_stop');
    const accepted = Array.from({ length: last }, (_, at) => at).filter((at) => {
      const events = itemsOf(bytes.subarray(0, at)).flatMap((item) => item.events);
      const final = events.at(-1);
      return final?.type !== 'error' || final.failure.code !== 'upstream_interrupted' || events.some((event) => event.type === 'end');
    });
    expect(accepted).toEqual([]);
  });

  it('calls a stream without message_stop interrupted, unless the dialect says that is how this provider ends', () => {
    const cut = FULL.slice(0, FULL.lastIndexOf('event: message_stop'));
    expect(eventsOf(cut).at(-1)).toMatchObject({ type: 'error', failure: { kind: 'interrupted', code: 'upstream_interrupted' } });
    expect(eventsOf(cut, { endsWithoutTerminator: true }).at(-1)).toEqual({ type: 'end' });
    expect(eventsOf(start(), { endsWithoutTerminator: true }).at(-1)).toMatchObject({ type: 'error' });
  });

  it.each<[string, Record<string, unknown>, string, boolean]>([
    ['overload', { type: 'overloaded_error', message: 'Overloaded' }, 'upstream_overloaded', true],
    ['rate limit', { type: 'rate_limit_error', message: 'slow' }, 'upstream_rate_limited', true],
    ['an api error', { type: 'api_error', message: 'Internal server error' }, 'upstream_error', true],
    ['a refused request', { type: 'invalid_request_error', message: 'messages: bad' }, 'invalid_request', false],
    ['throttling in other words', { type: 'invalid_request_error', message: '{"message":"Too many requests, wait."}' }, 'upstream_rate_limited', true],
  ])('turns an error event into its failure: %s', (_name, error, code, tryElsewhere) => {
    const events = eventsOf(start() + frame({ type: 'error', error }) + block(0, { type: 'text', text: 'late' }) + frame({ type: 'message_stop' }));
    expect(events.at(-1)).toMatchObject({ type: 'error', failure: { kind: 'stream-error', code, tryElsewhere } });
    expect(events.some((event) => event.type === 'text-delta')).toBe(false);
  });

  it.each([
    ['text that is not JSON', 'data: {"type":\n\n', 'upstream_invalid_response'],
    ['JSON that is no object', 'data: 5\n\n', 'upstream_invalid_response'],
    ['a bare error object', 'data: {"error":{"message":"no","type":"api_error"}}\n\n', 'upstream_error'],
  ])('fails on %s', (_name, sse, code) => {
    expect(eventsOf(start() + sse).at(-1)).toMatchObject({ type: 'error', failure: { code } });
  });

  it('counts what it does not know and reads on', () => {
    const odd =
      frame({ type: 'novelty' }) +
      block(0, { type: 'hologram' }, { type: 'glow_delta' }) +
      frame({ type: 'content_block_delta', index: 9, delta: { type: 'text_delta', text: 'x' } }) +
      'data: [DONE]\n\n';
    const events = eventsOf(start() + odd + close('bored'));
    expect(events.filter((event) => event.type === 'drift')).toEqual(
      ['event:novelty', 'block:hologram', 'delta:glow_delta', 'delta-without-block', 'done-sentinel', 'stop_reason:bored'].map((what) => ({
        type: 'drift',
        what,
      })),
    );
    expect(events.at(-1)).toEqual({ type: 'end' });
  });

  it('reads sloppy servers: input in the start event, blocks never closed, no stop reason, no event names', () => {
    const sse =
      `${start()}${frame({ type: 'content_block_start', index: 0, content_block: { type: 'tool_use', id: 'a', name: 'f', input: { x: 1 } } })}${frame({ type: 'message_stop' })}`.replace(
        /event: .*\n/g,
        '',
      );
    expect(eventsOf(sse).slice(2)).toEqual([
      { type: 'tool-call-start', choice: 0, index: 0, id: 'a', name: 'f' },
      { type: 'tool-call-delta', choice: 0, index: 0, argumentsText: '{"x":1}' },
      { type: 'drift', what: 'stop_reason:missing' },
      { type: 'finish', choice: 0, reason: 'tool_calls', raw: null },
      { type: 'end' },
    ]);
  });

  it('gives the emulated structured output back as text that stops', () => {
    const sse =
      start() +
      block(
        0,
        { type: 'tool_use', id: 'a', name: 'og_json_response', input: {} },
        { type: 'input_json_delta', partial_json: '{"a":' },
        { type: 'input_json_delta', partial_json: '1}' },
      ) +
      close('tool_use');
    expect(
      eventsOf(sse)
        .filter((event) => event.type !== 'usage')
        .slice(1),
    ).toEqual([
      { type: 'text-delta', choice: 0, text: '{"a":' },
      { type: 'text-delta', choice: 0, text: '1}' },
      { type: 'finish', choice: 0, reason: 'stop', raw: 'tool_use' },
      { type: 'end' },
    ]);
  });

  it('says when usage cannot be believed', () => {
    expect(
      eventsOf(start() + close('end_turn', { output_tokens: -5 }))
        .filter((event) => event.type === 'usage')
        .at(-1),
    ).toEqual({ type: 'usage', raw: { input_tokens: 25, output_tokens: -5 } });
  });

  it('survives any bytes', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            fc.uint8Array({ maxLength: 20 }),
            fc
              .constantFrom('data: ', '\n\n', '{"type":"content_block_start"}', '{"type":"message_stop"}', '{"type":"message_delta","usage":[]}')
              .map((text) => Buffer.from(text)),
          ),
          { maxLength: 20 },
        ),
        (pieces) => {
          const events = itemsOf(Buffer.concat(pieces)).flatMap((item) => item.events);
          expect(['end', 'error']).toContain(events.at(-1)?.type);
          expect(events.filter((event) => event.type === 'end' || event.type === 'error')).toHaveLength(1);
        },
      ),
      { numRuns: 200 },
    );
  });
});
