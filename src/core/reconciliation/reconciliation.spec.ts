import fc from 'fast-check';
import { GatewayError } from '../errors/gateway-error.js';
import { parsePrice } from '../pricing/index.js';
import { decodeCsv } from './decode-csv.js';
import { classify, parseReport, type OurLine } from './index.js';

const MAPPING = { id: 'Request', model: 'Model', cost: 'Cost (USD)', input: 'In', output: 'Out' };

describe('CSV', () => {
  it('takes quotes, line ends and a byte order mark as spreadsheets write them', () => {
    expect(decodeCsv('\ufeffa,"b,""c""",d\r\n"x\ny",,\n\nlast', 10)).toEqual([['a', 'b,"c"', 'd'], ['x\ny', '', ''], ['last']]);
    expect(() => decodeCsv('a,"b', 10)).toThrow(/never closed/);
    expect(() => decodeCsv('a\n'.repeat(11), 10)).toThrow(/more than 9 lines/);
  });

  it('reads back any cells', () => {
    const cell = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r', ' ', '한') });
    fc.assert(
      fc.property(fc.array(fc.array(cell, { minLength: 2, maxLength: 5 }), { minLength: 1, maxLength: 6 }), (rows) => {
        const text = rows.map((row) => row.map((value) => `"${value.replaceAll('"', '""')}"`).join(',')).join('\r\n');
        expect(decodeCsv(text, 10)).toEqual(rows);
      }),
    );
  });
});

describe('reports', () => {
  it('adds up the lines of a request, exactly, however floats are written', () => {
    const report = 'Request,Model,Cost (USD),In,Out\na,m,0.1,10,1\na,m,2e-1,,2\nb,m,1.5e-09,1,1\nb,m,$0.0000000014,,\nc,m,.5,,';
    const lines = parseReport(report, 'csv', MAPPING);
    expect([...lines.values()].map(({ reference, costNanoUsd, tokens }) => [reference, costNanoUsd, tokens])).toEqual([
      ['a', 300_000_000n, { input: 10, output: 3 }],
      ['b', 3n, { input: 1, output: 1 }],
      ['c', 500_000_000n, null],
    ]);
  });

  it('reads JSON by path, by day and model', () => {
    const report = JSON.stringify({ data: [{ at: '2026-11-29T00:00:00Z', line: { model: 'm', amount: 1.25 } }, { at: '2026-11-29', line: { model: 'm', amount: '0.25' } }] });
    const lines = parseReport(report, 'json', { day: 'at', model: 'line.model', cost: 'line.amount' });
    expect([...lines]).toEqual([['2026-11-29 m', { reference: '2026-11-29 m', model: 'm', costNanoUsd: 1_500_000_000n, tokens: null }]]);
  });

  it.each([
    ['1e400', /line 1, Cost \(USD\)/], ['-1', /non-negative/], ['NaN', /non-negative/], ['', /non-negative/], ['.', /non-negative/], ['1,5', /non-negative/], ['Infinity', /non-negative/],
    ['100000001', /more than 100000000/], ['9'.repeat(31), /non-negative/], ['1e99', /non-negative/],
  ])('refuses a cost of %p', (cost, message) => {
    expect(() => parseReport(JSON.stringify([{ Request: 'a', 'Cost (USD)': cost }]), 'json', { id: 'Request', cost: 'Cost (USD)' })).toThrow(message);
  });

  it.each([
    ['a,m,1,-1,0', 'report'], ['a,m,1,1.5,0', 'report'], ['a,m,1,1e3,0', 'report'], ['a,m,1,9999999999999999,0', 'report'], [',m,1,1,1', 'report'],
  ])('refuses the line %s', (line, param) => {
    expect.assertions(1);
    try {
      parseReport(`Request,Model,Cost (USD),In,Out\n${line}`, 'csv', MAPPING);
    } catch (error) {
      expect((error as GatewayError).param).toBe(param);
    }
  });

  it('refuses a mapping that does not fit, and another currency', () => {
    expect(() => parseReport('A,B\n1,2', 'csv', { id: 'A', cost: 'C' })).toThrow(/no column "C"; it has A, B/);
    expect(() => parseReport('[]', 'json', { cost: 'C' })).toThrow(/either id or day/);
    expect(() => parseReport('[]', 'json', { id: 'A', day: 'B', cost: 'C' })).toThrow(/either id or day/);
    expect(() => parseReport('[]', 'json', { day: 'B', cost: 'C' })).toThrow(/mapping.model/);
    expect(() => parseReport('{', 'json', { id: 'A', cost: 'C' })).toThrow(/no JSON/);
    expect(() => parseReport('{"data":{}}', 'json', { id: 'A', cost: 'C' })).toThrow(/list of objects/);
    expect(() => parseReport('A,C,U\n1,2,KRW', 'csv', { id: 'A', cost: 'C', currency: 'U' })).toThrow(/only USD/);
  });
});

