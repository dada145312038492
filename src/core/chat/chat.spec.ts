import fc from 'fast-check';
import { estimateTokens } from './estimate-tokens.js';
import type { ChatEvent, StreamItem } from './event.js';
import { eventsOfResponse } from './events-of-response.js';
import { normaliseResponse, StreamNormaliser } from './normalise-stream.js';
import { requestNeeds } from './request-needs.js';
import type { ChatRequest } from './request.js';
import { ResponseOfEvents } from './response-of-events.js';

const START: ChatEvent = { type: 'start' };
const END: ChatEvent = { type: 'end' };
const say = (text: string, choice = 0): ChatEvent => ({ type: 'text-delta', choice, text });
const call = (index: number, id: string, choice = 0): ChatEvent => ({ type: 'tool-call-start', choice, index, id, name: 'f' });
const args = (index: number, argumentsText = '1'): ChatEvent => ({ type: 'tool-call-delta', choice: 0, index, argumentsText });
const finish = (reason: 'stop' | 'length' | 'tool_calls' = 'stop', choice = 0): ChatEvent => ({ type: 'finish', choice, reason, raw: reason });

function normalised(...events: ChatEvent[]): { events: ChatEvent[]; native: boolean[] } {
  const normaliser = new StreamNormaliser('req_ab-1');
  const out = events.map((event) => normaliser.push({ events: [event] }));
  return { events: out.flatMap(({ item }) => item.events), native: out.map(({ native }) => native) };
}
const without = (events: readonly ChatEvent[], ...types: string[]) => events.filter((event) => !types.includes(event.type));

