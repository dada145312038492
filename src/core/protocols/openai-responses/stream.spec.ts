import fc from 'fast-check';
import type { ChatEvent, StreamItem } from '../../chat/event.js';
import { ResponseOfEvents } from '../../chat/response-of-events.js';
import { NO_USAGE } from '../../chat/usage.js';
import { GatewayError } from '../../errors/gateway-error.js';
import type { AnswerSummary, RenderContext, StreamMemory } from '../protocol.js';
import { openaiResponses } from './index.js';

type Json = Record<string, unknown>;
interface Wire {
  type: string;
  sequence_number: number;
  output_index?: number;
  item?: Json;
  response?: Json & { output: Json[]; error: Json | null };
}

const SUMMARY: AnswerSummary = { usage: { ...NO_USAGE, input: 3, cacheRead: 2, output: 4, reasoning: 1 }, estimated: false, costUsd: '0.001' };
const contextOf = (more: Partial<RenderContext> = {}): RenderContext => ({
  requestId: 'req_ab',
  responseId: 'resp_ab',
  createdS: 7,
  model: 'm',
  includeUsage: true,
  reasoningField: 'reasoning_content',
  ...more,
});
const wireOf = (text: string): Wire[] =>
  text
    .split('\n\n')
    .slice(0, -1)
    .map((frame) => {
      const [event, data] = frame.split('\n') as [string, string];
      const value = JSON.parse(data.slice('data: '.length)) as Wire;
      expect(event).toBe(`event: ${value.type}`);
      return value;
    });

function rendered(events: ChatEvent[], more: Partial<RenderContext> = {}): Wire[] {
  const renderer = openaiResponses.createStreamRenderer(contextOf(more));
  return wireOf(events.map((event) => renderer.render({ events: [event] }, false)).join('') + renderer.finish(SUMMARY));
}

const frame = (value: Json): string => `event: ${String(value['type'])}\ndata: ${JSON.stringify(value)}\n\n`;
const SAMPLE = [
  frame({ type: 'response.created', response: { id: 'r', model: 'up', created_at: 1, output: [] }, sequence_number: 0 }),
  ': a comment\n\n',
  frame({ type: 'response.output_item.added', output_index: 0, item: { id: 'rs', type: 'reasoning', summary: [] } }),
  frame({ type: 'response.reasoning_summary_part.added', output_index: 0, summary_index: 0 }),
  frame({ type: 'response.reasoning_summary_text.delta', output_index: 0, delta: '생각' }),
  frame({ type: 'response.reasoning_summary_part.added', output_index: 0, summary_index: 1 }),
  frame({ type: 'response.reasoning_summary_text.delta', output_index: 0, delta: 'more' }),
  frame({ type: 'response.output_item.done', output_index: 0, item: { id: 'rs', type: 'reasoning', summary: [], encrypted_content: 'sealed' } }),
  frame({ type: 'response.output_item.added', output_index: 1, item: { id: 'msg', type: 'message', content: [] } }),
  frame({ type: 'response.output_text.delta', output_index: 1, delta: '안녕 👋' }),
  frame({ type: 'response.novel.thing', output_index: 1 }),
  frame({ type: 'response.output_item.done', output_index: 1, item: { id: 'other', type: 'message', content: [{ type: 'output_text', text: '안녕 👋' }] } }),
  frame({ type: 'response.output_item.added', output_index: 2, item: { id: 'fc', type: 'function_call', call_id: 'c1', name: 'f', arguments: '' } }),
  frame({ type: 'response.function_call_arguments.delta', output_index: 2, delta: '{"a"' }),
  frame({ type: 'response.function_call_arguments.delta', output_index: 2, delta: ':1}' }),
  frame({ type: 'response.output_item.done', output_index: 2, item: { id: 'fc', type: 'function_call', call_id: 'c1', name: 'f', arguments: '{"a":1}' } }),
  frame({
    type: 'response.completed',
    response: {
      id: 'r',
      status: 'completed',
      output: [],
      usage: { input_tokens: 9, input_tokens_details: { cached_tokens: 4 }, output_tokens: 5, output_tokens_details: { reasoning_tokens: 2 } },
    },
  }),
].join('');

function parsed(chunks: readonly Uint8Array[]): StreamItem[] {
  const items: StreamItem[] = [];
  const parser = openaiResponses.createStreamParser((item) => items.push(item), { dialect: {}, choices: 1 });
  for (const chunk of chunks) parser.push(chunk);
  parser.end();
  return items;
}
const eventsOf = (items: readonly StreamItem[]): ChatEvent[] => items.flatMap(({ events }) => events);

