import type { ChatAnswer } from '../support/chat-client.js';
import { user } from '../support/chat-client.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { rawBytes, rawCall } from '../support/raw-http.js';
import { Testbed } from '../support/testbed.js';
import { answers, fails, sends, sendsRaw } from '../support/upstream-simulator/index.js';

jest.setTimeout(60_000);

type Json = Record<string, unknown>;
const CANARY = 'sk-canary-7f3a9b2c5d8e1f4a';

/** What passes between client and provider is on a list; a provider's secret and a client's key are on none (A06, A08–A10, A20, A22–A26). */
describe('headers and secrets', () => {
  let bed: Testbed;
  let database: TestDatabase;

  beforeAll(async () => {
    database = await createTestDatabase();
    const credentials = [{ id: 'main', key: CANARY }];
    bed = await Testbed.start({
      env: { DATABASE_URL: database.url },
      providers: [
        { id: 'keyed', credentials, health: 'off' },
        { id: 'claude', type: 'anthropic-compatible', credentials, health: 'off' },
        { id: 'gem', type: 'gemini', credentials, health: 'off' },
      ],
    });
    await bed.declare(['keyed', 'claude', 'gem'].map((provider) => ({ name: provider, served: { [provider]: answers('served') } })));
  });
  afterAll(async () => {
    await bed?.stop();
    await database?.drop();
  });

  const NOSY: Record<string, string> = {
    cookie: 'session=secret-cookie',
    'x-forwarded-for': '203.0.113.9',
    'x-forwarded-host': 'evil.example',
    forwarded: 'for=203.0.113.9',
    'x-real-ip': '203.0.113.9',
    'x-stainless-lang': 'js',
    'x-stainless-retry-count': '1',
    'openai-organization': 'org-private',
    'openai-project': 'proj-private',
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    baggage: 'userId=secret-baggage',
    'x-og-session-id': 'session-private',
    'x-og-tags': 'tag-private',
    'x-request-id': 'client-private-id',
    'proxy-authorization': 'Basic c2VjcmV0',
    te: 'trailers',
    'x-custom': 'custom-private',
    origin: 'https://evil.example',
    referer: 'https://evil.example/page',
    'user-agent': 'private-agent/1.0',
    'api-key': 'another-credential',
  };

  it.each(['keyed', 'claude', 'gem'])('%s sees its own key once, and nothing of the client’s headers', async (provider) => {
    await bed.client.chat({ model: `t/${provider}`, messages: user('Hello'), max_tokens: 5 }, NOSY);
    const request = bed.asked(provider).at(-1);
    const names = Object.keys(request?.headers ?? {});
    const all = JSON.stringify(request?.rawHeaders) + String(request?.url);
    expect(names.filter((name) => !/^(host|connection|content-type|content-length|transfer-encoding|accept|accept-encoding|user-agent|authorization|x-api-key|x-goog-api-key|anthropic-version|via)$/.test(name))).toEqual([]);
    expect(all.split(CANARY)).toHaveLength(2);
    for (const secret of [bed.tenant.key, ...Object.values(NOSY).filter((value) => value.length > 8)]) expect([secret, all.includes(secret)]).toEqual([secret, false]);
  });

  it('anthropic-beta and anthropic-version travel to an Anthropic provider as they are, to no other', async () => {
    const headers = { 'anthropic-beta': 'context-1m-2025-08-07,some-new-beta', 'anthropic-version': '2023-06-01' };
    const body = { model: 't/claude', max_tokens: 5, messages: user('Hello'), an_unknown_field: { kept: true } };
    const { response } = await bed.client.open(body, headers, '/v1/messages?beta=true');
    response.resume();
    expect(response.statusCode).toBe(200);
    expect(bed.asked('claude').at(-1)?.headers).toMatchObject(headers);
    expect(bed.asked('claude').at(-1)?.json).toMatchObject({ an_unknown_field: { kept: true } });
    const other = await bed.client.open({ ...body, model: 't/keyed' }, headers, '/v1/messages');
    other.response.resume();
    expect(Object.keys(bed.asked('keyed').at(-1)?.headers ?? {}).some((name) => name.startsWith('anthropic'))).toBe(false);
  });

  it('a provider’s headers stay with us, streamed or not, good or bad', async () => {
    const hostile = { 'set-cookie': 'a=b', location: 'http://127.0.0.1:1/', server: 'nginx/1.2.3', 'x-powered-by': 'PHP', 'access-control-allow-origin': '*', 'content-security-policy': 'none', 'x-request-id': 'spoofed', 'x-og-cost-usd': '0', 'x-og-provider': 'spoofed', 'x-ratelimit-remaining-requests': '99999', 'openai-organization': 'operator-org', 'openai-processing-ms': '1', 'cf-ray': 'x', 'strict-transport-security': 'max-age=1', 'x-should-retry': 'true', via: '1.1 spoof', 'www-authenticate': 'Basic' };
    await bed.model('hostile', { keyed: (_request, nth) => (nth % 3 === 2 ? fails(400, { message: 'no' }, { headers: hostile }) : answers('served', { headers: hostile })) });
    for (const stream of [false, true, false]) {
      const answer = await bed.client.chat({ model: 't/hostile', messages: user('x'), stream });
      expect(JSON.stringify(answer.headers)).not.toMatch(/spoof|operator-org|99999|nginx|PHP|cf-ray|a=b/);
      for (const name of ['set-cookie', 'location', 'server', 'access-control-allow-origin', 'content-security-policy', 'www-authenticate', 'via']) expect([name, answer.headers[name]]).toEqual([name, undefined]);
      expect(answer.headers['x-request-id']).toMatch(/^req_/);
    }
  });

  it('a provider that echoes its key, in any place, tells it to nobody', async () => {
    const echo = `You sent ${CANARY} as key`;
    const whole = { choices: [{ index: 0, message: { role: 'assistant', content: 'fine' }, finish_reason: 'stop' }], usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 } };
    const SCENARIOS = {
      'echo-400': fails(400, { message: echo, code: CANARY, param: CANARY }),
      'echo-401': fails(401, { message: echo }),
      'echo-500': fails(500, { message: echo }),
      'echo-429': fails(429, { message: echo }),
      'echo-200': sends({ error: { message: echo } }, { contentType: 'application/json' }),
      'echo-html': sends(`<html>${CANARY}</html>`, { contentType: 'text/html' }),
      'echo-text': sends(`key=${CANARY}`, { contentType: 'text/plain', status: 502 }),
      'echo-stream': answers({ text: 'a b c', error: { afterPieces: 2, status: 500, message: echo } }),
      'echo-first': answers({ text: 'a b c', error: { afterPieces: 0, status: 500, message: echo } }),
      'echo-header': sends(whole, { contentType: 'application/json', headers: { 'x-debug': CANARY } }),
      'echo-status': sendsRaw(`HTTP/1.1 500 ${CANARY}\r\nContent-Length: 0\r\n\r\n`),
      'echo-json': sends(`{"broken": "${CANARY}"`, { contentType: 'application/json' }),
    };
    const answersOf: ChatAnswer[] = [];
    for (const [name, scenario] of Object.entries(SCENARIOS)) {
      const model = await bed.model(name, { keyed: scenario });
      for (const stream of [false, true]) {
        const answer = await bed.client.chat({ model, messages: user('x'), stream });
        answersOf.push(answer);
        expect([name, stream, (answer.text + JSON.stringify(answer.headers)).includes(CANARY)]).toEqual([name, stream, false]);
      }
    }
    const last = answersOf.at(-1) as ChatAnswer;
    await bed.operator.eventually(() => bed.operator.get(`requests/${String(last.headers['x-request-id'])}`), 3_000);
    for (const path of ['requests?limit=100', 'config', 'providers/health', 'audit-log']) expect([path, JSON.stringify(await bed.operator.get(path)).includes(CANARY)]).toEqual([path, false]);
    for (const answer of answersOf) {
      const record = await bed.operator.get(`requests/${String(answer.headers['x-request-id'])}`);
      expect([String(record['model']), JSON.stringify(record).includes(CANARY)]).toEqual([String(record['model']), false]);
    }
    expect(bed.gateway.output()).not.toContain(CANARY);
    expect(await (await fetch(`${bed.gateway.url}/metrics`)).text()).not.toContain(CANARY);
    expect(await (await fetch(`${bed.gateway.url}/v1/models`, { headers: { authorization: `Bearer ${bed.tenant.key}` } })).text()).not.toContain(CANARY);
    expect(await tablesWith(CANARY)).toEqual([]);
    expect(await tablesWith(bed.tenant.key)).toEqual([]);
  });

  it('a client cannot name the address that is called', async () => {
    const sink = bed.simulator.requests.length;
    const elsewhere = { api_base: 'http://127.0.0.1:1', base_url: 'http://127.0.0.1:1', api_key: 'x', extra_headers: { 'x-evil': '1' }, extra_body: { a: 1 }, deployment_id: 'x', custom_llm_provider: 'x' };
    const answer = await bed.client.chat({ model: 't/claude', messages: user('x'), max_tokens: 5, ...elsewhere }, { 'x-base-url': 'http://127.0.0.1:1', 'x-portkey-custom-host': 'http://127.0.0.1:1', 'x-og-provider': 'solo', 'x-upstream': 'http://127.0.0.1:1' });
    expect([answer.status, bed.simulator.requests.length - sink]).toEqual([200, 1]);
    expect(bed.asked('claude').at(-1)?.headers['x-evil']).toBeUndefined();
    expect(bed.asked('claude').at(-1)?.headers['x-api-key']).toBe(CANARY);
    for (const model of ['http://127.0.0.1:1/v1', 't/claude\r\nx-evil: 1', '../admin', 't/claude?x=1', 't/claude#', '%2e%2e/x']) {
      const refused = await bed.client.chat({ model, messages: user('x') });
      expect([model, refused.status]).toEqual([model, expect.any(Number)]);
      expect([400, 404]).toContain(refused.status);
    }
  });

  it('pictures and files are passed on as they are: the gateway fetches nothing', async () => {
    const asked = bed.simulator.stats().connections;
    const urls = ['http://127.0.0.1:1/x.png', `${bed.simulator.origin}/canary.png`, 'http://169.254.169.254/latest/meta-data', 'http://[::1]/x', 'file:///etc/passwd', 'gopher://127.0.0.1/x', 'http://0x7f.1/', 'http://2130706433/'];
    for (const url of urls) {
      const answer = await bed.client.chat({ model: 't/keyed', messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }] });
      expect([url, answer.status === 200 || answer.status === 400]).toEqual([url, true]);
    }
    expect(bed.simulator.requests.filter((request) => request.url.includes('canary.png'))).toEqual([]);
    expect(bed.simulator.stats().connections - asked).toBeLessThanOrEqual(urls.length);
  });

  it('a redirect of a provider is not followed', async () => {
    const target = bed.simulator.requests.length;
    for (const status of [301, 302, 307, 308]) {
      const model = await bed.model(`moved-${status}`, { keyed: sends('', { status, headers: { location: `${bed.simulator.origin}/v1/chat/completions?stolen` } }) });
      expect((await bed.client.chat({ model, messages: user('x') })).status).toBe(502);
    }
    expect(bed.simulator.requests.length - target).toBe(4);
  });

  it('header values that would break a line never leave', async () => {
    for (const value of ['a\u010d\u010aX-Evil: 1', 'a%0d%0aX-Evil: 1', 'ü']) {
      const answer = await rawCall(bed.gateway.url, { method: 'POST', path: '/v1/chat/completions', headers: { authorization: `Bearer ${bed.tenant.key}`, 'content-type': 'application/json', 'x-request-id': Buffer.from(value).toString('latin1') }, body: JSON.stringify({ model: 't/keyed', messages: user('x'), user: value, metadata: { [value]: value } }) }).catch(() => null);
      expect(answer?.headers['x-evil']).toBeUndefined();
      expect(bed.asked('keyed').at(-1)?.headers['x-evil']).toBeUndefined();
    }
  });

  it('what policy judged is what the provider gets: the same bytes', async () => {
    const body = '{"model":"t/keyed","seed":9007199254740993,"messages":[{"role":"user","content":"caf\\u00e9 \\ud83d\\ude00"}],"x_number":1.0e5,"x_big":123456789012345678901234567890}';
    const answer = await rawCall(bed.gateway.url, { method: 'POST', path: '/v1/chat/completions', headers: { authorization: `Bearer ${bed.tenant.key}`, 'content-type': 'application/json' }, body });
    if (answer.status === 400) expect((answer.json['error'] as Json)['param']).toBe('seed');
    const exact = body.replace('"seed":9007199254740993,', '');
    await rawCall(bed.gateway.url, { method: 'POST', path: '/v1/chat/completions', headers: { authorization: `Bearer ${bed.tenant.key}`, 'content-type': 'application/json' }, body: exact });
    expect(bed.asked('keyed').at(-1)?.body.toString('utf8')).toBe(exact.replace('t/keyed', 'keyed.keyed'));
  });

  it('a hard text for tokenizers costs no time', async () => {
    for (const text of ['a'.repeat(200_000), '한'.repeat(100_000), '_'.repeat(200_000), 'QUJD'.repeat(50_000)]) {
      const startedMs = performance.now();
      expect((await bed.client.chat({ model: 't/keyed', messages: user(text), max_tokens: 5 })).status).toBe(200);
      expect(performance.now() - startedMs).toBeLessThan(400);
    }
  });

  it('requests that two servers could read differently are refused', async () => {
    const head = `Authorization: Bearer ${bed.tenant.key}\r\nContent-Type: application/json\r\n`;
    const SMUGGLED: readonly [string, string][] = [
      ['two lengths', `POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n${head}Content-Length: 5\r\nContent-Length: 6\r\n\r\n{"a":1`],
      ['length and chunks', `POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n${head}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /v1/models HTTP/1.1\r\nHost: x\r\n${head}\r\n`],
      ['an unknown encoding', `POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n${head}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`],
      ['a space before the colon', `POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n${head}Content-Length : 2\r\n\r\n{}`],
      ['a folded line', `GET /v1/models HTTP/1.1\r\nHost: x\r\n${head}X-A: b\r\n c\r\n\r\n`],
      ['a bare line feed', `GET /v1/models HTTP/1.1\nHost: x\nAuthorization: Bearer ${bed.tenant.key}\n\n`],
      ['a negative length', `POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n${head}Content-Length: -1\r\n\r\n{}`],
      ['a huge chunk extension', `POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n${head}Transfer-Encoding: chunked\r\n\r\n2;${'a'.repeat(20_000)}\r\n{}\r\n0\r\n\r\n`],
      ['two Authorization headers', `GET /v1/models HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer sk-og-nothing\r\nAuthorization: Bearer ${bed.tenant.key}\r\n\r\n`],
      ['two Host headers', `GET /v1/models HTTP/1.1\r\nHost: x\r\nHost: y\r\nConnection: close\r\n${head}\r\n`],
      ['no Host', `GET /v1/models HTTP/1.1\r\nConnection: close\r\n${head}\r\n`],
    ];
    for (const [name, bytes] of SMUGGLED) {
      const text = await rawBytes(bed.gateway.url, bytes, { quietMs: 1_000 });
      const statuses = [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map((match) => Number(match[1]));
      expect([name, statuses.length, statuses.every((status) => status >= 400 && status < 500)]).toEqual([name, 1, true]);
    }
  });

  it('no browser of another site is let in', async () => {
    for (const path of ['/v1/chat/completions', '/v1/models', '/admin/v1/keys', '/metrics']) {
      const preflight = await rawCall(bed.gateway.url, { method: 'OPTIONS', path, headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' } });
      const plain = await rawCall(bed.gateway.url, { path, headers: { origin: 'null', authorization: `Bearer ${bed.tenant.key}` } });
      for (const answer of [preflight, plain]) expect([path, Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))]).toEqual([path, []]);
    }
  });

  it('hundreds of connections that say little do not slow the others', async () => {
    const { connect } = await import('node:net');
    const port = Number(new URL(bed.gateway.url).port);
    const slow = Array.from({ length: 400 }, (_, at) => {
      const socket = connect(port, '127.0.0.1').on('error', () => undefined);
      socket.write(at % 2 === 0 ? 'POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n' : `POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${bed.tenant.key}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{`);
      return socket;
    });
    const took: number[] = [];
    for (let call = 0; call < 20; call += 1) {
      const startedMs = performance.now();
      expect((await bed.client.chat({ model: 't/keyed', messages: user('x'), max_tokens: 5 })).status).toBe(200);
      took.push(performance.now() - startedMs);
    }
    for (const socket of slow) socket.destroy();
    expect(took.sort((a, b) => a - b)[15]).toBeLessThan(150);
    await bed.operator.eventually(async () => (await fetch(`${bed.gateway.url}/metrics`)).text(), 3_000, (text) => /og_inflight_requests\{[^}]*chat[^}]*\} 0/.test(text));
  });

  async function tablesWith(needle: string): Promise<string[]> {
    const { rows } = await database.database.query<{ name: string }>("SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')");
    const found: string[] = [];
    for (const { name } of rows) {
      const counted = await database.database.query<{ count: string }>(`SELECT count(*) AS count FROM ${name} AS t WHERE t::text LIKE '%' || $1 || '%'`, [needle]);
      if (counted.rows[0]?.count !== '0') found.push(name);
    }
    return found;
  }
});
