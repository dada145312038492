/** routing.md section 4 row by row: the real gateway, two upstreams on loopback over real sockets. */
import { ChatClient, user, type ChatAnswer } from '../support/chat-client.js';
import { startGatewayProcess, type GatewayProcess } from '../support/gateway-process.js';
import { Operator } from '../support/operator.js';
import { answers, fails, sends, sendsRaw, UpstreamSimulator, type Scenario } from '../support/upstream-simulator/index.js';

const TIMEOUT_MS = 90_000;
const FIRST_BYTE_MS = 700;

interface Row {
  name: string;
  scenario: Scenario;
  status: number;
  code: string;
  /** Another deployment is asked. */
  elsewhere: boolean;
  /** What it says about the deployment. */
  health: 'failure' | 'none' | 'rate-limit' | 'credential' | 'drift';
  /** The provider may have worked on it: when another one answers, its expected cost is ours. The customer pays for the answer alone. */
  suspense?: boolean;
  retryAfter?: string;
  stream?: boolean;
}

const stream = (text: string): Scenario => sends(text, { contentType: 'text/event-stream' });

const ROWS: readonly Row[] = [
  {
    name: 'r400',
    scenario: fails(400, { message: "Invalid 'temperature'.", code: 'invalid_value', param: 'temperature' }),
    status: 400,
    code: 'invalid_request',
    elsewhere: false, health: 'none',
  },
  {
    name: 'r422',
    scenario: fails(422, { message: 'messages: field required', code: 'invalid_request_error' }),
    status: 400,
    code: 'invalid_request',
    elsewhere: false, health: 'none',
  },
  {
    name: 'unsupported',
    scenario: fails(400, { message: "Unsupported parameter: 'stop'", code: 'unsupported_parameter', param: 'stop' }),
    status: 400,
    code: 'unsupported_parameter',
    elsewhere: false, health: 'none',
  },
  {
    name: 'context',
    scenario: fails(400, { message: "This model's maximum context length is 10 tokens.", code: 'context_length_exceeded' }),
    status: 400,
    code: 'context_length_exceeded',
    elsewhere: false, health: 'none',
  },
  { name: 'content', scenario: fails(400, { message: 'filtered', code: 'content_filter' }), status: 400, code: 'content_policy_violation', elsewhere: false, health: 'none' },
  {
    name: 'key400',
    scenario: fails(400, { message: 'Incorrect API key provided: sk-x.', code: 'invalid-argument' }),
    status: 502,
    code: 'upstream_auth_failed',
    elsewhere: true, health: 'credential',
  },
  { name: 'r401', scenario: fails(401, { message: 'bad key' }), status: 502, code: 'upstream_auth_failed', elsewhere: true, health: 'credential' },
  { name: 'r402', scenario: fails(402, { message: 'no money' }), status: 502, code: 'upstream_auth_failed', elsewhere: true, health: 'credential' },
  { name: 'r403', scenario: fails(403, { message: 'no' }), status: 502, code: 'upstream_auth_failed', elsewhere: true, health: 'credential' },
  {
    name: 'r404',
    scenario: fails(404, { message: 'The model `x` does not exist.', code: 'model_not_found' }),
    status: 502,
    code: 'upstream_error',
    elsewhere: true, health: 'failure',
  },
  { name: 'r408', scenario: fails(408), status: 504, code: 'upstream_timeout', elsewhere: true, health: 'failure' },
  { name: 'r413', scenario: fails(413, { message: 'too large' }), status: 413, code: 'request_too_large', elsewhere: false, health: 'none' },
  { name: 'r429', scenario: fails(429, {}, { headers: { 'retry-after': '7' } }), status: 429, code: 'upstream_rate_limited', elsewhere: true, health: 'rate-limit', retryAfter: '7' },
  { name: 'r500', scenario: fails(500), status: 502, code: 'upstream_error', elsewhere: true, health: 'failure' },
  { name: 'r501', scenario: fails(501), status: 502, code: 'upstream_error', elsewhere: true, health: 'failure' },
  {
    name: 'r502',
    scenario: sends('<html>bad gateway</html>', { status: 502, contentType: 'text/html' }),
    status: 502,
    code: 'upstream_error',
    elsewhere: true, health: 'failure',
  },
  { name: 'r503', scenario: fails(503), status: 503, code: 'upstream_overloaded', elsewhere: true, health: 'failure', retryAfter: '1' },
  { name: 'r504', scenario: fails(504), status: 504, code: 'upstream_timeout', elsewhere: true, health: 'failure' },
  { name: 'r529', scenario: fails(529), status: 503, code: 'upstream_overloaded', elsewhere: true, health: 'failure' },
  { name: 'r418', scenario: fails(418), status: 502, code: 'upstream_error', elsewhere: true, health: 'failure' },
  {
    name: 'lock409',
    scenario: fails(409, { message: 'The resource is locked.', code: 'resource_locked' }),
    status: 502,
    code: 'upstream_error',
    elsewhere: true, health: 'failure',
  },
  {
    name: 'capability',
    scenario: fails(400, { message: 'Image input is not supported by this model.', code: 'invalid_request_error' }),
    status: 400,
    code: 'unsupported_parameter',
    elsewhere: true, health: 'drift',
  },
  { name: 'reset', scenario: sendsRaw(''), status: 502, code: 'upstream_error', elsewhere: true, health: 'failure', suspense: true },
  { name: 'garbage', scenario: sendsRaw('what is this?\r\n\r\n'), status: 502, code: 'upstream_invalid_response', elsewhere: true, health: 'failure', suspense: true },
  { name: 'html200', scenario: sends('<html>hello</html>', { contentType: 'text/html' }), status: 502, code: 'upstream_invalid_response', elsewhere: true, health: 'failure', suspense: true },
  { name: 'json200', scenario: sends('{"choices":', { contentType: 'application/json' }), status: 502, code: 'upstream_invalid_response', elsewhere: true, health: 'failure', suspense: true },
  {
    name: 'error200',
    scenario: sends({ error: { message: 'slow down', code: 'rate_limit_exceeded' } }),
    status: 429,
    code: 'upstream_rate_limited',
    elsewhere: true, health: 'rate-limit',
  },
  { name: 'silent', scenario: answers('late', { headersAfterMs: 5_000 }), status: 504, code: 'upstream_timeout', elsewhere: false, health: 'failure' },
  { name: 's-silent', scenario: answers('late', { headersAfterMs: 5_000 }), status: 504, code: 'upstream_timeout', elsewhere: true, health: 'failure', suspense: true, stream: true },
  {
    name: 's-event',
    scenario: stream('data: {"error":{"message":"busy","code":"overloaded"}}\n\n'),
    status: 503,
    code: 'upstream_overloaded',
    elsewhere: true, health: 'failure',
    stream: true,
  },
  { name: 's-cut', scenario: answers('never said', { die: { how: 'fin', atByte: 5 } }), status: 502, code: 'upstream_error', elsewhere: true, health: 'failure', suspense: true, stream: true },
  { name: 's-500', scenario: fails(500), status: 502, code: 'upstream_error', elsewhere: true, health: 'failure', stream: true },
];

