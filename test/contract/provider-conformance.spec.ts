import type { Deployment } from '../../src/core/catalog/model.js';
import type { ChatEvent, StreamItem } from '../../src/core/chat/event.js';
import { ResponseOfEvents } from '../../src/core/chat/response-of-events.js';
import type { ChatResponse } from '../../src/core/chat/response.js';
import type { UpstreamFailure } from '../../src/core/errors/upstream-failure.js';
import { scanBody } from '../../src/core/json/index.js';
import { DEFINITIONS, type ProviderDefinition } from '../../src/providers/definitions/index.js';
import type { PreparedCall, UpstreamExchange } from '../../src/providers/exchange.js';
import { UPSTREAM_PROTOCOLS } from '../../src/providers/protocols.js';
import { CANARY, catalogue, ConformanceBed, type Answer } from './conformance-bed.js';
import { COMPATIBLE_FIXTURES } from './compatible-fixtures.js';
import { PROVIDER_FIXTURES, type ProviderFixture } from './provider-fixtures.js';

/** The sandbox's upstream is in the process and has tests of its own (src/sandbox). */
const OVER_SOCKETS = DEFINITIONS.filter((definition) => definition.inProcess !== true && (definition.endpoints ?? ['chat']).includes('chat'));
const WITHOUT_CHAT = DEFINITIONS.filter((definition) => !(definition.endpoints ?? ['chat']).includes('chat'));
const FIXTURES: Readonly<Record<string, ProviderFixture>> = { ...PROVIDER_FIXTURES, ...COMPATIBLE_FIXTURES };

/** What an OpenAI client sends; every provider gets what it can take of it. */
const REQUEST = {
  model: 'public/name',
  messages: [
    { role: 'developer', content: 'Be brief.' },
    { role: 'user', content: 'Weather in Seoul?' },
  ],
  tools: [
    {
      type: 'function',
      function: { name: 'weather', description: 'weather of a city', parameters: { type: 'object', properties: { city: { type: 'string' } } } },
    },
  ],
  max_tokens: 64,
  temperature: 1.5,
  seed: 7,
  top_k: 5,
  logit_bias: { '50256': -100 },
};

let bed: ConformanceBed;

beforeAll(async () => {
  bed = await ConformanceBed.start();
});
afterAll(() => bed.stop());

function exchangeOf(deployment: Deployment, stream: boolean, wire: Record<string, unknown> = REQUEST): UpstreamExchange {
  const request = UPSTREAM_PROTOCOLS['openai-chat'].parseRequest({ ...wire, stream });
  return { deployment, request, clientProtocol: 'openai-chat', passThrough: { cookie: 'session=1', 'x-forwarded-for': '10.0.0.1', 'anthropic-beta': 'x' } };
}

interface Outcome {
  prepared: PreparedCall;
  status: number | null;
  events: ChatEvent[];
  response: ChatResponse | null;
  failure: UpstreamFailure | null;
  endings: string[];
}

function run(exchange: UpstreamExchange, answer: Answer): Promise<Outcome> {
  bed.next = answer;
  const prepared = bed.adapter.prepare(exchange);
  const outcome: Outcome = { prepared, status: null, events: [], response: null, failure: null, endings: [] };
  return new Promise((resolve) => {
    const end = (what: string) => {
      outcome.endings.push(what);
      setTimeout(() => resolve(outcome), 5);
    };
    bed.adapter.call(prepared, {
      onHeaders: ({ status }) => (outcome.status = status),
      onItem: (item: StreamItem) => outcome.events.push(...item.events),
      onResponse: (response) => (outcome.response = response),
      onEnd: () => end('end'),
      onFailure: (failure) => {
        outcome.failure = failure;
        end('failure');
      },
    });
  });
}

const json = (body: unknown, status = 200, headers = {}): Answer => ({ status, type: 'application/json', body: JSON.stringify(body), headers });
const events = (body: string, { binary }: Pick<ProviderFixture, 'binary'> = {}): Answer => ({
  status: 200,
  type: 'text/event-stream; charset=utf-8',
  body,
  ...(binary === true && { encoding: 'latin1' }),
});
const gathered = (outcome: Outcome): ChatResponse => {
  const whole = new ResponseOfEvents();
  for (const event of outcome.events) whole.push(event);
  return whole.response();
};
const textOf = (response: ChatResponse, type: 'text' | 'reasoning') =>
  response.choices[0]?.parts.map((part) => (part.type === type ? (part as { text: string }).text : '')).join('');

