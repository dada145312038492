import type { ChatAnswer } from '../support/chat-client.js';
import { user } from '../support/chat-client.js';
import { rawBytes, rawCall } from '../support/raw-http.js';
import { Testbed } from '../support/testbed.js';
import { answers } from '../support/upstream-simulator/index.js';

jest.setTimeout(60_000);

type Json = Record<string, unknown>;
const errorOf = (answer: ChatAnswer): Json => (answer.json['error'] ?? {}) as Json;

/** Paths, methods and headers around the API: always JSON, always an id, never a redirect, never a version of a server. */
describe('around the API', () => {
  let bed: Testbed;
  let body: string;

  beforeAll(async () => {
    bed = await Testbed.start();
    body = JSON.stringify({ model: await bed.model('model', { solo: answers('served') }), messages: user('Hello') });
  });
  afterAll(() => bed?.stop());

  const call = (method: string, path: string, headers: Record<string, string> = {}, content?: string): Promise<ChatAnswer> =>
    rawCall(bed.gateway.url, { method, path, headers: { authorization: `Bearer ${bed.tenant.key}`, ...(content === undefined ? {} : { 'content-type': 'application/json' }), ...headers }, body: content });

  const UNKNOWN: readonly [string, string, RegExp][] = [
    ['POST', '/v1/v1/chat/completions', /already ends in \/v1/],
    ['POST', '/chat/completions', /\/v1\/chat\/completions/],
    ['POST', '/messages', /\/v1\/messages/],
    ['GET', '/models', /\/v1\/models/],
    ['GET', '/v1/nothing', /GET \/v1\/nothing/],
    ['POST', '/v1/chat', /POST \/v1\/chat/],
    ['GET', '/nothing/at/all', /There is no/],
    ['GET', '/.env', /There is no/],
    ['GET', '/.git/config', /There is no/],
    ['GET', '/debug/pprof', /There is no/],
    ['GET', '/v1/../admin/v1/keys', /There is no|key/],
    ['PUT', '/v2/chat/completions', /There is no/],
  ];

  it.each(UNKNOWN)('%s %s: 404 as JSON, with a hint where there is one', async (method, path, hint) => {
    const answer = await call(method, path);
    expect([404, 401]).toContain(answer.status);
    expect(answer.headers['content-type']).toBe('application/json');
    expect(errorOf(answer)).toMatchObject({ code: expect.stringMatching(/^(not_found|missing_api_key|invalid_api_key)$/), message: expect.stringMatching(hint), request_id: answer.headers['x-request-id'] });
  });

  it.each([
    ['GET', '/v1/chat/completions', 'POST'],
    ['DELETE', '/v1/chat/completions', 'POST'],
    ['PATCH', '/v1/models', 'GET'],
    ['POST', '/healthz', 'GET'],
  ])('%s %s: 405 with what it takes', async (method, path, allowed) => {
    const answer = await call(method, path, { 'x-http-method-override': 'POST' });
    expect([answer.status, errorOf(answer)['code']]).toEqual([405, 'method_not_allowed']);
    expect(String(answer.headers['allow'])).toContain(allowed);
    expect(answer.headers['content-type']).toBe('application/json');
  });

  it('PUT /v1/messages: the same in Anthropic’s envelope', async () => {
    const answer = await call('PUT', '/v1/messages');
    expect([answer.status, answer.headers['allow'], answer.json['type'], errorOf(answer)['type']]).toEqual([405, 'POST', 'error', 'invalid_request_error']);
  });

  it('TRACE and CONNECT are no ways in', async () => {
    for (const method of ['TRACE', 'CONNECT']) {
      const text = await rawBytes(bed.gateway.url, `${method} /v1/models HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${bed.tenant.key}\r\n\r\n`);
      expect(text).not.toMatch(/^HTTP\/1\.1 2/);
    }
  });

  it('a trailing slash makes no difference, and nothing redirects', async () => {
    for (const [method, path, content] of [['POST', '/v1/chat/completions/', body], ['GET', '/v1/models/', undefined], ['GET', '/healthz/', undefined], ['GET', '/v1/models/t/model/', undefined]] as const) {
      expect([path, (await call(method, path, {}, content)).status]).toEqual([path, 200]);
    }
  });

  it('says who it is without a key, and that it lives', async () => {
    const about = await rawCall(bed.gateway.url, {});
    expect(about.json).toMatchObject({ name: 'OpenGateway', version: expect.any(String), docs: expect.any(String) });
    expect((await rawCall(bed.gateway.url, { method: 'HEAD' })).status).toBe(200);
    for (const path of ['/healthz', '/readyz', '/v1/errors', '/openapi.json']) expect([path, (await rawCall(bed.gateway.url, { path })).status]).toEqual([path, 200]);
  });

  it('every answer has its own id, and a client’s id is not believed', async () => {
    const answersOf = await Promise.all([
      call('POST', '/v1/chat/completions', { 'x-request-id': 'mine' }, body),
      call('POST', '/v1/chat/completions', {}, body.replace('}', ',"stream":true}')),
      call('POST', '/v1/chat/completions', {}, '{'),
      call('POST', '/v1/chat/completions', { authorization: '' }, body),
      call('POST', '/v1/chat/completions', { authorization: 'Bearer nothing' }, body),
      call('POST', '/v1/chat/completions', { 'content-type': 'text/plain' }, body),
      call('GET', '/nothing'),
      call('GET', '/v1/chat/completions'),
      call('GET', '/v1/models'),
      call('GET', '/v1/models/none'),
      call('GET', '/healthz'),
      call('GET', '/admin/v1/keys'),
    ]);
    const ids = answersOf.map((answer) => String(answer.headers['x-request-id']));
    expect(ids.every((id) => /^req_[0-9A-Za-z]{16,}$/.test(id))).toBe(true);
    expect(new Set(ids).size).toBe(ids.length);
    for (const answer of answersOf) {
      for (const name of ['server', 'x-powered-by', 'location']) expect(answer.headers[name]).toBeUndefined();
      if (answer.json['error'] !== undefined) expect(errorOf(answer)['request_id']).toBe(answer.headers['x-request-id']);
      expect(Math.abs(Date.parse(String(answer.headers['date'])) - Date.now())).toBeLessThan(3_000);
    }
  });

  it('content types are exact; times are true', async () => {
    const startedMs = performance.now();
    const plain = await call('POST', '/v1/chat/completions', {}, body);
    const tookMs = performance.now() - startedMs;
    expect(plain.headers['content-type']).toBe('application/json');
    expect(Number(plain.headers['openai-processing-ms'])).toBeLessThanOrEqual(tookMs + 5);
    expect(plain.json).toMatchObject({ id: expect.stringMatching(/^chatcmpl-/), object: 'chat.completion', created: expect.any(Number), model: 't/model', choices: [{ index: 0, message: { role: 'assistant', content: 'served' }, finish_reason: 'stop', logprobs: null }], usage: { total_tokens: expect.any(Number) } });
    expect(Math.abs(Number(plain.json['created']) - Date.now() / 1000)).toBeLessThan(3);
  });

  it('the five ways a key fails are told apart', async () => {
    const revoked = await bed.key();
    await bed.operator.delete(`keys/${revoked.id}`);
    const expired = await bed.key({ expires_at: new Date(Date.now() + 1_200).toISOString() });
    await new Promise((resolve) => setTimeout(resolve, 1_400));
    const typo = bed.tenant.key.slice(0, -1) + (bed.tenant.key.endsWith('a') ? 'b' : 'a');
    const CASES: readonly [Record<string, string>, string][] = [
      [{ authorization: '' }, 'missing_api_key'],
      [{ authorization: `Bearer ${typo}` }, 'invalid_api_key'],
      [{ authorization: 'Bearer sk-other-1234' }, 'invalid_api_key'],
      [{ authorization: `Bearer ${revoked.key}` }, 'revoked_api_key'],
      [{ authorization: `Bearer ${expired.key}` }, 'expired_api_key'],
    ];
    for (const [headers, code] of CASES) {
      const answer = await call('POST', '/v1/chat/completions', headers, body);
      expect([answer.status, errorOf(answer)['code'], errorOf(answer)['type'], answer.headers['x-should-retry']]).toEqual([401, code, 'authentication_error', 'false']);
    }
    const carriers: Record<string, string>[] = [{ authorization: `bearer ${bed.tenant.key}` }, { authorization: `Bearer   ${bed.tenant.key}  ` }, { authorization: '', 'x-api-key': bed.tenant.key }, { authorization: '', 'api-key': bed.tenant.key }];
    for (const headers of carriers) {
      expect((await call('POST', '/v1/chat/completions', headers, body)).status).toBe(200);
    }
  });

  it('HTTP/1.0, Expect: 100-continue, chunked bodies and pipelining are served', async () => {
    const head = `Authorization: Bearer ${bed.tenant.key}\r\nContent-Type: application/json\r\n`;
    const old = await rawBytes(bed.gateway.url, `POST /v1/chat/completions HTTP/1.0\r\n${head}Content-Length: ${body.length}\r\n\r\n${body}`);
    expect(old).toMatch(/^HTTP\/1\.1 200 /);
    const expecting = await rawBytes(bed.gateway.url, `POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: 100-continue\r\n${head}Content-Length: ${body.length}\r\n\r\n${body}`);
    expect(expecting).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 /);
    const chunked = await rawBytes(bed.gateway.url, `POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${head}Transfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`);
    expect(chunked).toMatch(/^HTTP\/1\.1 200 /);
    const one = `POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n${head}Content-Length: ${body.length}\r\n\r\n${body}`;
    const pipelined = await rawBytes(bed.gateway.url, one + one.replace('Host: x', 'Host: x\r\nConnection: close'));
    expect(pipelined.match(/HTTP\/1\.1 200 /g)).toHaveLength(2);
  });
});
