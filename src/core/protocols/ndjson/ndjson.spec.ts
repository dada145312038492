import fc from 'fast-check';
import { ObjectDecoder, ObjectOverflow } from './index.js';

function decoded(bytes: Uint8Array, cuts: readonly number[]): unknown[] {
  const objects: unknown[] = [];
  const decoder = new ObjectDecoder((text) => objects.push(JSON.parse(text)));
  let at = 0;
  for (const cut of [...cuts].map((place) => place % (bytes.length + 1)).toSorted((a, b) => a - b)) {
    decoder.push(bytes.subarray(at, cut));
    at = cut;
  }
  decoder.push(bytes.subarray(at));
  return objects;
}

describe('ObjectDecoder', () => {
  it('gives the same objects wherever the bytes are cut, line ends or not', () => {
    const object = fc.dictionary(fc.string(), fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('{', '}', '"', '\\', '😀'), fc.integer()));
    fc.assert(
      fc.property(fc.array(object), fc.array(fc.nat()), fc.constantFrom('\n', '\r\n', '', '\n\n'), fc.boolean(), (objects, cuts, separator, pretty) => {
        const bytes = Buffer.from(objects.map((value) => JSON.stringify(value, null, pretty ? 2 : 0)).join(separator));
        expect(decoded(bytes, cuts)).toEqual(JSON.parse(JSON.stringify(objects)));
      }),
    );
  });

  it('keeps no object beyond its bound', () => {
    const decoder = new ObjectDecoder(() => undefined, { maxObjectBytes: 16 });
    decoder.push(Buffer.from('{"a":1}\n{"b":'));
    expect(() => decoder.push(Buffer.from('"0123456789abcdef'))).toThrow(ObjectOverflow);
  });
});