function expectAnswer(response: ChatResponse | null, fixture: ProviderFixture): void {
  expect(response).not.toBeNull();
  const answer = response as ChatResponse;
  expect(textOf(answer, 'text')).toBe(fixture.text);
  expect(textOf(answer, 'reasoning')).toBe(fixture.reasoning);
  expect(answer.choices[0]?.finish).toBe('stop');
  expect(answer.usage).toMatchObject(fixture.usage);
}

it('ends one call, and blames nobody else, when what it passes on is not taken', async () => {
  const fixture = PROVIDER_FIXTURES['openai'] as ProviderFixture;
  bed.next = events(fixture.stream, fixture);
  const prepared = bed.adapter.prepare(exchangeOf(bed.deploymentOf(OVER_SOCKETS[0] as ProviderDefinition, fixture.model), true));
  const failure = await new Promise<UpstreamFailure>((resolve) => {
    bed.adapter.call(prepared, {
      onItem: () => {
        throw new Error('a bug of ours');
      },
      onFailure: resolve,
    });
  });
  expect(failure).toMatchObject({ code: 'internal_error', health: 'none' });
  expect(bed.defects.map((error) => error.message)).toEqual(['a bug of ours']);
});

it('has fixtures for every definition, and no others', () => {
  expect(Object.keys(FIXTURES).toSorted()).toEqual(OVER_SOCKETS.map((definition) => definition.id).toSorted());
});

it('states the evidence of providers without chat, whose models say what they serve', () => {
  expect(WITHOUT_CHAT.length).toBeGreaterThan(0);
  for (const definition of WITHOUT_CHAT) {
    expect(definition.evidence.length).toBeGreaterThan(0);
    const rows = catalogue.listByProvider(definition.id);
    expect(rows.length).toBeGreaterThan(0);
    for (const row of rows) expect(definition.endpoints).toEqual(expect.arrayContaining([...row.endpoints]));
  }
});