describe('reading a stream', () => {
  it('reads thought, text, tool calls, usage and end', () => {
    const events = eventsOf(parsed([Buffer.from(SAMPLE)]));
    const gathered = new ResponseOfEvents();
    for (const event of events) gathered.push(event);
    const response = gathered.response();
    expect(response.choices).toEqual([
      {
        index: 0,
        finish: 'tool_calls',
        rawFinish: 'completed',
        stopSequence: undefined,
        parts: [
          { type: 'reasoning', text: '생각\n\nmore', encrypted: 'sealed', id: 'rs', origin: 'openai-responses' },
          { type: 'text', text: '안녕 👋' },
          { type: 'tool-call', id: 'c1', name: 'f', arguments: '{"a":1}' },
        ],
      },
    ]);
    expect(response.usage).toEqual({ ...NO_USAGE, input: 5, cacheRead: 4, output: 3, reasoning: 2 });
    expect(response.drift).toEqual(['event:response.novel.thing']);
    expect(events.at(-1)).toEqual({ type: 'end' });
  });

  it('gives the same events wherever it is cut', () => {
    const bytes = Buffer.from(SAMPLE);
    const whole = JSON.stringify(parsed([bytes]));
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 40 }), (cuts) => {
        const at = [0, ...cuts.sort((a, b) => a - b), bytes.length];
        expect(JSON.stringify(parsed(at.slice(1).map((end, index) => bytes.subarray(at[index], end))))).toBe(whole);
      }),
      { numRuns: 200 },
    );
  });

  it('reads the items of the whole response where no event of their own told them', () => {
    const output = [
      { type: 'message', content: [{ type: 'output_text', text: 'late' }] },
      { type: 'function_call', call_id: 'c', name: 'f', arguments: '{}' },
    ];
    const events = eventsOf(parsed([Buffer.from(frame({ type: 'response.completed', response: { status: 'completed', output } }))]));
    expect(events.map(({ type }) => type)).toEqual(['text-delta', 'tool-call-start', 'tool-call-delta', 'finish', 'end']);
  });

  it.each([
    [{ status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } }, 'length'],
    [{ status: 'incomplete', incomplete_details: { reason: 'content_filter' } }, 'content_filter'],
    [{ status: 'incomplete' }, 'length'],
  ])('%j ends with %s', (response, reason) => {
    const events = eventsOf(parsed([Buffer.from(frame({ type: 'response.incomplete', response }))]));
    expect(events.find(({ type }) => type === 'finish')).toMatchObject({ reason });
  });

  it.each([
    [frame({ type: 'response.failed', response: { status: 'failed', error: { code: 'rate_limit_exceeded', message: 'slow' } } }), 'upstream_rate_limited'],
    [frame({ type: 'error', code: 'server_error', message: 'broken', param: null }), 'upstream_error'],
    [SAMPLE.slice(0, SAMPLE.indexOf('event: response.completed')), 'upstream_interrupted'],
  ])('a failure or a cut is an error (%#)', (text, code) => {
    const last = eventsOf(parsed([Buffer.from(text)])).at(-1);
    expect(last).toMatchObject({ type: 'error', failure: { code } });
  });
});

