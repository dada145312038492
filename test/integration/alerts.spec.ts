import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { AlertMetrics } from '../../src/alerts/alert-metrics.js';
import { BudgetWatch } from '../../src/alerts/budget-watch.js';
import { Delivery } from '../../src/alerts/delivery.js';
import { forbiddenReason } from '../../src/alerts/forbidden-address.js';
import { Outbox } from '../../src/alerts/outbox.js';
import { signatureOf, WebhookSender } from '../../src/alerts/webhook-sender.js';
import { Webhooks } from '../../src/alerts/webhooks.js';
import { BudgetThresholds } from '../../src/auth/tenants/budget-thresholds.js';
import { Accounts } from '../../src/billing/accounts/accounts.service.js';
import { Credits } from '../../src/billing/accounts/credits.service.js';
import { LedgerVerify } from '../../src/billing/accounts/ledger-verify.service.js';
import { parseBudget } from '../../src/core/policy/index.js';
import { RequestLogReader } from '../../src/logs/request-log.reader.js';
import { SystemClock } from '../../src/platform/clock/index.js';
import { Secrets } from '../../src/platform/secrets/index.js';
import { newId } from '../../src/platform/ids/index.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { ending, holdRequest, startLedger, temporaryDirectory, type TestLedger } from './billing-harness.js';

jest.setTimeout(30_000);
const TOKEN = 1_000n;
const METRICS = { raised: () => undefined, attempted: () => undefined } as unknown as AlertMetrics;

interface Received {
  headers: IncomingHttpHeaders;
  body: string;
}

