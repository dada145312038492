import fc from 'fast-check';
import { StreamNormaliser } from '../../src/core/chat/normalise-stream.js';
import type { ChatEvent, StreamItem } from '../../src/core/chat/event.js';
import { anthropicMessages } from '../../src/core/protocols/anthropic-messages/index.js';
import { geminiGenerate } from '../../src/core/protocols/gemini-generate/index.js';
import { openaiChat } from '../../src/core/protocols/openai-chat/index.js';
import type { ChatProtocol, RenderContext } from '../../src/core/protocols/protocol.js';

/**
 * Frames of plain text are read by what surrounds them, and written the same way; every other frame is read in full. Here both ways
 * are given the same streams: a field behind the data, which means nothing, keeps the quick way from knowing any frame.
 */
const CONTEXT: RenderContext = {
  requestId: 'req_1',
  responseId: 'chatcmpl-1',
  createdS: 7,
  model: 'public/model',
  includeUsage: false,
  reasoningField: 'reasoning_content',
};

interface Frame {
  event?: string;
  /** JSON text, or whatever stands in its place. */
  data: string;
}

type Write = (frame: Frame) => string;
const quick: Write = ({ event, data }) => `${event === undefined ? '' : `event: ${event}\n`}data: ${data}\n\n`;
const plain: Write = (frame) => `${quick(frame).slice(0, -1)}id: 1\n\n`;

function itemsOf(protocol: ChatProtocol, bytes: Buffer, cuts: readonly number[]): StreamItem[] {
  const items: StreamItem[] = [];
  const parser = protocol.createStreamParser((item) => items.push(item), { dialect: {}, choices: 1 });
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
  for (let index = 1; index < places.length; index += 1) {
    const memory = Buffer.from(bytes.subarray(places[index - 1], places[index]));
    parser.push(memory);
    memory.fill(0x23);
  }
  parser.end();
  return items;
}

/** What a client and the meter learn: all events but usage in order, the last usage, and the answer as the client's JSON. */
function outcomeOf(protocol: ChatProtocol, bytes: Buffer, cuts: readonly number[] = []) {
  const normaliser = new StreamNormaliser('req_1');
  const renderer = openaiChat.createStreamRenderer(CONTEXT);
  const events: ChatEvent[] = [];
  const client: unknown[] = [];
  let usage: unknown;
  for (const item of itemsOf(protocol, bytes, cuts)) {
    const normal = normaliser.push(item);
    for (const event of normal.item.events) {
      if (event.type === 'usage') usage = event;
      else events.push(event);
    }
    for (const frame of renderer.render(normal.item, normal.native && protocol === openaiChat).split('\n\n')) {
      if (frame !== '') client.push(JSON.parse(frame.slice('data: '.length)));
    }
  }
  return { events, usage, client };
}

