import type { ChatAnswer } from '../support/chat-client.js';
import { user } from '../support/chat-client.js';
import { framesOf, Testbed } from '../support/testbed.js';
import { answers, fails, sends, sendsRaw, type Scenario } from '../support/upstream-simulator/index.js';

jest.setTimeout(60_000);

type Json = Record<string, unknown>;
const errorOf = (answer: ChatAnswer): Json => (answer.json['error'] ?? {}) as Json;

/** CONTRACT section 6, second table, row by row: what the provider answered → what the client gets. */
const ROWS: readonly [name: string, upstream: Scenario, status: number, code: string][] = [
  ['400', fails(400, { message: 'messages: at least one is required', param: 'messages' }), 400, 'invalid_request'],
  ['400-parameter', fails(400, { message: "Unsupported parameter: 'logit_bias' is not supported with this model.", code: 'unsupported_parameter', param: 'logit_bias' }), 400, 'unsupported_parameter'],
  ['400-context', fails(400, { message: "This model's maximum context length is 8192 tokens.", code: 'context_length_exceeded' }), 400, 'context_length_exceeded'],
  ['409', fails(409, { message: 'messages[0] conflicts with the stored request', param: 'messages' }), 400, 'invalid_request'],
  ['422', fails(422, { message: 'Input should be a valid string', param: 'messages.0.content' }), 400, 'invalid_request'],
  ['424', fails(424, { message: 'messages[0]: the image could not be downloaded', param: 'messages' }), 400, 'invalid_request'],
  ['400-content', fails(400, { message: 'The response was filtered due to the prompt triggering content management policy.', code: 'content_filter' }), 400, 'content_policy_violation'],
  ['403-content', fails(403, { message: 'Your request was blocked by our content policy.', code: 'content_policy_violation' }), 400, 'content_policy_violation'],
  ['401', fails(401, { message: 'Incorrect API key provided: sk-canary-123456.' }), 502, 'upstream_auth_failed'],
  ['402', fails(402, { message: 'Insufficient Balance' }), 502, 'upstream_auth_failed'],
  ['403', fails(403, { message: 'Country, region, or territory not supported' }), 502, 'upstream_auth_failed'],
  ['400-credential', fails(400, { message: 'API key not valid. Please pass a valid API key.', code: 'API_KEY_INVALID' }), 502, 'upstream_auth_failed'],
  ['404', fails(404, { message: 'The model does not exist', code: 'model_not_found' }), 502, 'upstream_error'],
  ['413', fails(413, { message: 'Request exceeds the maximum size' }), 413, 'request_too_large'],
  ['429', fails(429, {}, { headers: { 'retry-after': '7' } }), 429, 'upstream_rate_limited'],
  ['500', fails(500), 502, 'upstream_error'],
  ['501', fails(501), 502, 'upstream_error'],
  ['502', fails(502), 502, 'upstream_error'],
  ['418', fails(418), 502, 'upstream_error'],
  ['302', sends('', { status: 302, headers: { location: 'http://127.0.0.1:1/elsewhere' } }), 502, 'upstream_error'],
  ['503', fails(503), 503, 'upstream_overloaded'],
  ['529', fails(529, { code: 'overloaded_error' }), 503, 'upstream_overloaded'],
  ['408', fails(408), 504, 'upstream_timeout'],
  ['504', fails(504), 504, 'upstream_timeout'],
  ['html', sends('<!DOCTYPE html><html>Sign in to the network</html>', { contentType: 'text/html' }), 502, 'upstream_invalid_response'],
  ['no-json', sends('{"choices": [', { contentType: 'application/json' }), 502, 'upstream_invalid_response'],
  ['other-json', sends({ hello: 'world' }, { contentType: 'application/json' }), 502, 'upstream_invalid_response'],
  ['empty', sends('', { contentType: 'application/json' }), 502, 'upstream_invalid_response'],
  ['error-in-200', sends({ error: { message: 'The engine is currently overloaded', type: 'server_error', code: 503 } }, { contentType: 'application/json' }), 503, 'upstream_overloaded'],
  ['refused-in-200', sends({ error: { message: 'Incorrect API key provided', code: 'invalid_api_key' } }, { contentType: 'application/json' }), 502, 'upstream_auth_failed'],
  ['garbage', sendsRaw('HELLO WORLD\r\n\r\n'), 502, 'upstream_invalid_response'],
  ['closed', answers('x', { die: { how: 'fin', atByte: 0 } }), 502, 'upstream_error'],
  ['reset', answers('x', { die: { how: 'rst', atByte: 0 } }), 502, 'upstream_error'],
];

const RETRIED_LATER = new Set(['upstream_rate_limited', 'upstream_overloaded', 'upstream_error', 'upstream_timeout', 'upstream_invalid_response']);

