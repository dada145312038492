import fc from 'fast-check';
import type { ChatEvent, StreamItem } from '../../chat/event.js';
import { NO_USAGE, type Usage } from '../../chat/usage.js';
import { GatewayError } from '../../errors/gateway-error.js';
import type { AnswerSummary, RenderContext } from '../protocol.js';
import { SseDecoder } from '../sse/index.js';
import { AnthropicStreamParser } from './parse-stream.js';
import { AnthropicStreamRenderer } from './render-stream.js';

const CONTEXT: RenderContext = {
  requestId: 'req_1',
  responseId: 'msg_ours',
  createdS: 1,
  model: 'public/model',
  includeUsage: true,
  reasoningField: 'reasoning_content',
};
const usage: Usage = { ...NO_USAGE, input: 10, cacheRead: 4, cacheWrite: 3, cacheWrite1h: 2, output: 5, reasoning: 6 };
const SUMMARY: AnswerSummary = { usage, estimated: false, costUsd: '0.000123', og: { provider: 'p' } };

type Frame = Record<string, unknown> & { type: string };
function framesOf(sse: string): Frame[] {
  const frames: Frame[] = [];
  const decoder = new SseDecoder((frame) => {
    const data = JSON.parse(frame.data) as Frame;
    expect(frame.event).toBe(data.type);
    frames.push(data);
  });
  decoder.push(Buffer.from(sse));
  decoder.end();
  return frames;
}

function parse(sse: string): StreamItem[] {
  const items: StreamItem[] = [];
  const parser = new AnthropicStreamParser((item) => items.push(item), { dialect: {}, choices: 1 });
  parser.push(Buffer.from(sse));
  parser.end();
  return items;
}

function render(events: readonly ChatEvent[], summary = SUMMARY): string {
  const renderer = new AnthropicStreamRenderer(CONTEXT);
  return events.map((event) => renderer.render({ events: [event] }, false)).join('') + renderer.finish(summary);
}
const text = (value: string): ChatEvent => ({ type: 'text-delta', choice: 0, text: value });
const finish = (reason: 'stop' | 'tool_calls' | 'error' = 'stop'): ChatEvent => ({ type: 'finish', choice: 0, reason, raw: null });

/** What Anthropic's own stream never breaks: contiguous indexes, every block opened once with its field and closed once, deltas only into open blocks. */
function checkShape(frames: readonly Frame[]): void {
  expect(frames[0]?.type).toBe('message_start');
  expect(frames.slice(-2).map((frame) => frame.type)).toEqual(['message_delta', 'message_stop']);
  const open = new Set<number>();
  let next = 0;
  for (const frame of frames) {
    const index = Number(frame['index']);
    if (frame.type === 'content_block_start') {
      expect(index).toBe(next);
      next += 1;
      open.add(index);
      const block = frame['content_block'] as Frame;
      if (block.type === 'text') expect(block['text']).toBe('');
      if (block.type === 'thinking') expect([block['thinking'], block['signature']]).toEqual(['', '']);
      if (block.type === 'tool_use') expect(block['input']).toEqual({});
    } else if (frame.type === 'content_block_delta') expect(open.has(index)).toBe(true);
    else if (frame.type === 'content_block_stop') expect(open.delete(index)).toBe(true);
  }
  expect(open.size).toBe(0);
}

