import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { user } from '../support/chat-client.js';
import { Testbed } from '../support/testbed.js';
import { answers } from '../support/upstream-simulator/index.js';

const TIMEOUT_MS = 60_000;

type Json = Record<string, unknown>;
const run = promisify(execFile);

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
    // In Seoul the next month begins nine hours earlier.
    const there = new Intl.DateTimeFormat('sv-SE', { timeZone: 'Asia/Seoul', year: 'numeric', month: '2-digit' }).format(new Date());
    for (const language of ['en', 'ko', 'ja']) {
      const html = await page(`statements?organization_id=${tenant.organizationId}&month=${there}&format=html&currency=KRW&language=${language}&timezone=Asia/Seoul`);
      expect(html.headers.get('content-security-policy')).toContain("default-src 'none'");
      expect(html.text).toContain(`<html lang="${language}">`);
      expect(html.text).toContain('1,004.986500');
      expect(html.text).not.toContain('<script');
    }
    for (const bad of ['month=2026-13', 'month=2999-01', `month=${month}&timezone=KST`, `month=${month}&format=pdf`, `month=${month}&currency=JPY`]) {
      await expect(testbed.operator.get(`statements?organization_id=${tenant.organizationId}&${bad}`)).rejects.toThrow(/400/);
    }
  });

  it('compares a provider’s report by its own ids, and posts what the operator confirms', async () => {
    const tenant = await testbed.operator.tenant({ creditUsd: '1' });
    const { headers } = await testbed.clientOf(tenant.key).chat({ model, messages: user('x'), max_tokens: 200 });
    const record = await testbed.operator.request(String(headers['x-request-id']));
    const time = { provider: 'solo', from: new Date(Date.now() - 3_600_000).toISOString(), to: new Date(Date.now() + 3_600_000).toISOString(), format: 'csv', mapping: { id: 'rid', cost: 'usd' } };
    for (const [body, param] of [
      [{ ...time, mapping: { id: 'rid' }, report: 'rid,usd' }, 'mapping.cost'], [{ ...time, mapping: { id: 'rid', cost: 'eur' }, report: 'rid,usd' }, 'mapping.cost'], [{ ...time, mapping: { ...time.mapping, price: 'x' }, report: 'rid,usd' }, 'mapping.price'],
      [{ ...time, report: 'rid,usd\na,1e400' }, 'report'], [{ ...time, report: 'rid,usd\na,-1' }, 'report'], [{ ...time, to: time.from, report: 'rid,usd' }, 'to'], [{ ...time, format: 'pdf', report: '' }, 'format'], [{ ...time, report: 7 }, 'report'],
      [{ ...time, tolerance_usd: 0.1, report: 'rid,usd' }, 'tolerance_usd'],
    ] as const) {
      await expect(testbed.operator.post('reconciliations', body)).rejects.toThrow(new RegExp(`400.*"param":"${param}"`));
    }
    const found = await testbed.operator.post('reconciliations', { ...time, report: `rid,usd\n${String(record['upstream_id'])},0.006\nforeign,0.001\n` });
    const lines = (await testbed.operator.get(`reconciliations/${String(found['id'])}?open=true&limit=200`))['lines'] as { data: Json[] };
    expect(lines.data.find(({ request_id }) => request_id === headers['x-request-id'])).toMatchObject({ outcome: 'different', ours_usd: '0.0045', theirs_usd: '0.006', correction: { cost_usd: '0.0015', refund_usd: '0' } });
    const number = lines.data.find(({ request_id }) => request_id === headers['x-request-id'])?.['number'];
    expect(await testbed.operator.post(`reconciliations/${String(found['id'])}/corrections`, { lines: [number] })).toMatchObject({ posted: 1, cost_usd: '0.0015', refunded_usd: '0' });
    expect(await testbed.operator.get(`requests/${String(headers['x-request-id'])}`)).toMatchObject({ state: 'completed', cost_usd: '0.0045', provider_cost_usd: '0.006' });
    await expect(testbed.operator.post(`reconciliations/${String(found['id'])}/corrections`, { lines: [0] })).rejects.toThrow(/400.*lines/);
    expect(await testbed.operator.get('ledger/verify')).toMatchObject({ ok: true, drift_nano_usd: 0 });
    const entries = await testbed.operator.get(`ledger/entries?request_id=${String(headers['x-request-id'])}`);
    expect((entries['data'] as Json[]).map(({ kind }) => kind)).toContain('correction');
  });

  it('sends a signed test event to a webhook of the operator’s own network, and to no other address', async () => {
    const received: { id: string; body: string }[] = [];
    const server = createServer((request, response) => {
      let body = '';
      request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      request.on('end', () => {
        received.push({ id: String(request.headers['webhook-id']), body });
        response.writeHead(204).end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
    await expect(testbed.operator.post('webhooks', { url })).rejects.toThrow(/400.*url/);
    await expect(testbed.operator.post('webhooks', { url: 'http://169.254.169.254/latest', allow_private: true })).rejects.toThrow(/400.*link-local/);
    const created = await testbed.operator.post('webhooks', { url, allow_private: true });
    expect(created['secret']).toMatch(/^whsec_/);
    expect(JSON.stringify(await testbed.operator.get('webhooks'))).not.toContain('whsec_');
    expect(JSON.stringify(await testbed.operator.get('audit-log'))).not.toContain(String(created['secret']));
    const event = await testbed.operator.post(`webhooks/${String(created['id'])}/test`, {});
    await testbed.operator.eventually(async () => received.length, 20_000, (count) => count > 0);
    expect(received).toMatchObject([{ id: event['id'], body: expect.stringContaining('"webhook.test"') }]);
    const told = await testbed.operator.eventually(() => testbed.operator.get('alerts'), 5_000, (list) => JSON.stringify(list).includes('delivered'));
    expect(told['data']).toMatchObject([{ id: event['id'], deliveries: [{ state: 'delivered', attempts: 1 }] }]);
    server.close();
  }, TIMEOUT_MS);

  it('og tells the same', async () => {
    const og = async (...words: string[]): Promise<string> => {
      const env = { ...process.env, OG_URL: testbed.gateway.url, OG_ADMIN_TOKEN: testbed.gateway.bootstrap.admin_token };
      return (await run(process.execPath, ['bin/og.mjs', ...words], { env, timeout: 20_000 })).stdout;
    };
    expect(JSON.parse(await og('usage', '--organization', testbed.tenant.organizationId, '--json'))).toMatchObject({ total: { cost_usd: expect.any(String) } });
    expect(await og('ledger', 'verify', '--all')).toMatch(/✓ \d+ charges computed again, 0 otherwise/);
    expect(await og('export', 'statement', '--organization', testbed.tenant.organizationId, '--month', month)).toMatch(/^section,date,.*\r\nopening_balance,/);
    expect(await og('export', 'usage', '--group-by', 'model')).toMatch(/^model,requests,/);
    expect((await og('export', 'requests')).trim().split('\n').map((line) => JSON.parse(line) as Json).every(({ object }) => object === 'request')).toBe(true);
    expect(await og('rates')).toContain('KRW');
  }, TIMEOUT_MS);

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