describe('thresholds and webhooks against a real PostgreSQL', () => {
  let fixture: TestDatabase;
  let ledger: TestLedger;
  let outbox: Outbox;
  let webhooks: Webhooks;
  let delivery: Delivery;
  let watch: BudgetWatch;
  let server: Server;
  let origin: string;
  const received: Received[] = [];
  let answer: { status: number; location?: string } = { status: 204 };
  const directory = temporaryDirectory();

  beforeAll(async () => {
    fixture = await createTestDatabase();
    ledger = await startLedger(fixture.database, directory.path);
    server = createServer((request, response) => {
      let body = '';
      request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      request.on('end', () => {
        received.push({ headers: request.headers, body });
        response.writeHead(answer.status, answer.location === undefined ? {} : { location: answer.location }).end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    outbox = new Outbox(fixture.database, METRICS);
    webhooks = new Webhooks(fixture.database, new Secrets('44'.repeat(32)), outbox);
    delivery = new Delivery(outbox, webhooks, new WebhookSender(), new SystemClock());
    watch = new BudgetWatch(new Accounts(fixture.database), new BudgetThresholds(fixture.database), new RequestLogReader(fixture.database), outbox);
    await new Credits(fixture.database).grant({ organizationId: 'default', amountNanoUsd: 10_000n * TOKEN, reason: 'test' });
    await fixture.database.query("INSERT INTO organizations (id, name) VALUES ('default', 'd') ON CONFLICT DO NOTHING");
    await fixture.database.query(`INSERT INTO projects (id, organization_id, name, budget) VALUES ('default', 'default', 'd', '{"amount_usd":"0.001","period":"day","soft_percents":[50,80]}')`);
  });
  afterAll(async () => {
    server.close();
    await ledger.engine.stop();
    await fixture.drop();
    directory.remove();
  });
  afterEach(() => {
    received.length = 0;
    answer = { status: 204 };
  });

  const BUDGET = { scope: 'project' as const, id: 'default', amountNanoUsd: 1_000n * TOKEN, period: 'day' as const };
  async function spend(tokens: number): Promise<void> {
    const hold = await ledger.engine.hold(holdRequest('default', tokens, { budgets: [BUDGET], timezone: 'Asia/Seoul' }));
    hold.settle(ending(tokens));
    await ledger.engine.flush();
  }
  const look = () => watch.run(new SystemClock());
  const deliver = () => delivery.run(new AbortController().signal);
  const create = (url: string, more: object = {}) => fixture.database.transaction((transaction) => webhooks.create({ url, allowPrivate: true, ...more }, transaction));
  const due = () => fixture.database.query("UPDATE webhook_deliveries SET due_at = now() - interval '1 second' WHERE state = 'pending'");
  const stateOf = async (id: string) => (await outbox.list({ limit: 50 })).find((event) => event['id'] === id)?.['deliveries'];

  it('tells each threshold once a period, the highest that is reached, and again when the amount is raised', async () => {
    await spend(400);
    expect(await look()).toBe(0);
    await spend(150);
    expect([await look(), await look()]).toEqual([1, 0]);
    await spend(300);
    expect(await look()).toBe(1);
    await spend(150);
    expect([await look(), await look()]).toEqual([1, 0]);
    const events = (await outbox.list({ limit: 10 })).reverse();
    expect(events.map(({ type, data }) => [type, (data as Record<string, unknown>)['percent'], (data as Record<string, unknown>)['spent_usd']])).toEqual([
      ['budget.soft', 50, '0.00055'], ['budget.soft', 80, '0.00085'], ['budget.hard', undefined, '0.001'],
    ]);
    expect(events[0]?.['data']).toMatchObject({ scope: 'project', id: 'default', period: 'day', amount_usd: '0.001', ends_at: expect.stringContaining('T15:00:00') });
    await fixture.database.query("SELECT * FROM ledger_budget('default', 'project', 'default', 'day', 'Asia/Seoul', 1200000)");
    expect([await look(), await look()]).toEqual([1, 0]);
  });

  it('tells of a budget and of credit that refused a request', async () => {
    const refuse = async (code: string): Promise<void> => {
      await fixture.database.query(
        `INSERT INTO request_logs (request_id, received_at, ended_at, organization_id, project_id, key_id, zone, endpoint, protocol, requested_model, stream, state, status, error_code, tags,
           attempt_count, total_ms, prompt_tokens, completion_tokens, cached_tokens, hold_nano_usd, charged_nano_usd, provider_cost_nano_usd, detail)
         VALUES ($1, now(), now(), 'default', 'default', 'k', 'z', '/v1', 'p', 'm', false, 'failed', 402, $2, '{}', 0, 1, 0, 0, 0, 0, 0, 0, '{}')`,
        [newId('req'), code],
      );
    };
    await refuse('budget_exceeded');
    await refuse('insufficient_credits');
    await refuse('insufficient_credits');
    expect([await look(), await look()]).toEqual([2, 0]);
    expect((await outbox.list({ limit: 2 })).map(({ type }) => type).sort()).toEqual(['budget.hard', 'credits.exhausted']);
  });

  it('delivers signed, once, to those who want the event', async () => {
    const { id, secret } = await create(`${origin}/hook`, { events: ['ledger.drift'] });
    await create(`${origin}/other`, { events: ['budget.soft'] });
    const eventId = await outbox.append({ type: 'ledger.drift', occasion: 'a', organizationId: null, data: { drift_nano_usd: '5' } });
    expect(await outbox.append({ type: 'ledger.drift', occasion: 'a', organizationId: null, data: {} })).toBeNull();
    expect([await deliver(), await deliver()]).toEqual([1, 0]);
    const [call] = received;
    expect(JSON.parse(call?.body ?? '')).toMatchObject({ id: eventId, type: 'ledger.drift', organization_id: null, data: { drift_nano_usd: '5' } });
    expect(call?.headers['webhook-id']).toBe(eventId);
    expect(call?.headers['webhook-signature']).toBe(`v1,${signatureOf(secret, `${eventId}.${String(call?.headers['webhook-timestamp'])}.${call?.body}`)}`);
    expect(await stateOf(String(eventId))).toEqual([{ webhook_id: id, state: 'delivered', attempts: 1, last_status: 204, last_error: null }]);
    const { rows } = await fixture.database.query<{ sealed_secret: string }>('SELECT sealed_secret FROM webhooks');
    expect(rows.every(({ sealed_secret }) => !sealed_secret.includes(secret.slice(6, 20)))).toBe(true);
  });

  it('tries again with growing pauses, with the same id, and gives up after a bound', async () => {
    answer = { status: 500 };
    const eventId = String(await outbox.append({ type: 'ledger.drift', occasion: 'b', organizationId: null, data: {} }));
    for (let attempt = 1; attempt <= 12; attempt += 1) {
      await deliver();
      expect(await deliver()).toBe(0);
      await due();
    }
    expect(received).toHaveLength(9);
    expect(new Set(received.map(({ headers }) => headers['webhook-id']))).toEqual(new Set([eventId]));
    expect(await stateOf(eventId)).toMatchObject([{ state: 'failed', attempts: 9, last_status: 500, last_error: 'the receiver answered 500' }]);
  });

  it('sends again what a process had claimed when it died, and two processes never send the same at once', async () => {
    await outbox.append({ type: 'ledger.drift', occasion: 'c', organizationId: null, data: {} });
    const claims = await Promise.all([outbox.claim(), outbox.claim(), outbox.claim()]);
    expect(claims.flat()).toHaveLength(1);
    expect(await deliver()).toBe(0);
    await due();
    expect(await deliver()).toBe(1);
    expect(received).toHaveLength(1);
  });

  it('follows no redirect, and answers of a receiver are not read', async () => {
    answer = { status: 302, location: `${origin}/inside` };
    const eventId = String(await outbox.append({ type: 'ledger.drift', occasion: 'd', organizationId: null, data: {} }));
    await deliver();
    expect(received).toHaveLength(1);
    expect(await stateOf(eventId)).toMatchObject([{ state: 'pending', last_status: 302 }]);
  });

  it.each([
    ['127.0.0.1', false], ['10.1.2.3', false], ['172.31.255.255', false], ['192.168.0.1', false], ['100.64.0.1', false], ['169.254.169.254', null], ['0.0.0.0', null], ['224.0.0.1', null],
    ['255.255.255.255', null], ['::1', false], ['::', null], ['fe80::1', null], ['fd00:ec2::254', null], ['fc00::1', false], ['::ffff:10.0.0.1', false], ['::ffff:a9fe:a9fe', null],
    ['64:ff9b::a9fe:a9fe', null], ['2002:a9fe:a9fe::1', null], ['8.8.8.8', true], ['2606:4700::1111', true],
  ])('%s: reachable %p', (address, open) => {
    expect(forbiddenReason(address, false) === null).toBe(open === true);
    expect(forbiddenReason(address, true) === null).toBe(open !== null);
  });

  it('refuses addresses by name, and checks again what a name resolves to', async () => {
    for (const [url, message] of [
      ['http://example.com/', /https/], ['ftp://example.com/', /https/], ['nonsense', /https/], ['https://user:pw@example.com/', /user/], ['https://example.com/#x', /fragment/],
      ['https://127.0.0.1/', /private/], ['https://[::1]/', /private/], ['https://169.254.169.254/latest', /link-local/], ['https://2130706433/', /private/], ['https://0x7f.1/', /private/],
    ] as const) {
      await expect(create(url, { allowPrivate: false })).rejects.toMatchObject({ code: 'invalid_request', param: 'url', message: expect.stringMatching(message) });
    }
    await expect(create('http://169.254.169.254/')).rejects.toMatchObject({ param: 'url' });
    await expect(create(origin, { events: ['budget.sfot'] })).rejects.toMatchObject({ param: 'events' });
    const port = (server.address() as AddressInfo).port;
    const event = { id: 'evt_x', type: 'webhook.test' as const, organizationId: null, data: {}, createdAtMs: 0 };
    const result = await new WebhookSender().send({ url: `http://localhost:${port}/`, secret: 'whsec_AA==', allowPrivate: false }, event, 0);
    expect(result).toMatchObject({ ok: false, error: expect.stringMatching(/localhost.*private/) });
    expect(received).toEqual([]);
  });

  it('a removed webhook gets nothing more', async () => {
    for (const { id } of await webhooks.list()) await fixture.database.transaction((transaction) => webhooks.remove(id, transaction));
    await due();
    expect(await deliver()).toBe(0);
    await expect(fixture.database.transaction((transaction) => webhooks.test('whk_none', transaction))).rejects.toMatchObject({ code: 'not_found' });
  });

  it('remembers what the last verification found', async () => {
    const verifier = new LedgerVerify(fixture.database);
    expect(await verifier.findLast()).toBeNull();
    const report = await verifier.verify();
    await verifier.record({ ok: report.ok, driftNanoUsd: report.driftNanoUsd, violated: [] });
    expect(await verifier.findLast()).toMatchObject({ ok: true, driftNanoUsd: 0n, violated: [] });
  });

  it.each([
    [{ amount_usd: '1', period: 'day', soft_percents: [0] }, 'budget.soft_percents[0]'], [{ amount_usd: '1', period: 'day', soft_percents: [100] }, 'budget.soft_percents[0]'],
    [{ amount_usd: '1', period: 'day', soft_percents: ['80'] }, 'budget.soft_percents[0]'], [{ amount_usd: '-1', period: 'day' }, 'budget.amount_usd'], [{ amount_usd: '1', period: 'year' }, 'budget.period'],
  ])('refuses the budget %j', (budget, param) => {
    expect(() => parseBudget(budget)).toThrow(expect.objectContaining({ code: 'invalid_request', param }));
  });
});
