import type { UpstreamFailure } from '../../src/core/errors/upstream-failure.js';
import { NO_USAGE } from '../../src/core/chat/usage.js';
import { findWireId, OPERATIONS, parseMultipart, type OperationKind, type OperationResult, type WireId } from '../../src/core/operations/index.js';
import { renderMultipart } from '../../src/core/operations/multipart.js';
import { DEFINITIONS, type ProviderDefinition } from '../../src/providers/definitions/index.js';
import { CANARY, ConformanceBed, type Answer } from './conformance-bed.js';
import { KINDS_OF_ENDPOINT, OPERATION_FIXTURES, unmatchedWires, type OperationFixture } from './operation-fixtures.js';

/** Every operation that every definition promises, through the real adapter over sockets. */
const MODEL = 'upstream-model';
const CASES = DEFINITIONS.filter((definition) => definition.inProcess !== true).flatMap((definition) =>
  (definition.endpoints ?? []).flatMap((endpoint) => KINDS_OF_ENDPOINT[endpoint].map((kind) => [definition.id, kind, definition] as const)),
);

let bed: ConformanceBed;
beforeAll(async () => {
  bed = await ConformanceBed.start();
});
afterAll(() => bed.stop());

it('has a fixture for every wire, and no others', () => {
  expect(unmatchedWires()).toEqual([]);
});

it('every definition without chat promises an operation', () => {
  const silent = DEFINITIONS.filter(({ id, endpoints }) => endpoints !== undefined && !endpoints.includes('chat') && !CASES.some(([known]) => known === id));
  expect(silent).toEqual([]);
});

describe.each(CASES)('%s: %s', (_id, kind, definition) => {
  it('arrives in its wire with the key in one place, and is answered in the client’s', async () => {
    const { fixture, deployment } = of(definition, kind);
    const { result, failure } = await run(definition, kind, { status: 200, type: 'application/json', body: JSON.stringify(fixture.answer) });
    expect(failure).toBeNull();
    expect(bed.received.path.split('?', 1)[0]?.endsWith(fixture.path.replace('{model}', MODEL))).toBe(true);
    const keyed = Object.entries(bed.received.headers).filter(([, value]) => String(value).includes(CANARY));
    expect(keyed).toHaveLength(1);
    expect(bed.received.path + bed.received.body).not.toContain(CANARY);
    const answer = result as OperationResult;
    expect(answer.usage?.input ?? null).toBe(fixture.prompt);
    const reply = answer.render({ requestId: 'req_1', createdS: 1, model: 'public/name', summary: { usage: answer.usage ?? NO_USAGE, estimated: answer.usage === undefined } });
    if (kind === 'speech') expect(Buffer.from(reply.body).toString('latin1')).toBe('RIFF');
    else expect(JSON.parse(String(reply.body))).toMatchObject(fixture.reply);
    expect(deployment.upstreamModel).toBe(MODEL);
  });

  it.each([
    ['a refusal', { status: 429, type: 'application/json', body: '{"error":{"message":"Slow down"}}' }, 'upstream_rate_limited'],
    ['a page', { status: 502, type: 'text/html', body: '<html><title>Bad gateway</title></html>' }, 'upstream_error'],
    ['an answer of another kind', { status: 200, type: 'application/json', body: '{"hello":"world"}' }, 'upstream_invalid_response'],
    ['a broken answer', { status: 200, type: 'application/json', body: '{"data": [' }, 'upstream_invalid_response'],
  ] as const)('does not take %s for an answer', async (_name, answer, code) => {
    const { result, failure } = await run(definition, kind, answer);
    expect(result).toBeNull();
    expect(failure).toMatchObject({ code, tryElsewhere: true });
  });
});

function of(definition: ProviderDefinition, kind: OperationKind): { fixture: OperationFixture; deployment: ReturnType<ConformanceBed['deploymentOf']> } {
  const deployment = bed.deploymentOf(definition, MODEL);
  const fixture = OPERATION_FIXTURES[kind][findWireId(definition.id, deployment.protocol) as WireId];
  if (fixture === undefined) throw new Error(`${definition.id} promises ${kind}, but its wire has none.`);
  return { fixture, deployment };
}

async function run(definition: ProviderDefinition, kind: OperationKind, answer: Answer): Promise<{ result: OperationResult | null; failure: UpstreamFailure | null }> {
  bed.next = answer;
  const { fixture, deployment } = of(definition, kind);
  const operation = OPERATIONS[kind];
  const request = operation.parse(operation.reads === 'form' ? formOf(fixture.asked) : fixture.asked);
  const prepared = bed.adapter.prepareOperation({ operation, request, deployment });
  return new Promise((resolve) => {
    bed.adapter.callOperation(prepared, { onResult: (result) => resolve({ result, failure: null }), onFailure: (failure) => resolve({ result: null, failure }) });
  });
}

function formOf(members: Record<string, unknown>): unknown {
  const fields = Object.entries(members).map(([name, value]) => ({ name, bytes: Buffer.from(String(value)) }));
  const { body, contentType } = renderMultipart([...fields, { name: 'file', fileName: 'a.wav', contentType: 'audio/wav', bytes: Buffer.alloc(64) }]);
  return parseMultipart(body, contentType);
}
