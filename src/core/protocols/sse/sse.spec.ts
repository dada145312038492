import fc from 'fast-check';
import { encodeSse, SseDecoder, SseOverflow, type SseFrame } from './index.js';

function decode(bytes: Uint8Array, cuts: readonly number[] = []): SseFrame[] {
  const frames: SseFrame[] = [];
  const decoder = new SseDecoder((frame) => frames.push(frame));
  let from = 0;
  for (const cut of [...cuts.filter((at) => at <= bytes.length).sort((a, b) => a - b), bytes.length]) {
    decoder.push(bytes.subarray(from, cut));
    from = cut;
  }
  decoder.end();
  return frames;
}
const text = (value: string) => decode(Buffer.from(value));

describe('SseDecoder', () => {
  it.each<[string, string, SseFrame[]]>([
    ['LF', 'data: a\n\ndata: b\n\n', [{ data: 'a' }, { data: 'b' }]],
    ['CRLF', 'data: a\r\n\r\ndata: b\r\n\r\n', [{ data: 'a' }, { data: 'b' }]],
    ['CR', 'data: a\r\rdata: b\r\r', [{ data: 'a' }, { data: 'b' }]],
    ['mixed line ends', 'data: a\r\n\ndata: b\r\ndata: c\n\r\n', [{ data: 'a' }, { data: 'b\nc' }]],
    ['a byte order mark', '\uFEFFdata: a\n\n', [{ data: 'a' }]],
    ['no space after the colon, and only one taken away', 'data:a\n\ndata:  b\n\n', [{ data: 'a' }, { data: ' b' }]],
    ['several data lines', 'data: a\ndata\ndata: b\n\n', [{ data: 'a\n\nb' }]],
    ['comments, id, retry, unknown fields', ': OPENROUTER PROCESSING\n\nid: 1\nretry: 10\nfoo: bar\ndata: a\n\n', [{ data: 'a' }]],
    ['event names', 'event: error\ndata: a\n\ndata: b\n\n', [{ event: 'error', data: 'a' }, { data: 'b' }]],
    ['an event without data', 'event: ping\n\ndata: a\n\n', [{ data: 'a' }]],
    ['empty data', 'data:\n\n', [{ data: '' }]],
    ['a last event without its blank line', 'data: a\n\ndata: [DONE]', [{ data: 'a' }, { data: '[DONE]' }]],
    ['nothing', '', []],
  ])('reads %s', (_name, input, frames) => {
    expect(text(input)).toEqual(frames);
  });

  it('gives the same frames however the bytes are cut', () => {
    const piece = fc.oneof(
      fc.constantFrom('data: ', 'data:', 'event: x', ': c', 'id: 1', '\n', '\r', '\r\n', '\n\n', '\r\n\r\n', '{"a":"한국어 🎉 日本"}'),
      fc.string({ unit: 'binary', maxLength: 8 }),
    );
    const body = fc.array(
      fc.oneof(
        piece.map((p) => Buffer.from(p)),
        fc.uint8Array({ maxLength: 4 }),
      ),
      { maxLength: 30 },
    );
    fc.assert(
      fc.property(body, fc.array(fc.nat(300), { maxLength: 20 }), (pieces, cuts) => {
        const bytes = Buffer.concat(pieces);
        expect(decode(bytes, cuts)).toEqual(decode(bytes));
      }),
      { numRuns: 400 },
    );
  });

  it('keeps text whole when it is cut at every byte, and turns an invalid sequence into one U+FFFD', () => {
    const bytes = Buffer.concat([Buffer.from('data: 가👩‍👩‍👧é'), Buffer.from([0xf0, 0x9f, 0x98]), Buffer.from('x\n\n')]);
    const every = Array.from({ length: bytes.length }, (_, at) => at);
    expect(decode(bytes, every)).toEqual([{ data: '가👩‍👩‍👧é\uFFFDx' }]);
  });

  it('does not depend on memory that the transport reuses', () => {
    const frames: SseFrame[] = [];
    const decoder = new SseDecoder((frame) => frames.push(frame));
    const memory = Buffer.from('data: abc');
    decoder.push(memory);
    memory.fill(0);
    decoder.push(Buffer.from('d\n\n'));
    expect(frames).toEqual([{ data: 'abcd' }]);
  });

  it('bounds a line, and the data of one event', () => {
    const limits = { maxLineBytes: 64 };
    const long = new SseDecoder(() => undefined, limits);
    expect(() => {
      for (let i = 0; i < 10; i += 1) long.push(Buffer.from('data: 123456'));
    }).toThrow(SseOverflow);
    const many = new SseDecoder(() => undefined, limits);
    expect(() => {
      for (let i = 0; i < 20; i += 1) many.push(Buffer.from('data: 1234567890\n'));
    }).toThrow(SseOverflow);
  });
});

describe('encodeSse', () => {
  it('is the inverse of the decoder', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.option(fc.constantFrom('ping', 'message_stop'), { nil: undefined }), (data, event) => {
        const normal = data.replace(/\r\n?/g, '\n');
        expect(text(encodeSse(data, event))).toEqual([event === undefined ? { data: normal } : { event, data: normal }]);
      }),
    );
  });
});