describe('AnthropicStreamRenderer', () => {
  it('writes a stream of another provider as Anthropic writes its own', () => {
    const frames = framesOf(
      render([
        { type: 'start', upstreamId: 'chatcmpl-1' },
        { type: 'reasoning-delta', choice: 0, text: 'hm' },
        text('Hel'),
        text('lo'),
        { type: 'tool-call-start', choice: 0, index: 0, id: 'a', name: 'f' },
        { type: 'tool-call-delta', choice: 0, index: 0, argumentsText: '{"x":1}' },
        finish('tool_calls'),
        { type: 'end' },
      ]),
    );
    checkShape(frames);
    expect(frames).toEqual([
      {
        type: 'message_start',
        message: {
          id: 'msg_ours',
          type: 'message',
          role: 'assistant',
          model: 'public/model',
          content: [],
          stop_reason: null,
          stop_sequence: null,
          usage: {
            input_tokens: 0,
            cache_creation_input_tokens: 0,
            cache_read_input_tokens: 0,
            cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 },
            output_tokens: 0,
          },
        },
      },
      { type: 'content_block_start', index: 0, content_block: { type: 'thinking', thinking: '', signature: '' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: 'hm' } },
      { type: 'content_block_stop', index: 0 },
      { type: 'content_block_start', index: 1, content_block: { type: 'text', text: '' } },
      { type: 'content_block_delta', index: 1, delta: { type: 'text_delta', text: 'Hel' } },
      { type: 'content_block_delta', index: 1, delta: { type: 'text_delta', text: 'lo' } },
      { type: 'content_block_stop', index: 1 },
      { type: 'content_block_start', index: 2, content_block: { type: 'tool_use', id: 'a', name: 'f', input: {} } },
      { type: 'content_block_delta', index: 2, delta: { type: 'input_json_delta', partial_json: '{"x":1}' } },
      { type: 'content_block_stop', index: 2 },
      {
        type: 'message_delta',
        delta: { stop_reason: 'tool_use', stop_sequence: null },
        usage: {
          input_tokens: 10,
          cache_creation_input_tokens: 5,
          cache_read_input_tokens: 4,
          cache_creation: { ephemeral_5m_input_tokens: 3, ephemeral_1h_input_tokens: 2 },
          output_tokens: 11,
          output_tokens_details: { thinking_tokens: 6 },
          cost: 0.000123,
        },
        og: { provider: 'p' },
      },
      { type: 'message_stop' },
    ]);
  });

  it('keeps interleaved tool calls apart', () => {
    const frames = framesOf(
      render([
        { type: 'tool-call-start', choice: 0, index: 0, id: 'a', name: 'f' },
        { type: 'tool-call-delta', choice: 0, index: 0, argumentsText: '{"x":' },
        { type: 'tool-call-start', choice: 0, index: 1, id: 'b', name: 'g' },
        { type: 'tool-call-delta', choice: 0, index: 1, argumentsText: '{"y":2}' },
        { type: 'tool-call-delta', choice: 0, index: 0, argumentsText: '1}' },
        finish('tool_calls'),
      ]),
    );
    checkShape(frames);
    const json = (index: number) =>
      frames
        .filter((frame) => frame.type === 'content_block_delta' && frame['index'] === index)
        .map((frame) => (frame['delta'] as { partial_json: string }).partial_json)
        .join('');
    expect([json(0), json(1)]).toEqual(['{"x":1}', '{"y":2}']);
  });

  it('marks a signature of another protocol, so that it finds its way back', () => {
    const frames = framesOf(
      render([
        { type: 'reasoning-delta', choice: 0, text: 'hm' },
        { type: 'reasoning-end', choice: 0, origin: 'openai-chat', signature: 's', encrypted: 'e' },
        finish(),
      ]),
    );
    expect(JSON.stringify(frames)).toContain('"signature":"og-sig.openai-chat.s"');
    expect(JSON.stringify(frames)).toContain('"data":"og-sig.openai-chat.e"');
  });

  it('answers an empty stream, other choices left out', () => {
    const frames = framesOf(render([{ type: 'text-delta', choice: 1, text: 'x' }, finish()]));
    expect(frames.map((frame) => frame.type)).toEqual(['message_start', 'message_delta', 'message_stop']);
  });

  it('tells an answer that the provider broke off as an error', () => {
    const frames = framesOf(render([text('x'), { type: 'finish', choice: 0, reason: 'error', raw: 'malformed' }]));
    expect(frames.at(-1)).toEqual({
      type: 'error',
      error: { type: 'api_error', message: 'The provider broke the answer off (malformed).' },
      request_id: 'req_1',
    });
    expect(frames.some((frame) => frame.type === 'message_stop')).toBe(false);
  });

  it('fails with Anthropic’s envelope and keeps alive with ping', () => {
    const renderer = new AnthropicStreamRenderer(CONTEXT);
    expect(renderer.heartbeat()).toBe('event: ping\ndata: {"type":"ping"}\n\n');
    expect(renderer.fail(new GatewayError('upstream_overloaded', 'Overloaded'))).toBe(
      'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_1"}\n\n',
    );
    expect(framesOf(renderer.fail(new GatewayError('upstream_interrupted', 'cut'), SUMMARY))[0]).toMatchObject({
      type: 'error',
      usage: { output_tokens: 11, cost: 0.000123 },
    });
  });
});

