import fc from 'fast-check';
import type { ChatEvent } from '../../src/core/chat/event.js';
import type { ProtocolId } from '../../src/core/protocols/protocol.js';
import { UPSTREAM_PROTOCOLS } from '../../src/providers/protocols.js';
import { NATIVE_SHAPES } from './answer-shapes-native.js';
import { OPENAI_SHAPES } from './answer-shapes-openai.js';
import { sse } from './answer-shapes.js';

/**
 * The stream normaliser's foundation, for every protocol and so for every framing (SSE, JSON lists, NDJSON, AWS's eventstream):
 * any stream cut at any byte yields the same events, and one that ends at any byte never looks whole when it is not.
 */
interface Stream {
  name: string;
  protocol: ProtocolId;
  bytes: Buffer;
}

const text = (words: string, finish: string | null = null) => ({ id: 'c', object: 'text_completion', choices: [{ index: 0, text: words, finish_reason: finish }] });
const unicode = (words: string, finish: string | null = null) => ({ id: 'x', choices: [{ index: 0, delta: { content: words }, finish_reason: finish }] });

const STREAMS: readonly Stream[] = [
  ...[...OPENAI_SHAPES, ...NATIVE_SHAPES].flatMap(({ name, protocol, stream }) => (stream === undefined ? [] : [{ name, protocol, bytes: stream }])),
  { name: 'legacy completions', protocol: 'openai-completions', bytes: sse(text('H'), text('i'), text('', 'stop'), '[DONE]') },
  { name: 'more than one byte a character', protocol: 'openai-chat', bytes: sse(unicode('세계 👋'), unicode('é', 'stop'), '[DONE]') },
  { name: 'CR alone ends lines', protocol: 'openai-chat', bytes: Buffer.from(sse(unicode('Hi'), unicode('', 'stop'), '[DONE]').toString().replaceAll('\n', '\r')) },
  { name: 'a byte order mark', protocol: 'openai-chat', bytes: Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), sse(unicode('Hi', 'stop'), '[DONE]')]) },
  { name: 'a whole answer where a stream was asked for', protocol: 'openai-chat', bytes: Buffer.from(JSON.stringify({ choices: [{ index: 0, message: { content: 'Hi' }, finish_reason: 'stop' }] })) },
];

function eventsOf({ protocol, bytes }: Stream, cuts: readonly number[]): ChatEvent[] {
  const events: ChatEvent[] = [];
  const parser = UPSTREAM_PROTOCOLS[protocol].createStreamParser((item) => events.push(...item.events), { dialect: {}, choices: 1 });
  let from = 0;
  for (const to of [...cuts, bytes.length]) {
    // Copied: a parser must not keep what the transport reuses.
    const piece = Buffer.from(bytes.subarray(from, to));
    parser.push(piece);
    piece.fill(0);
    from = to;
  }
  parser.end();
  return events;
}

const told = (events: readonly ChatEvent[]): string[] => events.map((event) => JSON.stringify(event));

describe.each(Object.keys(UPSTREAM_PROTOCOLS) as ProtocolId[])('%s', (protocol) => {
  const streams = STREAMS.filter((stream) => stream.protocol === protocol);

  it('has streams to cut', () => {
    expect(streams.length).toBeGreaterThan(0);
  });

  it.each(streams.map((stream) => [stream.name, stream] as const))('%s: the same events wherever it is cut once', (_name, stream) => {
    const whole = told(eventsOf(stream, []));
    const different = Array.from(stream.bytes.keys()).filter((at) => told(eventsOf(stream, [at])).join() !== whole.join());
    expect(different).toEqual([]);
  });

  it('the same events wherever it is cut, however often', () => {
    const wholes = streams.map((stream) => told(eventsOf(stream, [])));
    const cutUp = fc.integer({ min: 0, max: streams.length - 1 }).chain((which) => {
      const { length } = (streams[which] as Stream).bytes;
      return fc.tuple(fc.constant(which), fc.array(fc.integer({ min: 0, max: length }), { maxLength: 40 }).map((cuts) => cuts.toSorted((a, b) => a - b)));
    });
    fc.assert(
      fc.property(cutUp, ([which, cuts]) => {
        expect(told(eventsOf(streams[which] as Stream, cuts))).toEqual(wholes[which]);
      }),
      { seed: 3, numRuns: 200 },
    );
  });

  it.each(streams.map((stream) => [stream.name, stream] as const))('%s: ends anywhere, and what was not whole is an error', (_name, stream) => {
    const whole = told(withoutEnd(eventsOf(stream, [])));
    const wrong: string[] = [];
    for (const at of stream.bytes.keys()) {
      const events = eventsOf({ ...stream, bytes: stream.bytes.subarray(0, at) }, []);
      const last = events.at(-1);
      const said = told(withoutEnd(events));
      if (last?.type !== 'end' && last?.type !== 'error') wrong.push(`${at}: neither end nor error`);
      if (said.some((event, place) => event !== whole[place])) wrong.push(`${at}: says ${said.find((event, place) => event !== whole[place])}`);
      // A whole answer has its finish reason, and everything that comes before it.
      if (last?.type === 'end' && !events.some((event) => event.type === 'finish')) wrong.push(`${at}: an end without a finish reason`);
    }
    expect(wrong).toEqual([]);
  });
});

/** What is counted and not told may differ where a frame was cut in two. */
function withoutEnd(events: readonly ChatEvent[]): ChatEvent[] {
  return events.filter(({ type }) => !['end', 'error', 'drift', 'ping'].includes(type));
}