describe('writing a stream', () => {
  it('begins, tells each item once, and ends with usage and cost', () => {
    const wire = rendered([
      { type: 'start' },
      { type: 'reasoning-delta', choice: 0, text: 'hm' },
      { type: 'reasoning-end', choice: 0, origin: 'openai-responses', encrypted: 'sealed' },
      { type: 'text-delta', choice: 0, text: 'a' },
      { type: 'text-delta', choice: 0, text: 'b' },
      { type: 'tool-call-start', choice: 0, index: 0, id: 'c0', name: 'f' },
      { type: 'tool-call-start', choice: 0, index: 1, id: 'c1', name: 'f' },
      { type: 'tool-call-delta', choice: 0, index: 1, argumentsText: '1' },
      { type: 'tool-call-delta', choice: 0, index: 0, argumentsText: '0' },
      { type: 'finish', choice: 0, reason: 'tool_calls', raw: 'x' },
      { type: 'end' },
    ]);
    expect(wire.map(({ sequence_number: number }) => number)).toEqual(wire.map((_event, at) => at));
    expect(wire.slice(0, 2).map(({ type }) => type)).toEqual(['response.created', 'response.in_progress']);
    const last = wire.at(-1) as Wire;
    expect(last.type).toBe('response.completed');
    expect(last.response?.output).toEqual([
      { id: 'rs_ogabx0', type: 'reasoning', summary: [{ type: 'summary_text', text: 'hm' }], encrypted_content: 'sealed' },
      expect.objectContaining({ type: 'message', content: [expect.objectContaining({ type: 'output_text', text: 'ab' })] }),
      expect.objectContaining({ type: 'function_call', call_id: 'c0', arguments: '0' }),
      expect.objectContaining({ type: 'function_call', call_id: 'c1', arguments: '1' }),
    ]);
    expect(wire.filter(({ type }) => type === 'response.output_item.done').map(({ item }) => item)).toEqual(last.response?.output);
    expect(last.response?.['usage']).toMatchObject({
      input_tokens: 5,
      input_tokens_details: { cached_tokens: 2 },
      output_tokens: 5,
      output_tokens_details: { reasoning_tokens: 1 },
      total_tokens: 10,
      cost: 0.001,
    });
  });

  it.each<[ChatEvent, string, Json]>([
    [{ type: 'finish', choice: 0, reason: 'length', raw: 'length' }, 'response.incomplete', { incomplete_details: { reason: 'max_output_tokens' } }],
    [{ type: 'finish', choice: 0, reason: 'content_filter', raw: 'x' }, 'response.incomplete', { incomplete_details: { reason: 'content_filter' } }],
    [{ type: 'finish', choice: 0, reason: 'error', raw: 'x' }, 'response.failed', { error: { code: 'server_error', message: expect.any(String) } }],
  ])('says %j in its own words', (finish, type, members) => {
    const last = rendered([{ type: 'text-delta', choice: 0, text: 'a' }, finish]).at(-1);
    expect(last?.type).toBe(type);
    expect(last?.response).toMatchObject(members);
  });

  it("gives a client's custom tool its plain text, however the arguments were cut", () => {
    const events: ChatEvent[] = [{ type: 'tool-call-start', choice: 0, index: 0, id: 'c', name: 'patch' }];
    for (const argumentsText of ['{"inp', 'ut":"*** Begin', '\\n"}']) events.push({ type: 'tool-call-delta', choice: 0, index: 0, argumentsText });
    const wire = rendered(events, { echo: { tools: [{ type: 'custom', name: 'patch' }] } });
    expect(wire.at(-1)?.response?.output).toEqual([expect.objectContaining({ type: 'custom_tool_call', call_id: 'c', name: 'patch', input: '*** Begin\n' })]);
    expect(wire.map(({ type }) => type)).toContain('response.custom_tool_call_input.delta');
  });

  it.each<[GatewayError, Json]>([
    [new GatewayError('context_length_exceeded', 'too long'), { code: 'context_length_exceeded', message: 'too long' }],
    [new GatewayError('insufficient_credits', 'poor'), { code: 'insufficient_quota', message: 'poor' }],
    [new GatewayError('upstream_rate_limited', 'slow.', { retryAfterMs: 1_234 }), { code: 'rate_limit_exceeded', message: 'slow. Please try again in 1.23s.' }],
    [new GatewayError('upstream_interrupted', 'cut'), { code: 'server_error', message: 'cut' }],
  ])('fails with what Codex acts on (%#)', (error, expected) => {
    const renderer = openaiResponses.createStreamRenderer(contextOf());
    const wire = wireOf(renderer.fail(error, SUMMARY));
    expect(wire.map(({ type }) => type)).toEqual(['response.created', 'response.in_progress', 'response.failed']);
    expect(wire.at(-1)?.response).toMatchObject({ status: 'failed', error: expected, usage: { total_tokens: 10 } });
  });

  it('beats with a parsed event, and goes on where it was when another deployment answers', () => {
    const memory: StreamMemory = { sequence: 0, started: false };
    const first = openaiResponses.createStreamRenderer(contextOf({ memory }));
    const before = first.heartbeat() + first.heartbeat();
    const second = openaiResponses.createStreamRenderer(contextOf({ memory, model: 'other' }));
    const native: StreamItem = { events: [{ type: 'start' }], raw: { type: 'response.created', response: { id: 'up' } } };
    const after = second.render(native, true) + second.render({ events: [{ type: 'text-delta', choice: 0, text: 'a' }] }, false) + second.finish(SUMMARY);
    const wire = wireOf(before + after);
    expect(wire.map(({ sequence_number: number }) => number)).toEqual(wire.map((_event, at) => at));
    expect(wire.filter(({ type }) => type === 'response.created')).toHaveLength(1);
    expect(wire[2]?.type).toBe('response.in_progress');
    expect(memory.answer).toMatchObject({ status: 'completed', model: 'other' });
  });
});