describe('the native lane', () => {
  const upstream = [
    { type: 'message_start', message: { id: 'msg_up', model: 'claude-up', usage: { input_tokens: 3, output_tokens: 1, novelty: 7 }, stop_details: null } },
    { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '', novelty: true } },
    { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'hi' } },
    { type: 'novelty', deep: { a: 1 } },
    { type: 'content_block_stop', index: 0 },
    { type: 'message_delta', delta: { stop_reason: 'end_turn', stop_details: { a: 1 } }, usage: { output_tokens: 2 }, context_management: {} },
    { type: 'message_stop' },
  ];
  const sse = upstream.map((frame) => `event: ${frame.type}\ndata: ${JSON.stringify(frame)}\n\n`).join('');

  it('passes every frame on, with only id, model and the price changed', () => {
    const renderer = new AnthropicStreamRenderer(CONTEXT);
    const before = parse(sse)
      .map((item) => renderer.render(item, true))
      .join('');
    expect(before).not.toContain('message_stop');
    expect(framesOf(before + renderer.finish(SUMMARY))).toEqual([
      { ...upstream[0], message: { ...upstream[0]?.message, id: 'msg_ours', model: 'public/model' } },
      ...upstream.slice(1, 5),
      { ...upstream[5], usage: { output_tokens: 2, cost: 0.000123 }, og: { provider: 'p' } },
      upstream[6],
    ]);
  });

  it('fits changed frames between untouched ones', () => {
    const renderer = new AnthropicStreamRenderer(CONTEXT);
    const items = parse(sse);
    const changed: StreamItem = { events: [text('[redacted]')] };
    const out = [items[0], items[1]].map((item) => renderer.render(item as StreamItem, true)).join('') + renderer.render(changed, false);
    const tool: StreamItem = { events: [{ type: 'tool-call-start', choice: 0, index: 0, id: 'a', name: 'f' }] };
    checkShape(framesOf(out + renderer.render(tool, false) + renderer.render({ events: [finish()] }, false) + renderer.finish(SUMMARY)));
  });

  it('sends what follows a changed start to the block that took its place', () => {
    const call = (index: number) => [
      { type: 'content_block_start', index, content_block: { type: 'tool_use', id: 'same', name: 'f', input: {} } },
      { type: 'content_block_delta', index, delta: { type: 'input_json_delta', partial_json: '{}' } },
      { type: 'content_block_stop', index },
    ];
    const frames = [upstream[0], ...call(0), ...call(1), { type: 'message_delta', delta: { stop_reason: 'tool_use' }, usage: {} }, upstream[6]];
    const items = parse(frames.map((frame) => `event: ${frame?.type}\ndata: ${JSON.stringify(frame)}\n\n`).join(''));
    const renderer = new AnthropicStreamRenderer(CONTEXT);
    const insert = renderer.render(items[0] as StreamItem, true) + renderer.render({ events: [text('inserted')] }, false);
    const out = items.slice(1).map((item) => {
      const second = item.raw?.['type'] === 'content_block_start' && item.raw['index'] === 1;
      if (!second) return renderer.render(item, true);
      return renderer.render({ ...item, events: item.events.map((event) => (event.type === 'tool-call-start' ? { ...event, id: 'other' } : event)) }, false);
    });
    const sent = framesOf(insert + out.join('') + renderer.finish(SUMMARY));
    checkShape(sent);
    const starts = sent.filter((frame) => frame.type === 'content_block_start').map((frame) => [frame['index'], (frame['content_block'] as Frame)['id']]);
    expect(starts).toEqual([
      [0, undefined],
      [1, 'same'],
      [2, 'other'],
    ]);
    expect(sent.filter((frame) => frame.type === 'content_block_delta').map((frame) => frame['index'])).toEqual([0, 1, 2]);
  });

  it('closes nothing twice when the upstream fails', () => {
    const renderer = new AnthropicStreamRenderer(CONTEXT);
    const broken = parse(
      `${sse.slice(0, sse.indexOf('event: novelty'))}event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n`,
    );
    const out = broken.map((item) => renderer.render(item, true)).join('') + renderer.fail(new GatewayError('upstream_overloaded', 'Overloaded'));
    expect(framesOf(out).map((frame) => frame.type)).toEqual(['message_start', 'content_block_start', 'content_block_delta', 'error']);
  });
});

/** Events that one block each stands for, so that a rendered stream reads back as the very same events. */
const word = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 6 });
const thinking = fc.tuple(word, fc.option(word, { nil: undefined })).map(([hm, signature]): ChatEvent[] => [
  { type: 'reasoning-delta', choice: 0, text: hm },
  { type: 'reasoning-end', choice: 0, origin: 'anthropic-messages', ...(signature === undefined ? {} : { signature }) },
]);
const toolCall = fc.tuple(fc.jsonValue(), fc.nat(8)).map(([value, cut]) => ({ json: JSON.stringify({ value }), cut }));
const piece = fc.oneof(
  word.map((value): ChatEvent[] => [text(value)]),
  thinking,
  word.map((data): ChatEvent[] => [{ type: 'reasoning-end', choice: 0, origin: 'anthropic-messages', encrypted: data }]),
  fc
    .jsonValue()
    .map((content): ChatEvent[] => [
      { type: 'opaque', choice: 0, protocol: 'anthropic-messages', value: { type: 'web_search_tool_result', tool_use_id: 's', content } },
    ]),
);

describe('render ∘ parse', () => {
  it('gives any stream back', () => {
    const stream = fc.tuple(fc.array(piece, { maxLength: 8 }), fc.array(toolCall, { maxLength: 4 }));
    fc.assert(
      fc.property(stream, ([pieces, calls]) => {
        const events: ChatEvent[] = pieces.flat();
        calls.forEach(({ json, cut }, index) => {
          events.push({ type: 'tool-call-start', choice: 0, index, id: `t${index}`, name: 'f' });
          for (const argumentsText of [json.slice(0, cut), json.slice(cut)])
            if (argumentsText !== '') events.push({ type: 'tool-call-delta', choice: 0, index, argumentsText });
        });
        events.push({ type: 'finish', choice: 0, reason: calls.length > 0 ? 'tool_calls' : 'stop', raw: calls.length > 0 ? 'tool_use' : 'end_turn' });
        const sse = render(events);
        checkShape(framesOf(sse));
        const again = parse(sse).flatMap((item) => item.events);
        expect(again.filter((event) => event.type !== 'start' && event.type !== 'usage' && event.type !== 'end')).toEqual(JSON.parse(JSON.stringify(events)));
        expect(again.findLast((event) => event.type === 'usage')).toMatchObject({ usage });
      }),
      { numRuns: 150 },
    );
  });
});