describe('StreamNormaliser', () => {
  it('passes an item that is in order on as the identical object', () => {
    const normaliser = new StreamNormaliser('s');
    for (const events of [[START], [say('a')], [call(0, 'x'), args(0)], [finish('tool_calls')], [END]]) {
      const item: StreamItem = { events, raw: {} };
      const result = normaliser.push(item);
      expect(result.item).toBe(item);
      expect(result.native).toBe(true);
    }
  });

  it.each<[string, ChatEvent[], ChatEvent[], string[]]>([
    ['a second start', [START, START, say('a'), finish(), END], [START, say('a'), finish(), END], []],
    ['empty text', [say(''), say('a'), finish(), END], [say('a'), finish(), END], []],
    ['a second finish', [say('a'), finish(), finish('length'), END], [say('a'), finish(), END], ['finish:repeated']],
    ['content after the finish', [say('a'), finish(), say('b'), END], [say('a'), finish(), END], ['content_after_finish']],
    ['a finish that is missing', [say('a'), END], [say('a'), { type: 'finish', choice: 0, reason: 'stop', raw: null }, END], ['finish:missing']],
    [
      'a finish that is missing after tool calls',
      [call(0, 'x'), END],
      [call(0, 'x'), { type: 'finish', choice: 0, reason: 'tool_calls', raw: null }, END],
      ['finish:missing'],
    ],
    [
      'stop although tools were called',
      [call(0, 'x'), finish('stop'), END],
      [call(0, 'x'), { type: 'finish', choice: 0, reason: 'tool_calls', raw: 'stop' }, END],
      [],
    ],
    ['length although tools were called', [call(0, 'x'), finish('length'), END], [call(0, 'x'), finish('length'), END], []],
    [
      'a tool call begun twice',
      [call(0, 'x'), args(0), call(0, 'x'), args(0), finish('tool_calls'), END],
      [call(0, 'x'), args(0), args(0), finish('tool_calls'), END],
      [],
    ],
    ['a tool call without id', [call(0, ''), finish('tool_calls'), END], [call(0, 'call_reqab1n0'), finish('tool_calls'), END], ['tool_call_id:missing']],
    [
      'two tool calls of one id',
      [call(0, 'x'), call(1, 'x'), finish('tool_calls'), END],
      [call(0, 'x'), call(1, 'call_reqab1n1'), finish('tool_calls'), END],
      ['tool_call_id:repeated'],
    ],
    ['arguments of no tool call', [args(3), say('a'), finish(), END], [say('a'), finish(), END], ['tool_call_delta:without_start']],
    ['anything after the end', [say('a'), finish(), END, say('b'), END], [say('a'), finish(), END], []],
    ['nothing at all', [END], [{ type: 'finish', choice: 0, reason: 'stop', raw: null }, END], ['finish:missing']],
  ])('puts %s in order', (_name, given, expected, drift) => {
    const { events } = normalised(...given);
    expect(without(events, 'drift')).toEqual(expected);
    expect(events.flatMap((event) => (event.type === 'drift' ? [event.what] : []))).toEqual(drift);
  });

  it('lets usage through wherever it stands', () => {
    const usage: ChatEvent = { type: 'usage', raw: {} };
    expect(normalised(usage, say('a'), finish(), usage, END).events).toEqual([usage, say('a'), finish(), usage, END]);
  });

  it('says that a frame may not be passed on when a client would see a change', () => {
    expect(normalised(START, START, say('a'), finish(), finish(), END).native).toEqual([true, true, true, true, false, true]);
    expect(normalised(call(0, ''), args(0), finish('stop'), END).native).toEqual([false, true, false, true]);
  });

  it('keeps choices apart', () => {
    const { events } = normalised(say('a'), say('x', 1), finish('stop', 1), say('b'), call(0, 'i'), finish('stop'), END);
    expect(events.filter((event) => event.type === 'finish')).toEqual([finish('stop', 1), { type: 'finish', choice: 0, reason: 'tool_calls', raw: 'stop' }]);
  });

  it('always leaves one grammar: one start, one finish per choice with nothing after it, one end', () => {
    const any = fc.oneof<fc.Arbitrary<ChatEvent>[]>(
      fc.constant(START),
      fc.record({ type: fc.constant('text-delta' as const), choice: fc.nat(1), text: fc.string({ maxLength: 2 }) }),
      fc.record({
        type: fc.constant('tool-call-start' as const),
        choice: fc.nat(1),
        index: fc.nat(2),
        id: fc.constantFrom('', 'a', 'b'),
        name: fc.constant('f'),
      }),
      fc.record({ type: fc.constant('tool-call-delta' as const), choice: fc.nat(1), index: fc.nat(2), argumentsText: fc.constant('1') }),
      fc.record({
        type: fc.constant('finish' as const),
        choice: fc.nat(1),
        reason: fc.constantFrom('stop' as const, 'length' as const),
        raw: fc.constant('x'),
      }),
    );
    fc.assert(
      fc.property(fc.array(any, { maxLength: 20 }), (given) => {
        const { events } = normalised(...given, END, ...given);
        expect(events.filter((event) => event.type === 'start').length).toBeLessThanOrEqual(1);
        expect(events.at(-1)).toEqual(END);
        const finished = new Set<number>();
        const seen = new Set<number>();
        const ids: string[] = [];
        for (const event of events) {
          if (event.type === 'tool-call-start') ids.push(event.id);
          if (!('choice' in event)) continue;
          expect(finished.has(event.choice)).toBe(false);
          seen.add(event.choice);
          if (event.type === 'finish') finished.add(event.choice);
        }
        expect([...finished].sort()).toEqual([...seen].sort());
        expect(new Set(ids).size).toBe(ids.length);
        expect(ids).not.toContain('');
      }),
      { numRuns: 500 },
    );
  });
});

describe('normaliseResponse', () => {
  it('does for one answer what the stream does for its events', () => {
    const gathered = new ResponseOfEvents();
    for (const event of [say('a'), call(0, ''), args(0), finish('stop')]) gathered.push(event);
    const response = gathered.response();
    const normal = normaliseResponse(response, 'req_ab-1');
    expect(normal.choices[0]).toMatchObject({
      finish: 'tool_calls',
      rawFinish: 'stop',
      parts: [{ type: 'text' }, { type: 'tool-call', id: 'call_reqab1n0', arguments: '1' }],
    });
    expect(normal.drift).toEqual(['tool_call_id:missing']);
    expect(normaliseResponse(normal, 'req_ab-1')).toBe(normal);
  });

  it('gives the answer back that it was exploded into', () => {
    const gathered = new ResponseOfEvents();
    for (const event of [START, say('a'), call(0, 'x'), args(0), finish('tool_calls')]) gathered.push(event);
    const response = gathered.response();
    const again = new ResponseOfEvents();
    for (const event of eventsOfResponse(response)) again.push(event);
    expect(again.response()).toEqual(response);
  });
});

