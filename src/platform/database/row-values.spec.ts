import fc from 'fast-check';
import type { CopyWriter } from './copy-writer.js';
import { encodeValues, forgetValues, type RowValues } from './row-values.js';

const writeText = (writer: CopyWriter, text: string): void => writer.text(text);
/** A length of four bytes, then the text. */
const textOf = ({ bytes }: RowValues): string => Buffer.from(bytes).toString('utf8', 4);

describe('values of rows in memory that is used again', () => {
  it('stay as they were written until they are forgotten, whatever is written and forgotten meanwhile', () => {
    const step = fc.oneof(
      { weight: 3, arbitrary: fc.record({ length: fc.oneof({ weight: 20, arbitrary: fc.nat({ max: 3_000 }) }, { weight: 1, arbitrary: fc.nat({ max: 400_000 }) }) }) },
      { weight: 2, arbitrary: fc.record({ forget: fc.nat() }) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400, minLength: 100 }), (steps) => {
        const kept: { values: RowValues; text: string }[] = [];
        for (const [at, what] of steps.entries()) {
          if ('length' in what) {
            const text = `${at}`.padEnd(what.length, '-');
            kept.push({ values: encodeValues(writeText, text), text });
          } else if (kept.length > 0) {
            const [row] = kept.splice(what.forget % kept.length, 1) as [(typeof kept)[number]];
            expect(textOf(row.values)).toBe(row.text);
            forgetValues(row.values);
          }
        }
        for (const { values, text } of kept) {
          expect(textOf(values)).toBe(text);
          forgetValues(values);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('are written where others stood that are forgotten', () => {
    const rows = Array.from({ length: 1_000 }, (_, index) => encodeValues(writeText, `${index}`.padEnd(1_500)));
    const memories = new Set(rows.map(({ memory }) => memory));
    for (const row of rows) forgetValues(row);
    const again = Array.from({ length: 1_000 }, () => encodeValues(writeText, 'again'.padEnd(1_500)));
    expect(again.every((row) => textOf(row) === 'again'.padEnd(1_500))).toBe(true);
    expect(memories.size).toBeGreaterThan(4);
    expect([...new Set(again.map(({ memory }) => memory))].every((memory) => memories.has(memory))).toBe(true);
    for (const row of again) forgetValues(row);
  });
});