describe('classification', () => {
  const our = (reference: string, costNanoUsd: bigint, more: Partial<OurLine> = {}): OurLine => ({ reference, model: 'm', requestId: `req_${reference}`, costNanoUsd, suspenseNanoUsd: 0n, estimate: null, ...more });
  const their = (lines: Record<string, string>) => parseReport(JSON.stringify(Object.entries(lines).map(([id, cost]) => ({ id, cost }))), 'json', { id: 'id', cost: 'cost' });

  it('tells matched, different, ours only and theirs only, and proposes what would make them agree', () => {
    const lines = classify([our('a', 5n), our('b', 5n), our('c', 7n, { suspenseNanoUsd: 2n })], their({ a: '0.000000005', b: '0.000000009', d: '0.000000004' }), 0n);
    expect(lines.map(({ outcome, reference, costNanoUsd, suspenseNanoUsd }) => [outcome, reference, costNanoUsd, suspenseNanoUsd])).toEqual([
      ['matched', 'a', 0n, 0n], ['different', 'b', 4n, 0n], ['ours_only', 'c', -7n, -2n], ['theirs_only', 'd', 4n, 0n],
    ]);
    expect(classify([our('b', 5n)], their({ b: '0.000000009' }), 4n)).toMatchObject([{ outcome: 'matched', costNanoUsd: 0n }]);
  });

  it('after the proposed corrections our cost is theirs, whatever was reported', () => {
    const costs = fc.dictionary(fc.constantFrom(...'abcdefgh'), fc.nat(1_000));
    fc.assert(
      fc.property(costs, costs, (mine, reported) => {
        const lines = classify(
          Object.entries(mine).map(([id, nano]) => our(id, BigInt(nano))),
          their(Object.fromEntries(Object.entries(reported).map(([id, nano]) => [id, `${nano}e-9`]))),
          0n,
        );
        const total = (record: Record<string, number>): bigint => Object.values(record).reduce((sum, nano) => sum + BigInt(nano), 0n);
        return total(mine) + lines.reduce((sum, { costNanoUsd }) => sum + costNanoUsd, 0n) === total(reported) && lines.every(({ refundNanoUsd }) => refundNanoUsd === 0n);
      }),
    );
  });

  it('gives back what an estimate took too much, and never takes more', () => {
    const price = parsePrice({ input: '1', output: '2' }, 'p');
    const estimate = { price, units: { requests: 1, images: 0, seconds: 0 }, chargedNanoUsd: 50_000n, refundedNanoUsd: 5_000n };
    const line = (output: number) => parseReport(JSON.stringify([{ id: 'a', cost: '0', input: 10, output }]), 'json', { id: 'id', cost: 'cost', input: 'input', output: 'output' });
    expect(classify([our('a', 0n, { estimate })], line(10), 0n)).toMatchObject([{ outcome: 'different', refundNanoUsd: 15_000n }]);
    expect(classify([our('a', 0n, { estimate })], line(10_000), 0n)).toMatchObject([{ outcome: 'matched', refundNanoUsd: 0n }]);
  });
});
