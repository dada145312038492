import fc from 'fast-check';
import { literal } from '../../src/billing/posting/row-parameters.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

describe('array literals', () => {
  let fixture: TestDatabase;
  beforeAll(async () => {
    fixture = await createTestDatabase();
  });
  afterAll(() => fixture.drop());

  it('are read by PostgreSQL as what they were', async () => {
    // PostgreSQL takes no U+0000 in text.
    const text = fc.string({ unit: 'grapheme' }).map((value) => value.replaceAll('\u0000', ''));
    const element = fc.oneof(text, fc.constantFrom('NULL', '', '{', '}', ',', '\\"', ' a ', "'"), fc.integer(), fc.bigInt(), fc.constantFrom(null, undefined));
    await fc.assert(
      fc.asyncProperty(fc.array(element), async (elements) => {
        const { rows } = await fixture.database.query<{ read: (string | null)[] }>('SELECT $1::text[] AS read', [literal(elements, (value) => value)]);
        expect(rows[0]?.read).toEqual(elements.map((value) => (value === null || value === undefined ? null : String(value))));
      }),
      { numRuns: 100 },
    );
  });
});