describe('estimateTokens', () => {
  it.each<[string, number, number]>([
    ['The quick brown fox jumps over the lazy dog.', 9, 14],
    ['안녕하세요, 오늘 날씨가 어떤가요?', 10, 20],
    ['今日は良い天気ですね。', 7, 14],
    ['Привет, как дела?', 4, 12],
    ['', 0, 0],
  ])('%s', (text, least, most) => {
    const tokens = estimateTokens(text);
    expect(tokens).toBeGreaterThanOrEqual(least);
    expect(tokens).toBeLessThanOrEqual(most);
  });

  it('adds up, however a text is cut', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.nat(50), (text, at) => {
        expect(estimateTokens(text.slice(0, at)) + estimateTokens(text.slice(at))).toBeCloseTo(estimateTokens(text), 9);
      }),
    );
  });
});

describe('requestNeeds', () => {
  const base: ChatRequest = {
    model: 'm',
    messages: [{ role: 'user', parts: [{ type: 'text', text: 'hello there' }] }],
    tools: [],
    sampling: {},
    stream: false,
    includeUsage: false,
    extra: {},
    wireNames: {},
  };
  const inline = { kind: 'inline' as const, mediaType: 'x/y', data: 'A'.repeat(1_000_000) };

  it('of the smallest request', () => {
    expect(requestNeeds(base)).toEqual({
      streaming: false,
      tools: false,
      parallelTools: false,
      vision: false,
      audioInput: false,
      audioOutput: false,
      imageOutput: false,
      files: false,
      jsonSchema: false,
      jsonObject: false,
      reasoning: false,
      logprobs: false,
      choices: 1,
      promptTokensEstimate: 7,
      maxOutputTokens: undefined,
    });
  });

  it('of media, also those that tools returned, at flat numbers', () => {
    const needs = requestNeeds({
      ...base,
      messages: [
        { role: 'tool', parts: [{ type: 'tool-result', toolCallId: 'a', content: [{ type: 'image', source: inline }] }] },
        {
          role: 'user',
          parts: [
            { type: 'audio', source: inline },
            { type: 'file', source: inline },
          ],
        },
      ],
    });
    expect(needs).toMatchObject({ vision: true, audioInput: true, files: true });
    expect(needs.promptTokensEstimate).toBeLessThan(10_000);
    expect(
      requestNeeds({ ...base, messages: [{ role: 'assistant', parts: [{ type: 'audio', source: { kind: 'provider-file', id: 'a' } }] }] }).audioInput,
    ).toBe(false);
  });

  it.each<[Partial<ChatRequest>, Partial<ReturnType<typeof requestNeeds>>]>([
    [
      { tools: [{ type: 'function', name: 'f', parameters: { type: 'object' } }], parallelToolCalls: true },
      { tools: true, parallelTools: true },
    ],
    [{ responseFormat: { type: 'json' } }, { jsonObject: true }],
    [{ responseFormat: { type: 'json-schema', name: 'a', schema: {} } }, { jsonSchema: true }],
    [{ reasoning: { effort: 'high' } }, { reasoning: true }],
    [{ reasoning: { effort: 'none' } }, { reasoning: false }],
    [{ reasoning: { enabled: false, budgetTokens: 5 } }, { reasoning: false }],
    [{ reasoning: { budgetTokens: 5 } }, { reasoning: true }],
    [{ sampling: { logprobs: true, n: 3 } }, { logprobs: true, choices: 3 }],
    [{ modalities: ['text', 'audio'] }, { audioOutput: true }],
    [{ modalities: ['image'] }, { imageOutput: true }],
    [
      { stream: true, maxOutputTokens: 9 },
      { streaming: true, maxOutputTokens: 9 },
    ],
  ])('of %j', (members, needs) => {
    expect(requestNeeds({ ...base, ...members })).toMatchObject(needs);
  });
});
