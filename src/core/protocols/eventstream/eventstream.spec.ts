import fc from 'fast-check';
import { decodeHeaders } from './headers.js';
import { encodeEventStream, EventStreamCorruption, EventStreamDecoder } from './index.js';

type Plain = { headers: Record<string, unknown>; payload: string };

function decode(bytes: Uint8Array, cuts: readonly number[] = []): Plain[] {
  const messages: Plain[] = [];
  const decoder = new EventStreamDecoder(({ headers, payload }) => messages.push({ headers, payload: payload.toString('utf8') }));
  let at = 0;
  for (const cut of [...cuts].map((place) => place % (bytes.length + 1)).toSorted((a, b) => a - b)) {
    decoder.push(bytes.subarray(at, cut));
    at = cut;
  }
  decoder.push(bytes.subarray(at));
  if (decoder.incomplete) throw new Error('incomplete');
  return messages;
}

const message = fc.record({
  headers: fc.dictionary(
    fc.string({ minLength: 1, maxLength: 20 }).filter((name) => name !== '__proto__'),
    fc.string({ maxLength: 40 }),
    { maxKeys: 4 },
  ),
  payload: fc.string({ unit: 'grapheme', maxLength: 200 }),
});
const bytesOf = (messages: readonly { headers: Record<string, string>; payload: string }[]): Buffer =>
  Buffer.concat(messages.map(({ headers, payload }) => encodeEventStream(headers, payload)));

describe('EventStreamDecoder', () => {
  it('reads the empty message of the format’s test vectors', () => {
    // aws-c-event-stream `valid_events/empty`: length 16, no headers, CRCs 05c248eb and 7d98c8ff.
    expect(decode(Buffer.from('000000100000000005c248eb7d98c8ff', 'hex'))).toEqual([{ headers: {}, payload: '' }]);
  });

  it('reads the payload of the format’s test vectors', () => {
    const hex = '0000001d00000000fd528c5a7b27666f6f273a27626172277dc3653936';
    expect(decode(Buffer.from(hex, 'hex'))).toEqual([{ headers: {}, payload: "{'foo':'bar'}" }]);
  });

  it('gives the same messages wherever the bytes are cut', () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 5 }), fc.array(fc.nat(), { maxLength: 12 }), (messages, cuts) => {
        expect(decode(bytesOf(messages), cuts)).toEqual(messages.map(({ headers, payload }) => ({ headers: { ...headers }, payload })));
      }),
    );
  });

  it('believes no message of which one bit was flipped', () => {
    fc.assert(
      fc.property(fc.array(message, { minLength: 1, maxLength: 3 }), fc.nat(), fc.nat(7), (messages, place, bit) => {
        const bytes = bytesOf(messages);
        const at = place % bytes.length;
        bytes[at] = (bytes[at] as number) ^ (1 << bit);
        const whole = decodePrefix(bytes);
        // Messages before the flipped bit are whole; the one with it, and everything behind, is refused.
        expect(whole.corrupt || whole.incomplete).toBe(true);
        expect(whole.messages.length).toBeLessThan(messages.length);
      }),
    );
  });

  it('refuses a length beyond every bound without waiting for it', () => {
    const bytes = encodeEventStream({}, '');
    bytes.writeUInt32BE(0x7fff_ffff, 0);
    expect(() => new EventStreamDecoder(() => undefined).push(bytes)).toThrow(EventStreamCorruption);
  });

  it('knows every type of header', () => {
    const uuid = '00112233445566778899aabbccddeeff';
    const header = (name: string, type: number, hex: string) =>
      Buffer.concat([Buffer.from([name.length]), Buffer.from(name), Buffer.from([type]), Buffer.from(hex, 'hex')]);
    const all = Buffer.concat([
      header('t', 0, ''),
      header('f', 1, ''),
      header('b', 2, 'ff'),
      header('s', 3, '0102'),
      header('i', 4, '00000007'),
      header('l', 5, '0000000000000009'),
      header('y', 6, '000161'),
      header('x', 7, '000161'),
      header('m', 8, '0000000000000001'),
      header('u', 9, uuid),
    ]);
    expect(decodeHeaders(all)).toEqual({ t: true, f: false, b: -1, s: 258, i: 7, l: 9n, y: Buffer.from('a'), x: 'a', m: 1n, u: uuid });
    expect(decodeHeaders(Buffer.from([1, 0x61, 10]))).toBeNull();
    expect(decodeHeaders(Buffer.from([9, 0x61]))).toBeNull();
  });
});

function decodePrefix(bytes: Buffer): { messages: unknown[]; corrupt: boolean; incomplete: boolean } {
  const messages: unknown[] = [];
  const decoder = new EventStreamDecoder((found) => messages.push(found));
  try {
    decoder.push(bytes);
    return { messages, corrupt: false, incomplete: decoder.incomplete };
  } catch (error) {
    expect(error).toBeInstanceOf(EventStreamCorruption);
    return { messages, corrupt: true, incomplete: false };
  }
}
