import fc from 'fast-check';
import { CopyWriter } from './copy-writer.js';
import { RepeatedTexts } from './repeated-texts.js';

const text = fc.oneof(fc.constantFrom('a', 'b', 'c'), fc.string({ unit: 'binary' }), fc.constant('모델'.repeat(500)), fc.constantFrom(null, undefined));

describe('texts that are mostly the same ones', () => {
  it('are the bytes of each by itself, whatever was written before', () => {
    const repeated = new RepeatedTexts((said) => said.slice(0, 3));
    const known = new CopyWriter();
    const plain = new CopyWriter();
    fc.assert(
      fc.property(fc.array(fc.array(text, { minLength: 1, maxLength: 4 }), { maxLength: 30 }), (rows) => {
        for (const writer of [known, plain]) writer.begin();
        for (const texts of rows) {
          known.repeated(repeated, texts);
          for (const said of texts) plain.text(typeof said === 'string' ? said.slice(0, 3) : said);
        }
        expect(Buffer.compare(known.end(), plain.end())).toBe(0);
      }),
    );
  });

  it('are forgotten when there are too many of them', () => {
    const asked: string[] = [];
    const repeated = new RepeatedTexts((said) => {
      asked.push(said);
      return said;
    });
    const writer = new CopyWriter();
    writer.begin();
    const write = (count: number) => Array.from({ length: count }, (_, index) => writer.repeated(repeated, [`text ${index}`]));
    write(1_000);
    write(1_000);
    expect(asked).toHaveLength(1_000);
    write(1_001);
    write(1);
    expect(asked).toHaveLength(1_002);
  });
});
