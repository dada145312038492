import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { TOKEN_CLASSES, type Usage } from '../../core/chat/usage.js';
import type { AdmittedRecord, EndedRecord, ForwardedRecord, JournalRecord } from '../../core/ledger/index.js';
import { parsePrice } from '../../core/pricing/index.js';
import { decodeLine, encodeRecord } from './journal-codec.js';
import { JournalLines } from './journal-lines.js';

const text = fc.oneof(fc.string({ unit: fc.constantFrom(...'abcXYZ019_-/.: ') }), fc.string(), fc.string({ unit: 'binary' }));
const count = fc.oneof(fc.nat({ max: 2_000 }), fc.nat(), fc.maxSafeNat());
const number = fc.oneof(count, fc.integer({ min: 1_700_000_000_000, max: 1_900_000_000_000 }), fc.double({ noNaN: true, noDefaultInfinity: true, min: 0, max: 1e15 }));
const money = fc.oneof(fc.bigInt({ min: 0n, max: 5_000_000_000n }), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 70n }));
const or = <Value>(arbitrary: fc.Arbitrary<Value>): fc.Arbitrary<Value | null> => fc.option(arbitrary, { nil: null });
const usage = fc.record(Object.fromEntries(TOKEN_CLASSES.map((tokenClass) => [tokenClass, count]))) as unknown as fc.Arbitrary<Usage>;

const admitted: fc.Arbitrary<AdmittedRecord> = fc.record({
  type: fc.constant('admitted'),
  requestId: text, engineId: count, organizationId: text, projectId: text, keyId: text, model: text, holdNanoUsd: money, expectedCostNanoUsd: money,
  parts: fc.array(fc.record({ ceilingId: count, kind: fc.constantFrom('account', 'budget'), leaseNumber: fc.integer(), amountNanoUsd: money }), { maxLength: 4 }),
  receivedAtMs: number, admittedAtMs: number,
}, { noNullPrototype: true });
const forwarded: fc.Arbitrary<ForwardedRecord> = fc.record({
  type: fc.constant('forwarded'), requestId: text, number: count, provider: text, upstreamModel: text, atMs: number,
}, { noNullPrototype: true });
const lines = fc.array(fc.record({ class: text, quantity: count, priceNanoUsd: text, unit: fc.constantFrom('per_image', 'per_second') }, { noNullPrototype: true }), { maxLength: 1 });
const ended: fc.Arbitrary<EndedRecord> = fc.record({
  type: fc.constant('ended'),
  requestId: text,
  outcome: fc.record({
    state: fc.constantFrom('completed', 'failed', 'canceled'), worthNanoUsd: money, providerCostNanoUsd: money, suspenseNanoUsd: money, usage,
    units: fc.record({ requests: count, images: count, seconds: number }, { noNullPrototype: true }), estimated: fc.boolean(), lines, priceId: or(text),
  }, { noNullPrototype: true }),
  attempts: count, provider: or(text), upstreamModel: or(text), servedModel: or(text), forwardedAtMs: or(number), firstTokenAtMs: or(number), endedAtMs: number,
}, { noNullPrototype: true });
const price: JournalRecord = { type: 'price', price: parsePrice({ input: '3', output: '15' }, 'price') };

const written = (of: JournalLines): string => Buffer.from(of.bytes).toString('utf8', 0, of.byteCount);

describe('lines of the journal', () => {
  it('are read back as what was written, as lines of the general encoder are', () => {
    const journal = new JournalLines();
    fc.assert(
      fc.property(fc.array(fc.oneof(admitted, forwarded, ended, fc.constant(price)), { minLength: 1, maxLength: 12 }), (records) => {
        journal.clear();
        for (const record of records) journal.append(record);
        const same: unknown = JSON.parse(JSON.stringify(records, bigintAsTag), tagAsBigint);
        for (const all of [written(journal), records.map(encodeRecord).join('')]) expect(all.split('\n').slice(0, -1).flatMap(decodeLine)).toEqual(same);
      }),
    );
  });

  it('hold an admission and its first attempt together', () => {
    const journal = new JournalLines();
    fc.assert(
      fc.property(admitted, forwarded, ended, (first, attempt, last) => {
        journal.clear();
        const second = { ...attempt, requestId: first.requestId };
        journal.append(first, second);
        journal.append(last);
        const lines = written(journal).split('\n').slice(0, -1);
        expect([lines.length, lines.flatMap(decodeLine)]).toEqual([2, JSON.parse(JSON.stringify([first, second, last], bigintAsTag), tagAsBigint)]);
      }),
    );
  });

  it('are read as the program before wrote them, with names and without what is zero', () => {
    const json = '{"type":"ended","requestId":"r","outcome":{"state":"completed","worthNanoUsd":"5","usage":{"output":3},"units":{"requests":1}},"attempts":1,"endedAtMs":9}';
    const [record] = decodeLine(`${crc32(json).toString(16).padStart(8, '0')} ${json}`) as [EndedRecord];
    expect(record).toMatchObject({ requestId: 'r', provider: null, firstTokenAtMs: null, endedAtMs: 9 });
    expect(record.outcome).toMatchObject({ worthNanoUsd: 5n, suspenseNanoUsd: 0n, estimated: false, lines: [], priceId: null });
    expect([record.outcome.usage.input, record.outcome.usage.output, record.outcome.units.images]).toEqual([0, 3, 0]);
  });

  it('grow as far as they must, and a record that cannot be written leaves those before it', () => {
    const journal = new JournalLines();
    const [record] = fc.sample(forwarded, 1) as [ForwardedRecord];
    const long = { ...record, provider: 'p'.repeat(50_000), upstreamModel: '모델'.repeat(20_000) };
    journal.append(record);
    journal.append(long);
    expect(() => journal.append({ type: 'ended', requestId: 'r' } as EndedRecord)).toThrow(TypeError);
    journal.append(record);
    expect(written(journal).split('\n').slice(0, -1).flatMap(decodeLine)).toEqual([record, long, record]);
  });
});

const bigintAsTag = (_name: string, value: unknown): unknown => (typeof value === 'bigint' ? { bigint: String(value) } : value);
const tagAsBigint = (_name: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null && 'bigint' in value ? BigInt(value.bigint as string) : value;
