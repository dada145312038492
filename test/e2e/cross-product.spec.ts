import { startGatewayProcess, type GatewayProcess } from '../support/gateway-process.js';
import { CHAT_COMPLETIONS, MESSAGES, RESPONSES, type Asked, type Got, type InboundClient } from '../support/inbound-clients.js';
import { Operator } from '../support/operator.js';
import { answers, fails, UpstreamSimulator, type Scenario } from '../support/upstream-simulator/index.js';

/** Every inbound chat protocol × every upstream chat protocol the simulator speaks × what chat can do: generated, and printed as a table. */
const INBOUND: readonly InboundClient[] = [CHAT_COMPLETIONS, MESSAGES, RESPONSES];
const UPSTREAM = { 'openai-chat': 'openai-compatible', 'anthropic-messages': 'anthropic-compatible', 'gemini-generate': 'gemini' } as const;
type Upstream = keyof typeof UPSTREAM;

const USAGE = { prompt: 40, completion: 12, cached: 16 };
const CALL = { name: 'get_weather', arguments: { city: 'Seoul' } };

interface Feature {
  name: string;
  asked: Omit<Asked, 'model' | 'stream'>;
  scenario: Scenario;
  expected: Partial<Got>;
}

const FEATURES: readonly Feature[] = [
  { name: 'text', asked: {}, scenario: answers({ text: '안녕 hello 👋' }), expected: { text: '안녕 hello 👋', finish: 'stop', ended: true } },
  { name: 'tools', asked: { tools: true }, scenario: answers({ toolCalls: [CALL] }), expected: { calls: [CALL], finish: 'tool_calls', ended: true } },
  {
    name: 'parallel tools',
    asked: { tools: true },
    scenario: answers({ toolCalls: [CALL, { name: 'get_weather', arguments: { city: 'Tokyo' } }] }),
    expected: { calls: [CALL, { name: 'get_weather', arguments: { city: 'Tokyo' } }], finish: 'tool_calls' },
  },
  {
    name: 'tool results',
    asked: { tools: true, toolResult: true },
    scenario: answers({ text: 'It is 21 degrees.' }),
    expected: { text: 'It is 21 degrees.', finish: 'stop' },
  },
  {
    name: 'reasoning',
    asked: { reasoning: true },
    scenario: answers({ reasoning: 'Let me think.', text: 'Done.' }),
    expected: { text: 'Done.', reasoning: 'Let me think.' },
  },
  { name: 'vision', asked: { image: true }, scenario: answers({ text: 'a pixel' }), expected: { text: 'a pixel' } },
  { name: 'JSON schema', asked: { schema: true }, scenario: answers({ text: '{"city":"Seoul"}' }), expected: { text: '{"city":"Seoul"}', finish: 'stop' } },
  { name: 'refusal', asked: {}, scenario: answers({ text: 'no', finish: 'content_filter' }), expected: { finish: 'content_filter' } },
  { name: 'length', asked: { maxTokens: 2000 }, scenario: answers({ text: 'cut', finish: 'length' }), expected: { text: 'cut', finish: 'length' } },
  { name: 'usage', asked: {}, scenario: answers({ text: 'x', usage: USAGE }), expected: { usage: USAGE } },
  { name: 'error', asked: {}, scenario: fails(429, { message: 'slow down' }, { headers: { 'retry-after': '2' } }), expected: { status: 429 } },
];

describe('cross product of protocols', () => {
  let simulator: UpstreamSimulator;
  let gateway: GatewayProcess;
  const results = new Map<string, boolean>();

  beforeAll(async () => {
    simulator = await UpstreamSimulator.start();
    gateway = await startGatewayProcess();
    const upstreams = Object.entries(UPSTREAM) as [Upstream, string][];
    await new Operator(gateway).apply({
      version: 1,
      providers: upstreams.map(([protocol, type]) => ({
        id: protocol,
        type,
        base_url: simulator.baseUrl(protocol),
        credentials: [{ id: 'main', key: 'k' }],
        health: 'off',
      })),
      models: upstreams.map(([protocol]) => ({
        id: `cross/${protocol}`,
        serve: [{ provider: protocol, model: protocol }],
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

  const cases = INBOUND.flatMap((inbound) =>
    (Object.keys(UPSTREAM) as Upstream[]).flatMap((upstream) =>
      FEATURES.flatMap((feature) => [false, true].map((stream) => ({ inbound, upstream, feature, stream }))),
    ),
  );

  it.each(cases.map((one) => [`${one.inbound.name} → ${one.upstream}: ${one.feature.name}${one.stream ? ', streamed' : ''}`, one] as const))(
    '%s',
    async (name, { inbound, upstream, feature, stream }) => {
      results.set(name, false);
      simulator.on(upstream, feature.scenario);
      const got = await inbound.ask(gateway, { model: `cross/${upstream}`, stream, ...feature.asked });
      expect(got).toMatchObject(feature.expected);
      results.set(name, true);
    },
  );
});

function renderTable(results: ReadonlyMap<string, boolean>): string {
  const rows = INBOUND.flatMap((inbound) =>
    Object.keys(UPSTREAM).map((upstream) => {
      const cells = FEATURES.map(({ name }) =>
        [`${inbound.name} → ${upstream}: ${name}`, `${inbound.name} → ${upstream}: ${name}, streamed`]
          .map((key) => (results.get(key) === true ? '✓' : '✗'))
          .join(''),
      );
      return `| ${inbound.name} → ${upstream} | ${cells.join(' | ')} |`;
    }),
  );
  return [`| cross product (whole, streamed) | ${FEATURES.map(({ name }) => name).join(' | ')} |`, ...rows].join('\n');
}