describe.each(OVER_SOCKETS.map((definition) => [definition.id, definition] as const))('%s', (id, definition) => {
  const fixture = FIXTURES[id] as ProviderFixture;
  const deployment = (): Deployment => bed.deploymentOf(definition, fixture.model);

  it('states its sources', () => {
    expect(definition.evidence.length).toBeGreaterThan(0);
    for (const { source, date } of definition.evidence)
      expect({ source, date }).toEqual({ source: expect.stringMatching(/\S/), date: expect.stringMatching(/^\d{4}-\d{2}-\d{2}$/) });
    expect(Buffer.byteLength(JSON.stringify(definition))).toBeLessThan(4_000);
  });

  it('reads a whole answer', async () => {
    const outcome = await run(exchangeOf(deployment(), false), json(fixture.answer));
    expect(outcome.failure).toBeNull();
    expect(outcome.endings).toEqual(['end']);
    expectAnswer(outcome.response, fixture);
  });

  it('reads a stream', async () => {
    const outcome = await run(exchangeOf(deployment(), true), events(fixture.stream, fixture));
    expect(outcome.failure).toBeNull();
    expect(outcome.endings).toEqual(['end']);
    expect(outcome.events.filter((event) => event.type === 'finish')).toHaveLength(1);
    expect(outcome.events.at(-1)).toEqual({ type: 'end' });
    expectAnswer(gathered(outcome), fixture);
  });

  it('reads a tool call out of a stream, or takes no tools', async () => {
    if (fixture.toolStream === null) {
      await run(exchangeOf(deployment(), true), events(fixture.stream, fixture));
      expect(JSON.parse(bed.received.body)).not.toHaveProperty('tools');
      expect(catalogue.listByProvider(id).map((row) => row.capabilities.tools)).not.toContain(true);
      return;
    }
    const outcome = await run(exchangeOf(deployment(), true), events(fixture.toolStream, fixture));
    const [choice] = gathered(outcome).choices;
    const call = choice?.parts.find((part) => part.type === 'tool-call');
    expect(call).toMatchObject({ name: 'weather' });
    expect(JSON.parse((call as { arguments: string }).arguments)).toEqual({ city: 'Seoul' });
    expect(choice?.finish).toBe('tool_calls');
  });

  it.each([false, true])('judges its error (stream: %s)', async (stream) => {
    const { status, body, code, message } = fixture.error;
    const outcome = await run(exchangeOf(deployment(), stream), json(body, status, { 'retry-after': '3' }));
    expect(outcome.endings).toEqual(['failure']);
    expect(outcome.failure).toMatchObject({ code, kind: status === 200 ? 'invalid' : 'http' });
    expect(outcome.failure?.message).toContain(message);
    if (code === 'upstream_rate_limited' || code === 'upstream_overloaded') expect(outcome.failure?.retryAfterMs).toBe(3_000);
  });

  it('takes JSON for a stream and a stream for JSON (F56)', async () => {
    const asItems = await run(exchangeOf(deployment(), true), json(fixture.answer));
    expect(asItems.endings).toEqual(['end']);
    expectAnswer(gathered(asItems), fixture);
    const asOne = await run(exchangeOf(deployment(), false), events(fixture.stream, fixture));
    expect(asOne.endings).toEqual(['end']);
    expectAnswer(asOne.response, fixture);
  });

  it.each([
    ['a web page', { status: 200, type: 'text/html', body: '<html><body>Log in</body></html>' }],
    ['broken JSON', { status: 200, type: 'application/json', body: '{"choices": [' }],
    ['other JSON', { status: 200, type: 'application/json', body: '{"hello": "world"}' }],
    ['nothing', { status: 200, type: 'application/json', body: '' }],
  ])('does not take %s for an answer', async (_name, answer) => {
    const outcome = await run(exchangeOf(deployment(), false), answer);
    expect(outcome.endings).toEqual(['failure']);
    expect(outcome.failure).toMatchObject({ code: 'upstream_invalid_response', tryElsewhere: true });
  });

  it('does not take a cut stream for a whole one', async () => {
    const frameEnd = fixture.frameEnd ?? '\n\n';
    const cut = fixture.stream.slice(0, fixture.stream.indexOf(frameEnd, fixture.stream.indexOf('Seoul is')) + frameEnd.length);
    const outcome = await run(exchangeOf(deployment(), true), events(cut, fixture));
    expect(outcome.endings).toEqual(['failure']);
    expect(outcome.failure).toMatchObject({ code: 'upstream_interrupted', maybeBilled: true });
  });

  it('sends what the provider takes, reports the rest under the client’s names', async () => {
    const outcome = await run(exchangeOf(deployment(), true), events(fixture.stream, fixture));
    const wire = JSON.parse(bed.received.body) as Record<string, unknown>;
    for (const name of fixture.absent) expect(wire).not.toHaveProperty([name]);
    expect(wire).toMatchObject(fixture.present);
    const names = outcome.prepared.report.map((item) => item.parameter);
    for (const name of fixture.reported) expect(names).toContain(name);
    for (const name of names) expect(Object.keys(REQUEST)).toContain(name);
  });

  it('sends exactly these headers, the key in one of them (A10)', async () => {
    await run(exchangeOf(deployment(), false), json(fixture.answer));
    const allowed = ['host', 'connection', 'accept', 'accept-encoding', 'content-type', 'content-length', 'user-agent', 'via', 'anthropic-version'];
    const auth = Object.keys(bed.received.headers).filter((name) => !allowed.includes(name));
    expect(auth).toHaveLength(1);
    const value = String(bed.received.headers[auth[0] as string]);
    expect(value.replace('Bearer ', '')).toBe(CANARY);
    expect(bed.received.headers['accept-encoding']).toBe('identity');
    expect(bed.received.path + bed.received.body).not.toContain(CANARY);
  });

  it('never lets its key out through an error (A09)', async () => {
    const { body } = fixture.error;
    const text = JSON.stringify(body).replace(/"message":"[^"]*"/, `"message":"Your key ${CANARY} is bad"`);
    for (const stream of [false, true]) {
      const outcome = await run(exchangeOf(deployment(), stream), { status: 400, type: 'application/json', body: text });
      expect(JSON.stringify(outcome.failure)).not.toContain(CANARY);
    }
    const outcome = await run(exchangeOf(deployment(), false), { status: 500, type: 'text/plain', body: `crash: key=${CANARY}` });
    expect(JSON.stringify(outcome.failure)).not.toContain(CANARY);
  });

  it('keeps the client’s bytes in the native lane', async () => {
    if (definition.protocol !== 'openai-chat') return;
    const bytes = Buffer.from(
      '{ "model":"public/name",  "messages":[{"role":"user","content":"caf\\u00e9","x":12345678901234567890}], "seed": 9007199254740993, "max_tokens":64 }',
    );
    const body = scanBody(bytes);
    const request = UPSTREAM_PROTOCOLS['openai-chat'].parseRequest(body.value);
    const outcome = await run({ deployment: deployment(), request, clientProtocol: 'openai-chat', body }, json(fixture.answer));
    expect(outcome.prepared.native).toBe(true);
    expect(bed.received.body).toContain('[{"role":"user","content":"caf\\u00e9","x":12345678901234567890}]');
    if (fixture.absent.includes('seed')) expect(bed.received.body).not.toContain('"seed"');
    else expect(bed.received.body).toContain('"seed": 9007199254740993');
  });
});
