import fc from 'fast-check';
import { JsonBytes, literal, member, type Literal } from './index.js';

const text = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.constantFrom('', '"', '\\', '\u0000', '\u007f', '\ud800', '모델'.repeat(9_000)));
const number = fc.oneof(fc.integer(), fc.maxSafeInteger(), fc.double());
const instant = fc.integer({ min: -62_000_000_000_000, max: 253_000_000_000_000 });
const [TEXT, NUMBER, ROUNDED, ROUNDED_LIST, FLAG, AT, LIST, INNER, NULL] = ['text', 'number', 'rounded', 'rounded_list', 'flag', 'at', 'list', 'inner', 'null'].map(member) as [
  Literal, Literal, Literal, Literal, Literal, Literal, Literal, Literal, Literal,
];

describe('JSON written piece by piece', () => {
  it('is what JSON.stringify makes of the same', () => {
    const json = new JsonBytes();
    const value = fc.record({
      text, number, rounded: fc.oneof(fc.double({ min: 0, max: 1e6, noNaN: true }), fc.double()), flag: fc.boolean(), at: instant,
      list: fc.array(fc.oneof(text, number)),
    });
    fc.assert(
      fc.property(value, ({ text: said, number: count, rounded, flag, at, list }) => {
        json.length = 0;
        json.beginWhole();
        json.text(TEXT, said);
        json.number(NUMBER, count);
        json.hundredths(ROUNDED, rounded);
        json.beginArrayOf(ROUNDED_LIST);
        json.hundredthsItem(rounded);
        json.hundredthsItem(rounded);
        json.endArray();
        json.flag(FLAG, flag);
        json.instant(AT, at);
        json.beginArrayOf(LIST);
        for (const item of list) {
          if (typeof item === 'string') json.textItem(item);
          else json.numberItem(item);
        }
        json.beginObject();
        json.endObject();
        json.beginArray();
        json.endArray();
        json.endArray();
        json.beginObjectOf(INNER);
        json.text(NULL, null);
        json.endObject();
        json.endObject();
        const same = {
          text: said, number: count, rounded: Math.round(rounded * 100) / 100, rounded_list: [Math.round(rounded * 100) / 100, Math.round(rounded * 100) / 100], flag, at: new Date(at).toISOString(), list: [...list, {}, []],
          inner: { null: null },
        };
        expect(json.bytes.toString('utf8', 0, json.length)).toBe(JSON.stringify(same));
      }),
      { numRuns: 500 },
    );
  });

  it('takes members that are JSON already, under names of its own and of others', () => {
    const json = new JsonBytes();
    fc.assert(
      fc.property(fc.array(fc.tuple(text, fc.jsonValue({ maxDepth: 1 })), { maxLength: 4 }), text, (members, said) => {
        json.length = 0;
        json.beginWhole();
        json.literal(literal('"first":'), JSON.stringify(said));
        json.literal(literal('"open":{"in":1'));
        json.more(literal(',"more":2}'));
        for (const [name, value] of members) json.named(name, value);
        json.endObject();
        const rest = members.map(([name, value]) => `,${JSON.stringify(name)}:${JSON.stringify(value)}`).join('');
        expect(json.bytes.toString('utf8', 0, json.length)).toBe(`{"first":${JSON.stringify(said)},"open":{"in":1,"more":2}${rest}}`);
      }),
      { numRuns: 200 },
    );
  });

  it('takes the form of a text that is not plain from whoever made it', () => {
    const json = new JsonBytes((said) => JSON.stringify(said.toUpperCase()));
    json.beginWhole();
    json.text(TEXT, 'plain');
    json.text(INNER, 'é"');
    json.endObject();
    expect(json.bytes.toString('utf8', 0, json.length)).toBe('{"text":"plain","inner":"É\\""}');
    expect(() => json.instant(AT, Number.NaN)).toThrow(RangeError);
  });
});
