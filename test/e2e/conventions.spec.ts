import { startGatewayProcess, type GatewayProcess } from '../support/gateway-process.js';

type Json = Record<string, unknown>;

/** What a client's developer notices first: paths, verbs, headers, clocks. */
describe('conventions at the door', () => {
  let gateway: GatewayProcess;

  beforeAll(async () => {
    gateway = await startGatewayProcess();
  }, 60_000);
  afterAll(() => gateway?.remove(), 60_000);

  const ask = (method: string, path: string, body?: Json, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(gateway.url + path, {
      method,
      redirect: 'manual',
      headers: { authorization: `Bearer ${gateway.bootstrap.demo_key ?? ''}`, 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(20_000),
    });
  const chat = { model: 'sandbox/echo', messages: [{ role: 'user', content: 'hi' }] };

  it('a base URL written twice is a 404 that says so', async () => {
    const answer = await ask('POST', '/v1/v1/chat/completions', chat);
    const { error } = (await answer.json()) as { error: Json };
    expect(answer.status).toBe(404);
    expect(error).toMatchObject({ code: 'not_found', message: expect.stringContaining('/v1') });
  });

  it('a final slash changes nothing, and nothing is redirected', async () => {
    for (const path of ['/v1/chat/completions/', '/v1/responses/', '/v1/messages/']) {
      const body = path.includes('responses') ? { model: 'sandbox/echo', input: 'hi' } : { ...chat, max_tokens: 20 };
      expect([path, (await ask('POST', path, body)).status]).toEqual([path, 200]);
    }
    for (const path of ['/v1/models/', '/v1/key/', '/v1/credits/']) expect([path, (await ask('GET', path)).status]).toEqual([path, 200]);
  });

  it('the wrong verb is 405 with Allow; the root answers GET and HEAD', async () => {
    const wrong = await ask('GET', '/v1/chat/completions');
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, expect.stringContaining('POST')]);
    expect((await wrong.json()) as Json).toMatchObject({ error: { code: 'method_not_allowed' } });
    expect((await ask('HEAD', '/')).status).toBe(200);
    expect(await (await ask('GET', '/')).json()).toMatchObject({ name: expect.any(String), version: expect.any(String), docs: expect.any(String) });
  });

  it('tells no versions in headers, and the true time', async () => {
    const beforeMs = Date.now();
    const answer = await ask('POST', '/v1/chat/completions', chat);
    const { created } = (await answer.json()) as { created: number };
    const afterMs = Date.now();
    expect(created * 1_000).toBeGreaterThan(beforeMs - 1_500);
    expect(created * 1_000).toBeLessThan(afterMs + 1_500);
    expect(Date.parse(answer.headers.get('date') ?? '')).toBeGreaterThan(beforeMs - 2_500);
    expect(answer.headers.get('x-powered-by')).toBeNull();
    expect(answer.headers.get('server') ?? '').not.toMatch(/\d/);
    expect(answer.headers.get('content-type')).toBe('application/json');
  });

  it('every error code is in the public list, and a key with blanks around it is read', async () => {
    const listed = (await (await ask('GET', '/v1/errors')).json()) as { data?: Json[]; errors?: Json[] };
    const codes = (listed.data ?? listed.errors ?? []).map((entry) => entry['code']);
    expect(codes).toEqual(expect.arrayContaining(['missing_api_key', 'model_not_found', 'insufficient_credits', 'upstream_overloaded']));
    const key = gateway.bootstrap.demo_key ?? '';
    for (const authorization of [`bearer ${key}`, `Bearer  ${key} `, `BEARER ${key}`])
      expect((await ask('GET', '/v1/models', undefined, { authorization })).status).toBe(200);
    const byHeader = await fetch(`${gateway.url}/v1/models`, { headers: { 'api-key': key }, signal: AbortSignal.timeout(20_000) });
    expect(byHeader.status).toBe(200);
  });

  it('of two limits on the answer the smaller holds, and it is said', async () => {
    const answer = await ask('POST', '/v1/chat/completions', { ...chat, model: 'sandbox/lorem', max_tokens: 50, max_completion_tokens: 5 });
    const body = (await answer.json()) as { usage: { completion_tokens: number } };
    expect(body.usage.completion_tokens).toBe(5);
    expect(answer.headers.get('x-og-params')).toContain('max_tokens');
  });
});
