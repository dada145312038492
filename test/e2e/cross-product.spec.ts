import { FEATURES, UPSTREAMS, type Feature, type Upstream } from '../support/cross-product.js';
import { startGatewayProcess, type GatewayProcess } from '../support/gateway-process.js';
import { CHAT_COMPLETIONS, COMPLETIONS, MESSAGES, RESPONSES, type Got, type InboundClient } from '../support/inbound-clients/index.js';
import { Operator } from '../support/operator.js';
import { answers, UpstreamSimulator } from '../support/upstream-simulator/index.js';

/** Every inbound chat protocol × every upstream chat protocol × what chat can do: generated, and printed as a table. */
const INBOUND: readonly InboundClient[] = [CHAT_COMPLETIONS, RESPONSES, MESSAGES, COMPLETIONS];
/** Anthropic's envelope has a type where OpenAI's has a code. */
const AS_MESSAGES: Readonly<Record<string, string>> = { unsupported_parameter: 'invalid_request_error', invalid_request: 'invalid_request_error' };

interface Case {
  inbound: InboundClient;
  upstream: Upstream;
  feature: Feature;
  stream: boolean;
}

const CASES: readonly Case[] = INBOUND.flatMap((inbound) =>
  UPSTREAMS.flatMap((upstream) =>
    FEATURES.filter((feature) => feature.plain === true || inbound !== COMPLETIONS).flatMap((feature) =>
      [false, true].map((stream) => ({ inbound, upstream, feature, stream })),
    ),
  ),
);
const nameOf = ({ inbound, upstream, feature, stream }: Case): string => `${inbound.name} → ${upstream.protocol}: ${feature.name}${stream ? ', streamed' : ''}`;

describe('cross product of protocols', () => {
  let simulator: UpstreamSimulator;
  let gateway: GatewayProcess;
  const results = new Map<string, string>();

  beforeAll(async () => {
    simulator = await UpstreamSimulator.start();
    gateway = await startGatewayProcess();
    await new Operator(gateway).apply({
      version: 1,
      providers: UPSTREAMS.map(({ protocol, type }) => ({
        id: protocol,
        type,
        base_url: simulator.baseUrl(protocol),
        credentials: [
          type === 'bedrock' ? { id: 'main', access_key_id: 'AKIDEXAMPLE', secret_access_key: 's', region: 'eu-west-1' } : { id: 'main', key: 'k' },
        ],
        health: 'off',
      })),
      models: [...UPSTREAMS, BEDROCK_WITHOUT_SCHEMAS].map(({ protocol, model }) => ({
        id: modelId({ protocol, model }),
        serve: [{ provider: protocol, model, protocol }],
        price: { input: '1', output: '2' },
        capabilities: { tools: true, vision: true, json_schema: true, reasoning: true, context_window: 100_000, max_output: 4000 },
      })),
    });
  }, 60_000);

  afterAll(async () => {
    process.stdout.write(`${renderTable(results)}\n`);
    await gateway?.remove();
    await simulator?.stop();
  });

  it.each(CASES.map((one) => [nameOf(one), one] as const))('%s', async (name, one) => {
    const { inbound, upstream, feature, stream } = one;
    results.set(name, '✗');
    simulator.reset();
    simulator.on(upstream.model, feature.scenario);
    const got = await inbound.ask(gateway, { model: modelId(upstream), stream, ...feature.asked });
    const expected = expectedOf(one);
    expect(got).toMatchObject(expected);
    const refused = expected.status === 400;
    if (refused) expect(got.errorMessage).toMatch(/`[a-z]+\[\d+\]/);
    expect(simulator.requests.length > 0).toBe(!refused);
    if (!refused && feature.sent !== undefined) expect(simulator.requests[0]?.body.toString('utf8')).toMatch(feature.sent);
    results.set(name, refused ? '4' : '✓');
  });

  it('a strict schema that a model behind Bedrock cannot be bound to is refused by its name', async () => {
    simulator.reset();
    const model = modelId(BEDROCK_WITHOUT_SCHEMAS);
    simulator.on(BEDROCK_WITHOUT_SCHEMAS.model, answers('{}'));
    const chat = await CHAT_COMPLETIONS.ask(gateway, { model, stream: false, schema: true });
    expect(chat).toMatchObject({ status: 400, errorCode: 'unsupported_parameter', errorParam: 'response_format' });
    const responses = await RESPONSES.ask(gateway, { model, stream: true, schema: true });
    expect(responses).toMatchObject({ status: 400, errorCode: 'unsupported_parameter', errorParam: 'text.format' });
    expect(simulator.requests).toHaveLength(0);
  });
});

const BEDROCK_WITHOUT_SCHEMAS = { protocol: 'bedrock-converse', model: 'simulated.plain-text' } as const;
const modelId = ({ protocol, model }: Pick<Upstream, 'protocol' | 'model'>): string => `cross/${protocol}/${model}`;

function expectedOf({ inbound, upstream, feature, stream }: Case): Partial<Got> {
  const expected = { ...feature.expected, ...feature.except?.[upstream.protocol] };
  if (feature.except?.[upstream.protocol]?.status !== undefined) return inClientWords(feature.except[upstream.protocol] as Partial<Got>, inbound);
  if (feature.name !== 'error in a stream') return expected;
  // Two words went out: the status can no longer say it, the stream must. Whole answers come as a failure of the provider.
  return stream ? { status: 200, text: 'one two ', ended: false } : { status: 502 };
}

function inClientWords(expected: Partial<Got>, inbound: InboundClient): Partial<Got> {
  const code = expected.errorCode ?? '';
  return { ...expected, errorCode: inbound === MESSAGES ? (AS_MESSAGES[code] ?? code) : code };
}

/** Per cell: whole, streamed. ✓ works, 4 is refused with the parameter's name before anything is sent, ✗ fails, · is not in the client's grammar. */
function renderTable(results: ReadonlyMap<string, string>): string {
  const rows = INBOUND.flatMap((inbound) =>
    UPSTREAMS.map((upstream) => {
      const cells = FEATURES.map((feature) => [false, true].map((stream) => results.get(nameOf({ inbound, upstream, feature, stream })) ?? '·').join(''));
      return `| ${inbound.name} → ${upstream.protocol} | ${cells.join(' | ')} |`;
    }),
  );
  return [`| cross product (whole, streamed) | ${FEATURES.map(({ name }) => name).join(' | ')} |`, ...rows].join('\n');
}