const TEXT = fc.oneof(
  fc.constantFrom('word ', '"', '\\', '\\"', '\n', '\r\n\r\n', 'data: {', '"},"finish_reason":"stop"', '","id":"x', '\u2028', '\u0000', '\ud83d\ude00', '한국어 문장입니다 ', ''),
  fc.string({ unit: 'grapheme', maxLength: 30 }),
);
/** JSON as servers write it: compact or with spaces, characters as they are or escaped. */
const STYLE = fc.constantFrom<(value: unknown) => string>(
  (value) => JSON.stringify(value),
  (value) => JSON.stringify(value, null, 1).replace(/\n\s*/g, ' '),
  (value) => JSON.stringify(value).replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`),
);
/** Members whose names a careless reader would take for the frame's own. */
const MORE = fc.constantFrom<Record<string, unknown>>(
  {},
  {},
  {},
  { usage: null },
  { content: 'no', text: 'no' },
  { inner: { id: 'x', model: 'y', content: 'z', text: 'z', usageMetadata: { promptTokenCount: 9 } } },
  { odd: '","content":"x","text":"y' },
  { candidatesTokenCount: 12 },
);
const HOSTILE = fc.constantFrom(
  '{"choices":[{"index":0,"delta":{"content":"a","content":"b"}}]}',
  '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a","text":"b"}}',
  '{"candidates":[{"content":{"parts":[{"text":"a","text":"b"}]}}]}',
  '{"broken":',
  '',
  '{}',
);
/** The only string that looks like the text stands elsewhere, and differs; the text itself is written in an odd way. */
const ELSEWHERE = fc
  .constantFrom('x', 'y', 'z')
  .map((other) => [
    `{"inner":{"content":"${other}"},"choices":[{"index":0,"delta":{"content" :"a"},"finish_reason":null}]}`,
    `{"inner":{"text":"${other}"},"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text" :"a"}}`,
    `{"inner":{"text":"${other}"},"candidates":[{"content":{"parts":[{"text" :"a"}]}}]}`,
  ])
  .chain((frames) => fc.constantFrom(...frames));

const openai = (text: string, more: object) => ({ id: 'c1', object: 'chat.completion.chunk', created: 1, model: 'm', ...more, choices: [{ index: 0, delta: { content: text }, finish_reason: null }] });
const anthropic = (text: string, more: object) => ({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text }, ...more });
const gemini = (text: string, more: object, count: number) => ({
  candidates: [{ content: { parts: [{ text }], role: 'model' }, index: 0 }],
  ...more,
  usageMetadata: { promptTokenCount: 42, candidatesTokenCount: count, totalTokenCount: 42 + count, promptTokensDetails: [{ modality: 'TEXT', tokenCount: 42 }] },
  modelVersion: 'gemini-2.5',
});

interface Lane {
  protocol: ChatProtocol;
  first: Frame[];
  say(text: string, more: object, at: number): unknown;
  event?: string;
  last: Frame[];
}

const json = (value: unknown, event?: string): Frame => (event === undefined ? { data: JSON.stringify(value) } : { event, data: JSON.stringify(value) });
const typed = (value: { type: string }): Frame => json(value, value.type);

const LANES: Record<string, Lane> = {
  'openai-chat': {
    protocol: openaiChat,
    first: [json({ ...openai('', {}), choices: [{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }] })],
    say: openai,
    last: [json({ ...openai('', {}), choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }), { data: '[DONE]' }],
  },
  'anthropic-messages': {
    protocol: anthropicMessages,
    first: [
      typed({ type: 'message_start', message: { id: 'm', model: 'c', usage: { input_tokens: 4, output_tokens: 1 } } } as { type: string }),
      typed({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } } as { type: string }),
    ],
    say: anthropic,
    event: 'content_block_delta',
    last: [
      typed({ type: 'content_block_stop', index: 0 } as { type: string }),
      // Nothing is open any more: the same frame now says something else.
      typed(anthropic('late', {})),
      typed({ type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 5 } } as { type: string }),
      typed({ type: 'message_stop' }),
    ],
  },
  'gemini-generate': {
    protocol: geminiGenerate,
    first: [json({ ...gemini('first', {}, 1), responseId: 'r' })],
    say: gemini,
    last: [json({ candidates: [{ content: { parts: [{ text: 'end' }] }, finishReason: 'STOP', index: 0 }], usageMetadata: { promptTokenCount: 42, candidatesTokenCount: 99, totalTokenCount: 141 } })],
  },
};

describe.each(Object.keys(LANES))('quick frames of %s', (name) => {
  const lane = LANES[name] as Lane;
  const BODY = fc.array(fc.oneof({ weight: 8, arbitrary: fc.record({ text: TEXT, more: MORE }) }, { weight: 1, arbitrary: HOSTILE }, { weight: 2, arbitrary: ELSEWHERE }), { maxLength: 14 });
  const framesOf = (body: readonly (string | { text: string; more: object })[], style: (value: unknown) => string): Frame[] => [
    ...lane.first,
    ...body.map((part, at): Frame => {
      const data = typeof part === 'string' ? part : style(lane.say(part.text, part.more, at));
      return lane.event === undefined ? { data } : { event: lane.event, data };
    }),
    ...lane.last,
  ];

  it('say what they say when they are read in full', () => {
    fc.assert(
      fc.property(BODY, STYLE, fc.array(fc.nat(4_000), { maxLength: 6 }), (body, style, cuts) => {
        const frames = framesOf(body, style);
        const expected = outcomeOf(lane.protocol, Buffer.from(frames.map(plain).join('')));
        expect(outcomeOf(lane.protocol, Buffer.from(frames.map(quick).join('')), cuts)).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });

  it('say the same with other line ends, comments and a byte order mark', () => {
    fc.assert(
      fc.property(BODY, fc.constantFrom('\r\n', '\r'), fc.array(fc.nat(4_000), { maxLength: 6 }), (body, lineEnd, cuts) => {
        const frames = framesOf(body, JSON.stringify);
        const expected = outcomeOf(lane.protocol, Buffer.from(frames.map(quick).join('')));
        const text = `\uFEFF${frames.map((frame, at) => `${at % 3 === 2 ? ': a comment\n\n' : ''}${quick(frame)}`).join('')}`;
        expect(outcomeOf(lane.protocol, Buffer.from(text.replaceAll('\n', lineEnd)), cuts)).toEqual(expected);
      }),
      { numRuns: 100 },
    );
  });

  it('are most frames of an ordinary stream', () => {
    const body = Array.from({ length: 50 }, (_, at) => ({ text: at % 7 === 0 ? 'a "quoted"\nword ' : 'word ', more: {} }));
    const items = itemsOf(lane.protocol, Buffer.from(framesOf(body, JSON.stringify).map(quick).join('')), []);
    const taken = items.filter((item) => item.varying !== undefined);
    expect(taken.length).toBeGreaterThan(45);
    for (const item of taken) expect(item.raw).toEqual(JSON.parse(item.rawText as string));
  });
});
