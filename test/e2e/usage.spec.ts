import { user } from '../support/chat-client.js';
import { Testbed } from '../support/testbed.js';
import { answers } from '../support/upstream-simulator/index.js';

const TIMEOUT_MS = 60_000;

type Json = Record<string, unknown>;

/** Usage, statements and views in other currencies through the doors that users take. */
describe('usage and statements', () => {
  let testbed: Testbed;
  let model: string;
  const month = new Date().toISOString().slice(0, 7);

  const mine = async (path: string, key = testbed.tenant.key): Promise<{ status: number; body: Json }> => {
    const answer = await fetch(`${testbed.gateway.url}/v1/${path}`, { headers: { authorization: `Bearer ${key}` }, signal: AbortSignal.timeout(10_000) });
    return { status: answer.status, body: (await answer.json()) as Json };
  };
  const page = async (path: string): Promise<{ text: string; headers: Headers }> => {
    const answer = await fetch(`${testbed.gateway.url}/admin/v1/${path}`, { headers: { authorization: `Bearer ${testbed.gateway.bootstrap.admin_token}` } });
    return { text: await answer.text(), headers: answer.headers };
  };

  beforeAll(async () => {
    testbed = await Testbed.start();
    model = await testbed.model('counted', { solo: answers({ text: 'ok', usage: { prompt: 1000, completion: 100 } }) });
    await testbed.operator.post('exchange-rates', { currency: 'KRW', rate: '1386.20', effective_from: `${month}-01T00:00:00+09:00`, source: 'Bank of Korea' });
    for (const tags of ['red', 'red,blue', '']) {
      const { headers } = await testbed.client.chat({ model, messages: user('x'), max_tokens: 200 }, tags === '' ? {} : { 'x-og-tags': tags });
      await testbed.operator.request(String(headers['x-request-id']));
    }
  }, TIMEOUT_MS);
  afterAll(() => testbed?.stop(), TIMEOUT_MS);

  it('GET /v1/usage says what the project was charged, to the nano-USD', async () => {
    const { status, body } = await mine('usage?group_by=day,model');
    expect([status, body['timezone']]).toEqual([200, 'UTC']);
    expect(body['data']).toEqual([
      { day: new Date().toISOString().slice(0, 10), model, requests: 3, failed: 0, canceled: 0, estimated: 0, tokens: { input: 3000, output: 300 }, cost_usd: '0.0135', refunded_usd: '0', net_usd: '0.0135' },
    ]);
    expect(body['total']).toMatchObject({ cost_usd: '0.0135' });
    expect(JSON.stringify(body)).not.toMatch(/provider_cost|margin/);
    const other = await testbed.operator.tenant({ creditUsd: '1' });
    expect((await mine('usage', other.key)).body['total']).toMatchObject({ requests: 0, cost_usd: '0' });
    expect((await mine(`usage?group_by=key&key_id=${testbed.tenant.keyId}`, other.key)).body['data']).toEqual([]);
  });

  it('by tag a request counts under each of its tags', async () => {
    const { body } = await mine('usage?group_by=tag');
    expect(body['data']).toEqual([
      { tag: 'red', requests: 2, prompt_tokens: 2000, completion_tokens: 200, cost_usd: '0.009' },
      { tag: 'blue', requests: 1, prompt_tokens: 1000, completion_tokens: 100, cost_usd: '0.0045' },
    ]);
    expect(body['source']).toBe('request_log');
  });

  it.each([
    ['group_by=colour', 'group_by'], ['group_by=day,day', 'group_by'], ['timezone=KST', 'timezone'], ['from=2026-02-30', 'from'], ['to=yesterday', 'to'], ['from=2026-11-02&to=2026-11-01', 'to'],
    ['from=1970-01-01', 'to'], ['currency=XYZ', 'currency'], ['currency=JPY', 'currency'], ['form=2026-01-01', 'form'], ['from=2026-01-01&from=2026-01-02', 'from'], ['from=1e400', 'from'],
  ])('refuses %s by name', async (query, param) => {
    const { status, body } = await mine(`usage?${query}`);
    expect([status, (body['error'] as Json)['code'], (body['error'] as Json)['param']]).toEqual([400, 'invalid_request', param]);
  });

  it('shows amounts in the currency of the project, with rate and date', async () => {
    for (const rate of ['-1', '0', '1e3', 1386, '0.0000000001']) {
      await expect(testbed.operator.post('exchange-rates', { currency: 'KRW', rate, source: 'test' })).rejects.toThrow(/400.*rate/);
    }
    for (const currency of ['XYZ', 'won', 'USD']) await expect(testbed.operator.post('exchange-rates', { currency, rate: '1', source: 'test' })).rejects.toThrow(/400.*currency/);
    await expect(testbed.operator.patch(`projects/${testbed.tenant.projectId}`, { currency: 'WON' })).rejects.toThrow(/400.*currency/);
    await testbed.operator.patch(`projects/${testbed.tenant.projectId}`, { currency: 'KRW', timezone: 'Asia/Seoul' });
    const { body } = await mine('credits');
    expect(body).toMatchObject({ balance_usd: '999.9865', view: { currency: 'KRW', rate: '1386.2', source: 'Bank of Korea', balance: '1386181.2863' } });
    expect((await mine('usage')).body).toMatchObject({ timezone: 'Asia/Seoul', view: { currency: 'KRW' }, total: { net_usd: '0.0135', net: '18.7137' } });
    expect(await testbed.operator.get(`accounts/${testbed.tenant.organizationId}?currency=KRW`)).toMatchObject({ view: { balance: '1386181.2863' } });
  });

  it('the operator sees cost and margin beside the charge', async () => {
    const usage = await testbed.operator.get(`usage?organization_id=${testbed.tenant.organizationId}&group_by=provider`);
    expect(usage['data']).toMatchObject([{ provider: 'solo', cost_usd: '0.0135', provider_cost_usd: '0.0135', margin_usd: '0' }]);
  });

  it('states the month as JSON, CSV and a page that loads nothing and escapes what people wrote', async () => {
    const tenant = await testbed.operator.tenant({ creditUsd: '1000' });
    await testbed.operator.post('credits', { organization_id: tenant.organizationId, amount_usd: '5', reason: '=cmd <script>alert(1)</script>', priority: 7 });
    for (let count = 0; count < 3; count += 1) {
      const { headers } = await testbed.clientOf(tenant.key).chat({ model, messages: user('x'), max_tokens: 200 });
      await testbed.operator.request(String(headers['x-request-id']));
    }
    const query = `statements?organization_id=${tenant.organizationId}&month=${month}`;
    const statement = await testbed.operator.get(query);
    expect(statement).toMatchObject({ opening_balance_usd: '0', granted_usd: '1005', usage_usd: '0.0135', closing_balance_usd: '1004.9865', final: false });
    expect(statement['usage']).toMatchObject([{ model, requests: 3, prompt_tokens: 3000, completion_tokens: 300, amount_usd: '0.0135' }]);
    const csv = await page(`${query}&format=csv&currency=KRW`);
    expect(csv.headers.get('content-type')).toBe('text/csv; charset=utf-8');
    const rows = csv.text.trim().split('\r\n');
    expect(rows.find((row) => row.includes('<script'))).toContain("'=cmd");
    const amounts = rows.slice(1).filter((row) => !row.startsWith('view')).map((row) => Number(row.slice(row.lastIndexOf(',') + 1)));
    expect(amounts.slice(0, -1).reduce((sum, amount) => sum + amount, 0)).toBeCloseTo(amounts.at(-1) ?? 0, 9);
    for (const language of ['en', 'ko', 'ja']) {
      const html = await page(`${query}&format=html&currency=KRW&language=${language}&timezone=Asia/Seoul`);
      expect(html.headers.get('content-security-policy')).toContain("default-src 'none'");
      expect(html.text).toContain(`<html lang="${language}">`);
      expect(html.text).toContain('1,004.986500');
      expect(html.text).not.toContain('<script');
    }
    for (const bad of ['month=2026-13', 'month=2999-01', `month=${month}&timezone=KST`, `month=${month}&format=pdf`, `month=${month}&currency=JPY`]) {
      await expect(testbed.operator.get(`statements?organization_id=${tenant.organizationId}&${bad}`)).rejects.toThrow(/400/);
    }
  });

  it('lists grants, and shows a request to its customer without the provider’s cost', async () => {
    await testbed.operator.post('credits', { organization_id: testbed.tenant.organizationId, amount_usd: '5', reason: 'more', priority: 7 });
    const grants = await testbed.operator.get(`credits?organization_id=${testbed.tenant.organizationId}&limit=1`);
    expect(grants).toMatchObject({ data: [{ amount_usd: '5', priority: 7, remaining_usd: '5' }], next_cursor: expect.any(String) });
    const { headers } = await testbed.client.chat({ model, messages: user('x'), max_tokens: 200 });
    const id = String(headers['x-request-id']);
    await testbed.operator.request(id);
    await testbed.operator.post(`requests/${id}/refunds`, { amount_usd: '0.001', reason: 'sorry' });
    const { body } = await mine(`generation?id=${id}`);
    expect(body).toMatchObject({ state: 'compensated', cost_usd: '0.0045', refunded_usd: '0.001', price_id: expect.any(String) });
    expect(body).not.toHaveProperty('provider_cost_usd');
  });
});
