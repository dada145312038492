import fc from 'fast-check';
import { HttpViolation, type ResponseHead } from './parse-head.js';
import { ResponseParser } from './response-parser.js';

interface Told {
  heads: ResponseHead[];
  body: string;
  completions: number;
  excess: boolean;
  violation: string | null;
  endsWell: boolean;
}

/** Reads the pieces one after another, each in memory that is overwritten afterwards, as a socket's is. */
function read(pieces: readonly Buffer[]): Told {
  const told: Told = { heads: [], body: '', completions: 0, excess: false, violation: null, endsWell: false };
  const parser = new ResponseParser({
    onHead: (head) => told.heads.push(head),
    onBody: (bytes) => (told.body += bytes.toString('latin1')),
    onComplete: (excess) => {
      told.completions += 1;
      told.excess = excess;
    },
  });
  try {
    for (const piece of pieces) {
      const memory = Buffer.from(piece);
      parser.push(memory);
      memory.fill(0x23);
    }
    told.endsWell = parser.close();
  } catch (error) {
    if (!(error instanceof HttpViolation)) throw error;
    told.violation = error.message;
  }
  return told;
}

function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const at = [0, ...places.map((place) => place % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
  return at.slice(1).map((end, index) => bytes.subarray(at[index], end));
}

const text = (value: string) => Buffer.from(value, 'latin1');
const OK = 'HTTP/1.1 200 OK\r\n';
const CHUNKED = `${OK}transfer-encoding: chunked\r\n\r\n`;
const CUTS = fc.array(fc.nat(4_000), { maxLength: 12 });
const CHUNK = fc.record({
  content: fc.string({ unit: 'binary-ascii', minLength: 1, maxLength: 60 }),
  extension: fc.constantFrom('', ';a=b', ' ; q="1;2"', '\t'),
  zeros: fc.nat(3),
  upper: fc.boolean(),
});

function chunked(chunks: readonly { content: string; extension: string; zeros: number; upper: boolean }[], trailer: string): string {
  const frames = chunks.map(({ content, extension, zeros, upper }) => {
    const size = content.length.toString(16);
    return `${'0'.repeat(zeros)}${upper ? size.toUpperCase() : size}${extension}\r\n${content}\r\n`;
  });
  return `${CHUNKED}${frames.join('')}0\r\n${trailer}\r\n`;
}

describe('ResponseParser', () => {
  it('reads the content of chunks, wherever the bytes are cut', () => {
    fc.assert(
      fc.property(fc.array(CHUNK, { maxLength: 8 }), fc.constantFrom('', 'x: y\r\n', 'a:\r\nb: c\r\n'), CUTS, (chunks, trailer, cuts) => {
        const told = read(cut(text(chunked(chunks, trailer)), cuts));
        expect(told).toMatchObject({ body: chunks.map(({ content }) => content).join(''), completions: 1, excess: false, violation: null, endsWell: true });
      }),
      { numRuns: 300 },
    );
  });

  it('reads a counted body and one that ends with the connection, wherever the bytes are cut', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary-ascii', maxLength: 200 }), fc.boolean(), CUTS, (body, counted, cuts) => {
        const told = read(cut(text(`${OK}x: 1\r\n${counted ? `content-length: ${body.length}\r\n` : ''}\r\n${body}`), cuts));
        expect(told).toMatchObject({ body, completions: 1, violation: null, endsWell: true });
        expect(told.heads[0]?.reusable).toBe(counted);
      }),
      { numRuns: 200 },
    );
  });

  it('says the same about damaged bytes however they are cut, and completes at most once', () => {
    const damage = fc.record({ at: fc.nat(400), cut: fc.nat(4), put: fc.constantFrom('', '\r', '\n', '\r\n', '0', 'g', ';', ':', ' ', '\u0000', '\u00ff', '\r\n\r\n') });
    fc.assert(
      fc.property(fc.array(CHUNK, { maxLength: 4 }), damage, CUTS, (chunks, { at, cut: length, put }, cuts) => {
        const whole = chunked(chunks, 'x: y\r\n');
        const damaged = text(whole.slice(0, at) + put + whole.slice(at + length));
        const once = read([damaged]);
        // Bytes behind the end that come later are the idle connection's to judge.
        expect({ ...read(cut(damaged, cuts)), excess: once.excess }).toEqual(once);
        expect(once.completions).toBeLessThanOrEqual(1);
      }),
      { numRuns: 600 },
    );
  });

  it.each([
    ['two lengths', `${OK}content-length: 3\r\ncontent-length: 3\r\n\r\nabc`],
    ['a list of lengths', `${OK}content-length: 3, 3\r\n\r\nabc`],
    ['a signed length', `${OK}content-length: +3\r\n\r\nabc`],
    ['a hexadecimal length', `${OK}content-length: 0x3\r\n\r\nabc`],
    ['an empty length', `${OK}content-length:\r\n\r\nabc`],
    ['a length beside chunks', `${OK}content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`],
    ['another transfer coding', `${OK}transfer-encoding: gzip, chunked\r\n\r\n`],
    ['a transfer coding that looks like chunked', `${OK}transfer-encoding: xchunked\r\n\r\n`],
    ['two transfer codings', `${OK}transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n`],
    ['chunks in HTTP/1.0', 'HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['white space before the colon', `${OK}content-length : 3\r\n\r\nabc`],
    ['a folded line', `${OK}x: 1\r\n content-length: 3\r\n\r\nabc`],
    ['a bare line feed between fields', `${OK}x: 1\ncontent-length: 3\r\n\r\nabc`],
    ['a bare carriage return in a field', `${OK}x: 1\rcontent-length: 3\r\n\r\nabc`],
    ['a field without a name', `${OK}: 1\r\n\r\n`],
    ['a NUL in a field', `${OK}x: \u0000\r\n\r\n`],
    ['HTTP/2 by name', 'HTTP/2 200\r\n\r\n'],
    ['a status of two digits', 'HTTP/1.1 20 OK\r\n\r\n'],
    ['a chunk that is longer than it says', `${CHUNKED}3\r\nabcd\r\n0\r\n\r\n`],
    ['a chunk size without digits', `${CHUNKED}\r\nabc\r\n0\r\n\r\n`],
    ['a negative chunk size', `${CHUNKED}-3\r\nabc\r\n0\r\n\r\n`],
    ['a chunk size beyond every number', `${CHUNKED}${'f'.repeat(16)}\r\nabc`],
    ['a chunk size line with a bare line feed', `${CHUNKED}3\nabc\r\n0\r\n\r\n`],
    ['an endless extension', `${CHUNKED}3;${'x'.repeat(20_000)}\r\nabc\r\n0\r\n\r\n`],
    ['an endless trailer', `${CHUNKED}0\r\n${'x: y\r\n'.repeat(10_000)}\r\n`],
    ['an endless head', `${OK}x: ${'y'.repeat(20_000)}`],
  ])('refuses %s', (_name, bytes) => {
    expect(read([text(bytes)])).toMatchObject({ violation: expect.stringContaining('not valid HTTP'), completions: 0 });
  });

  it.each([
    ['HTTP/1.1', OK, true],
    ['HTTP/1.1 that closes', `${OK}connection: Close\r\n`, false],
    ['HTTP/1.0', 'HTTP/1.0 200 OK\r\n', false],
    ['HTTP/1.0 that stays', 'HTTP/1.0 200 OK\r\nconnection: keep-alive\r\n', true],
  ])('says of %s whether the connection can be used again', (_name, head, reusable) => {
    expect(read([text(`${head}keep-alive: timeout=7, max=3\r\ncontent-length: 0\r\n\r\n`)]).heads[0]).toMatchObject({ reusable, idleS: 7 });
  });

  it('tells what came behind the answer, and joins repeated fields without cookies', () => {
    const told = read([text(`HTTP/1.1 103 Early\r\nlink: <a>\r\n\r\n${OK}x: 1\r\nSet-Cookie: a=b\r\nX:  2 \r\n__proto__: p\r\ncontent-length: 2\r\n\r\nhi${OK}`)]);
    expect(told).toMatchObject({ body: 'hi', completions: 1, excess: true });
    expect(told.heads.map(({ status }) => status)).toEqual([103, 200]);
    expect(Object.entries(told.heads[1]?.headers ?? {})).toEqual([
      ['x', '1, 2'],
      ['__proto__', 'p'],
      ['content-length', '2'],
    ]);
  });

  it('is cut off in every other place', () => {
    for (const part of ['', 'HTT', OK, `${OK}content-length: 3\r\n\r\nab`, `${CHUNKED}3\r\nabc\r\n`, `${CHUNKED}3\r\nabc\r\n0\r\n`]) {
      expect(read([text(part)])).toMatchObject({ violation: null, completions: 0, endsWell: false });
    }
  });
});