/** A client that repeats by itself: nothing is sent to the same deployment twice. */
const ONCE = { 'x-stainless-retry-count': '1' };

/** Success rate, failures in a row, share of 429s, credential. */
const SEEN = {
  failure: [0, 1, 0, 'ok'],
  none: [null, 0, 0, 'ok'],
  drift: [null, 0, 0, 'ok'],
  'rate-limit': [null, 0, 1, 'ok'],
  credential: [null, 0, 0, 'rejected'],
  exhausted: [null, 0, 0, 'exhausted'],
} as const;

const provider = (id: string, baseUrl: string, more: Record<string, unknown> = {}) => ({
  id,
  type: 'openai-compatible',
  base_url: baseUrl,
  credentials: [{ id: 'main', key: 'upstream-key-1234' }],
  timeouts: { first_byte: `${FIRST_BYTE_MS}ms`, idle: '2s' },
  ...more,
});
const model = (id: string, ...serve: { provider: string; model: string; priority?: number }[]) => ({
  id,
  serve,
  price: { input: '1.00', output: '2.00' },
  capabilities: { max_output: 500, vision: true },
});

describe('routing over real sockets', () => {
  let simulator: UpstreamSimulator;
  let gateway: GatewayProcess;
  let client: ChatClient;
  let operator: Operator;

  beforeAll(async () => {
    simulator = await UpstreamSimulator.start();
    gateway = await startGatewayProcess();
    operator = new Operator(gateway);
    client = new ChatClient(gateway.url, gateway.bootstrap.demo_key as string);
    const url = simulator.baseUrl('openai-chat');
    const names = [...ROWS.map(({ name }) => name), 'committed'];
    await operator.apply({
      version: 1,
      providers: [
        provider('a', url, { health: 'off' }),
        provider('b', url, { health: 'off' }),
        provider('ha', url),
        provider('hb', url),
        provider('dead', 'http://127.0.0.1:9', { health: 'off' }),
        provider('nameless', 'http://no-such-host.invalid', { health: 'off' }),
        provider('plain', url.replace('http:', 'https:'), { health: 'off' }),
        ...ROWS.map(({ name }) => provider(`h-${name}`, url)),
      ],
      models: [
        ...names.map((name) => model(`only/${name}`, { provider: 'a', model: `${name}-a` })),
        ...names.map((name) => model(`both/${name}`, { provider: 'a', model: `${name}-a` }, { provider: 'b', model: `${name}-b`, priority: 1 })),
        ...ROWS.map(({ name }) => model(`seen/${name}`, { provider: `h-${name}`, model: `${name}-a` })),
        ...['nameless', 'plain'].map((id) => model(`connect/${id}`, { provider: id, model: 'x' }, { provider: 'b', model: 'connect-b', priority: 1 })),
        model('connect/only', { provider: 'dead', model: 'x' }),
        model('connect/both', { provider: 'dead', model: 'x' }, { provider: 'b', model: 'connect-b', priority: 1 }),
        ...['open', 'limited', 'refused', 'lone'].map((name) =>
          model(`health/${name}`, { provider: 'ha', model: `${name}-a` }, ...(name === 'lone' ? [] : [{ provider: 'hb', model: `${name}-b`, priority: 1 }])),
        ),
      ],
    });
  }, TIMEOUT_MS);

  afterAll(async () => {
    await gateway?.remove();
    await simulator?.stop();
  }, TIMEOUT_MS);

  const chat = (name: string, more: Record<string, unknown> = {}, headers: Record<string, string> = {}): Promise<ChatAnswer> =>
    client.chat({ model: name, messages: user('hi'), ...more }, headers);
  const answeredElsewhere = new Map<string, string>();
  const errorOf = (answer: ChatAnswer): Record<string, unknown> => (answer.json['error'] ?? {}) as Record<string, unknown>;

  it.each(ROWS.map((row) => [row.name, row] as const))(
    '%s: the client’s status and code, and whether another deployment is asked',
    async (name, row) => {
      simulator.on(`${name}-a`, row.scenario).on(`${name}-b`, answers({ text: 'from b', usage: { prompt: 10, completion: 2 } }));
      const alone = await chat(`only/${name}`, { stream: row.stream === true });
      expect([alone.status, errorOf(alone)['code'], typeof errorOf(alone)['request_id']]).toEqual([row.status, row.code, 'string']);
      if (row.retryAfter !== undefined) expect(alone.headers['retry-after']).toBe(row.retryAfter);
      const both = await chat(`both/${name}`, { stream: row.stream === true });
      expect(both.status).toBe(row.elsewhere ? 200 : row.status);
      expect(simulator.requestsOf(`${name}-b`)).toHaveLength(row.elsewhere ? 1 : 0);
      answeredElsewhere.set(name, String(both.headers['x-request-id']));
      if (row.elsewhere) expect([both.headers['x-og-provider'], both.headers['x-og-attempts'], both.text.includes('from')]).toEqual(['b', '2', true]);
      const alonePinned = await chat(`both/${name}`, { stream: row.stream === true }, { 'x-og-no-fallback': 'true' });
      expect(alonePinned.status).toBe(row.status);
      expect(simulator.requestsOf(`${name}-b`)).toHaveLength(row.elsewhere ? 1 : 0);
    },
    TIMEOUT_MS,
  );

  it('what each of them says about the deployment that answered so', async () => {
    for (const { name, stream: streamed } of ROWS) await chat(`seen/${name}`, { stream: streamed === true }, ONCE);
    const { data } = (await operator.get('providers/health')) as { data: Record<string, unknown>[] };
    const seen = ROWS.map(({ name }) => {
      const row = data.find(({ provider: id }) => id === `h-${name}`) ?? {};
      const { success_rate: successRate, consecutive_failures: failures, rate_limited_share: limited, credential_state: credential } = row;
      // A 429 without a `retry-after` sets the deployment aside for a second only.
      return [name, successRate, failures, limited, credential === 'rate-limited' ? 'ok' : credential];
    });
    expect(seen).toEqual(ROWS.map(({ name, health }) => [name, ...SEEN[name === 'r402' ? 'exhausted' : health]]));
  });

  it('who pays: the customer for the answer alone, we for what the one before may have worked on', async () => {
    for (const { name, suspense } of ROWS.filter(({ elsewhere }) => elsewhere)) {
      const id = String(answeredElsewhere.get(name));
      expect([name, (await operator.request(id))['cost_usd']]).toEqual([name, '0.000014']);
      const { data } = (await operator.get(`ledger/entries?request_id=${id}`)) as { data: Record<string, unknown>[] };
      expect([name, data.some(({ account }) => account === 'suspense')]).toEqual([name, suspense === true]);
    }
  });

  it('when all limit, the shortest wait is told', async () => {
    simulator.on('r429-a', fails(429, {}, { headers: { 'retry-after': '40' } })).on('r429-b', fails(429, {}, { headers: { 'retry-after': '9' } }));
    const answer = await chat('both/r429');
    expect([answer.status, errorOf(answer)['code'], answer.headers['retry-after']]).toEqual([429, 'upstream_rate_limited', '9']);
  });

  it.each(['nameless', 'plain'])('%s: no name, no TLS: the other deployment', async (id) => {
    simulator.on('connect-b', answers('from b'));
    expect((await chat(`connect/${id}`)).headers['x-og-provider']).toBe('b');
  });

  it('no connection: 502 after one retry of the same deployment, or the other deployment', async () => {
    simulator.on('connect-b', answers('from b'));
    const alone = await chat('connect/only');
    expect([alone.status, errorOf(alone)['code'], alone.headers['x-og-attempts']]).toEqual([502, 'upstream_error', '2']);
    expect((await chat('connect/both')).headers['x-og-provider']).toBe('b');
  });

  it('after the first content nobody else is asked: the error stands in the stream, without [DONE]', async () => {
    simulator.on('committed-a', answers({ tokens: 20 }, { die: { how: 'rst', afterPieces: 5 } })).on('committed-b', answers('from b'));
    const answer = await chat('both/committed', { stream: true });
    expect([answer.status, answer.text.includes('t0'), answer.text.includes('"upstream_interrupted"'), answer.text.includes('[DONE]')]).toEqual([
      200,
      true,
      true,
      false,
    ]);
    expect(simulator.requestsOf('committed-b')).toHaveLength(0);
  });

  it('a circuit opens after five failures, and the dead provider is left alone', async () => {
    simulator.on('open-a', fails(500)).on('open-b', answers('from b'));
    const statuses: number[] = [];
    for (let call = 0; call < 12; call += 1) statuses.push((await chat('health/open')).status);
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(simulator.requestsOf('open-a')).toHaveLength(5);
    const { data } = (await operator.get('providers/health')) as { data: Record<string, unknown>[] };
    expect(data.find((report) => report['upstream_model'] === 'open-a')).toMatchObject({
      circuit: 'open',
      success_rate: 0,
      consecutive_failures: 5,
      last_error: expect.stringContaining('500'),
    });
    const explained = (await operator.post('routes/explain', { request: { model: 'health/open', messages: user('hi') } })) as {
      candidates: Record<string, unknown>[];
    };
    expect(explained.candidates.map(({ provider: id, excluded }) => [id, excluded])).toEqual([
      ['hb', null],
      ['ha', 'circuit_open'],
    ]);
  });

  it('a 429 sets the deployment aside until its retry-after', async () => {
    simulator.on('limited-a', fails(429, {}, { headers: { 'retry-after': '30' } })).on('limited-b', answers('from b'));
    for (let call = 0; call < 4; call += 1) expect((await chat('health/limited')).status).toBe(200);
    expect(simulator.requestsOf('limited-a')).toHaveLength(1);
  });

  it('when the only deployment is limited the wait is told without asking it', async () => {
    simulator.on('lone-a', fails(429, {}, { headers: { 'retry-after': '30' } }));
    const statuses = [await chat('health/lone'), await chat('health/lone')].map((answer) => [answer.status, errorOf(answer)['code']]);
    expect(statuses).toEqual([
      [429, 'upstream_rate_limited'],
      [429, 'upstream_rate_limited'],
    ]);
    expect(simulator.requestsOf('lone-a')).toHaveLength(1);
  });

  it('a refused credential is set aside for every model of its provider, and is never the caller’s 401', async () => {
    simulator.on('refused-a', fails(401, { message: 'Incorrect API key provided: upstream-key-1234' })).on('refused-b', answers('from b'));
    for (let call = 0; call < 3; call += 1) expect((await chat('health/refused')).status).toBe(200);
    expect(simulator.requestsOf('refused-a')).toHaveLength(1);
    const lone = await chat('health/lone');
    expect([lone.status, lone.text.includes('upstream-key')]).toEqual([503, false]);
  });

  it('names near names, and explains a request that nobody may serve', async () => {
    const answer = await chat('only/r5000');
    expect([answer.status, errorOf(answer)['code'], errorOf(answer)['message']]).toEqual([404, 'model_not_found', expect.stringContaining('only/r500')]);
  });
});