/** Of a provider's failure a client sees one envelope, one status and honest advice on retrying, streamed or not. */
describe('what a provider answered, as the client gets it', () => {
  let bed: Testbed;

  beforeAll(async () => {
    bed = await Testbed.start({ providers: [{ id: 'gone', base_url: 'http://127.0.0.1:1/v1', health: 'off' }] });
    await bed.declare(ROWS.map(([name, behaviour]) => ({ name, served: { solo: behaviour } })));
    await bed.model('unreachable', { gone: answers('never') });
    await bed.model('all-429', { first: fails(429, {}, { headers: { 'retry-after': '30' } }), second: fails(429, {}, { headers: { 'retry-after': '7' } }) });
    await bed.model('mixed', { first: fails(429), second: fails(503) });
  });
  afterAll(() => bed?.stop());

  const both = async (model: string): Promise<[ChatAnswer, ChatAnswer]> => {
    const body = { model, messages: user('Hello') };
    return Promise.all([bed.client.chat(body), bed.client.chat({ ...body, stream: true })]);
  };

  it.each(ROWS)('%s', async (name, _upstream, status, code) => {
    const [plain, streamed] = await both(`t/${name}`);
    expect([plain.status, errorOf(plain)['code']]).toEqual([status, code]);
    expect([streamed.status, errorOf(streamed)['code']]).toEqual([status, code]);
    for (const answer of [plain, streamed]) {
      expect(answer.headers['content-type']).toBe('application/json');
      expect(errorOf(answer)).toMatchObject({ message: expect.stringMatching(/\w/), type: expect.stringMatching(/\w/), request_id: answer.headers['x-request-id'] });
      expect(Object.keys(errorOf(answer))).toEqual(expect.arrayContaining(['message', 'type', 'param', 'code']));
      expect(answer.text).not.toContain('sk-canary');
      const wait = Number(answer.headers['retry-after']);
      if (status === 429 || status === 503) expect(wait).toBeGreaterThanOrEqual(1);
      if (status < 500 && status !== 429) expect([answer.headers['x-should-retry'], answer.headers['retry-after']]).toEqual(['false', undefined]);
      if (status >= 500 && RETRIED_LATER.has(code)) expect(Number(answer.headers['retry-after-ms'])).toBeLessThanOrEqual(5_000);
    }
  });

  it('keeps the provider’s own words, but for those that may show its key', async () => {
    const [plain] = await both('t/400-parameter');
    expect(errorOf(plain)).toMatchObject({ message: expect.stringContaining("'logit_bias' is not supported with this model"), param: 'logit_bias' });
    const [refused] = await both('t/401');
    expect(refused.text).not.toMatch(/canary|Incorrect API key/);
    expect((await both('t/429'))[0].headers).toMatchObject({ 'retry-after': '7', 'retry-after-ms': '7000' });
  });

  it('a provider that cannot be reached is 502, named, without its address', async () => {
    const [plain, streamed] = await both('t/unreachable');
    expect([plain.status, streamed.status, errorOf(plain)['code']]).toEqual([502, 502, 'upstream_error']);
    expect(plain.text).not.toMatch(/127\.0\.0\.1|localhost/);
  });

  it('when all limit us the client is told the shortest wait; otherwise the last failure decides', async () => {
    const [plain] = await both('t/all-429');
    expect([plain.status, plain.headers['retry-after'], plain.headers['x-og-attempts']]).toEqual([429, '7', '2']);
    const [mixed] = await both('t/mixed');
    expect([mixed.status, errorOf(mixed)['code']]).toEqual([503, 'upstream_overloaded']);
  });

  it('charges and holds nothing for any of it, and logs each with its attempt', async () => {
    const answer = await bed.client.chat({ model: 't/500', messages: user('Hello') });
    expect(await bed.recordOf(answer)).toMatchObject({ state: 'failed', status: 502, cost_usd: '0', attempts: [expect.objectContaining({ outcome: 'error', status: 500 })] });
    expect(await bed.settled()).toMatchObject({ ok: true, drift_nano_usd: 0 });
    const account = await bed.operator.get(`accounts/${bed.tenant.organizationId}`);
    expect(account).toMatchObject({ balance_usd: '1000', held_usd: '0' });
  });

  it('speaks Anthropic’s envelope on /v1/messages, 529 for overload', async () => {
    const ask = async (model: string): Promise<{ status: number; json: Json }> => {
      const { response } = await bed.client.open({ model, max_tokens: 10, messages: user('Hello') }, {}, '/v1/messages');
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk as Buffer);
      return { status: response.statusCode ?? 0, json: JSON.parse(Buffer.concat(chunks).toString('utf8')) as Json };
    };
    expect(await ask('t/503')).toEqual({ status: 529, json: expect.objectContaining({ type: 'error', error: expect.objectContaining({ type: 'overloaded_error' }), request_id: expect.stringMatching(/\w/) }) });
    expect(await ask('t/429')).toMatchObject({ status: 429, json: { type: 'error', error: { type: 'rate_limit_error' } } });
    expect(await ask('t/none')).toMatchObject({ status: 404, json: { type: 'error', error: { type: 'not_found_error' } } });
    // Claude Code shortens its history when it reads these words, whoever the provider is.
    expect(await ask('t/400-context')).toMatchObject({ status: 400, json: { error: { type: 'invalid_request_error', message: expect.stringMatching(/^prompt is too long: This model's maximum context length/) } } });
  });

  it('lists every code it uses in GET /v1/errors', async () => {
    const listed = (await (await fetch(`${bed.gateway.url}/v1/errors`)).json()) as { data: { code: string; status: number }[] };
    const statuses = new Map(listed.data.map(({ code, status }) => [code, status]));
    for (const [, , status, code] of ROWS) expect([code, statuses.get(code)]).toEqual([code, status]);
  });

  it('sandbox models rehearse errors with the very status, marked as simulated', async () => {
    for (const [model, status, code] of [['sandbox/error-429', 429, 'rate_limit_exceeded'], ['sandbox/error-500', 500, 'internal_error'], ['sandbox/error-401', 401, 'invalid_api_key'], ['sandbox/error-context', 400, 'context_length_exceeded']] as const) {
      for (const answer of await both(model)) expect([answer.status, errorOf(answer)['code'], answer.headers['x-og-simulated']]).toEqual([status, code, 'true']);
    }
    const cut = await bed.client.chat({ model: 'sandbox/stream-cut', messages: user('Hello'), stream: true });
    const frames = framesOf(cut.text);
    expect(frames.at(-1)).toMatchObject({ error: { code: 'upstream_interrupted' }, choices: [{ finish_reason: 'error' }] });
  });
});
