import fc from 'fast-check';
import { aCaller, aDeployment, aModel, aQuestion, aRequest, aRoute, aSnapshot, aWorld, needs } from '../../../test/fixtures/routing.js';
import { JsonBytes } from '../json/index.js';
import { planAttempts } from './plan-attempts.js';
import { parseRoutingRecord, questionOfRecord, routingRecordOf, USUAL_ROUTING, writeRoutingRecord, type RoutingRecord } from './routing-record.js';

const AB = aSnapshot(
  [aModel('m', [aDeployment('a'), aDeployment('b'), aDeployment('c', { protocol: 'anthropic-messages' })]), aModel('n', [aDeployment('d')])],
  [aRoute({ strategy: { kind: 'weighted', arms: { one: { weight: 1, to: 'a' }, two: { weight: 1, to: 'n' } } }, fallbacks: [{ model: 'n', class: 'degraded' }] })],
);

describe('the record of a plan', () => {
  it('makes the same plan again, without a word of the request', () => {
    const scene = fc.record({
      seed: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      streaming: fc.boolean(),
      promptTokensEstimate: fc.integer({ min: 0, max: 10_000 }),
      text: fc.constantFrom('hi', 'x'.repeat(6_000)),
      signed: fc.boolean(),
      noFallback: fc.boolean(),
      allowDegraded: fc.boolean(),
      sessionId: fc.option(fc.string({ minLength: 1 }), { nil: undefined }),
      models: fc.constantFrom<string[] | undefined>(undefined, ['n']),
    });
    fc.assert(
      fc.property(scene, ({ seed, streaming, promptTokensEstimate, text, signed, noFallback, allowDegraded, sessionId, models }) => {
        const messages = [
          { role: 'user' as const, parts: [{ type: 'text' as const, text }] },
          ...(signed ? [{ role: 'assistant' as const, parts: [{ type: 'reasoning' as const, text: 't', signature: 's', origin: 'anthropic-messages' as const }] }] : []),
        ];
        const caller = aCaller({ providers: { deny: ['b'] } });
        const question = aQuestion('m', {
          request: aRequest('m', { messages, ...(models === undefined ? {} : { models }) }),
          needs: needs({ streaming, promptTokensEstimate }),
          caller,
          options: { noFallback, allowDegraded, ...(sessionId === undefined ? {} : { sessionId }) },
        });
        const plan = planAttempts(question, aWorld(AB, { seed }));
        const stored = storedOf(routingRecordOf(question, plan));
        expect(JSON.stringify(stored)).not.toContain('xxx');
        const record = parseRoutingRecord(stored);
        if (record === null) throw new Error('the record cannot be read');
        const again = planAttempts(questionOfRecord(record, { caller, tags: [], sessionId }), aWorld(AB, { seed: record.seed }));
        const seen = (made: typeof plan) => made.candidates.map(({ deployment, place, excluded, reasons }) => [deployment.id, place, excluded, reasons]);
        expect(seen(again)).toEqual(seen(plan));
        expect([again.arm, again.affinityKey]).toEqual([plan.arm, plan.affinityKey]);
      }),
      { seed: 20261129, numRuns: 200 },
    );
  });

  it.each([null, 'x', {}, { models: [] }, { models: ['m'] }, { models: ['m'], seed: 'x', needs: [] }])('%j is none', (value) => {
    expect(parseRoutingRecord(value)).toBeNull();
  });
});

function storedOf(record: RoutingRecord): unknown {
  const json = new JsonBytes();
  json.beginWhole();
  writeRoutingRecord(json, record);
  json.endObject();
  return { ...USUAL_ROUTING, ...(JSON.parse(json.bytes.toString('utf8', 0, json.length)) as object) };
}
