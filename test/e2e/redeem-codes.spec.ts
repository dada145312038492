import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { startGatewayProcess, type GatewayProcess } from '../support/gateway-process.js';
import { Operator } from '../support/operator.js';

const TIMEOUT_MS = 60_000;
const WELL_FORMED = /^OG(-[0-9A-HJKMNP-TV-Z]{5}){5}$/;

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly json: Record<string, unknown> & { error?: Record<string, unknown> };
}

/** Redeem codes through the real process: the operator's API, the customer's, the command line. */
describe('redeem codes', () => {
  let gateway: GatewayProcess;
  let operator: Operator;

  beforeAll(async () => {
    gateway = await startGatewayProcess();
    operator = new Operator(gateway);
  }, 90_000);
  afterAll(async () => {
    expect(await operator.get('ledger/verify')).toMatchObject({ ok: true, drift_nano_usd: 0 });
    expect(await operator.get('audit-log/verify')).toEqual({ ok: true, broken_at: null });
    await gateway?.remove();
  }, TIMEOUT_MS);

  async function call(path: string, token: string, body?: unknown): Promise<Answer> {
    const response = await fetch(gateway.url + path, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body),
      signal: AbortSignal.timeout(15_000),
    });
    const text = await response.text();
    const isJson = (response.headers.get('content-type') ?? '').startsWith('application/json');
    return { status: response.status, headers: response.headers, text, json: isJson ? (JSON.parse(text) as Answer['json']) : {} };
  }
  const redeem = (key: string, code: unknown): Promise<Answer> => call('/v1/redeem', key, { code });
  const admin = (path: string, body?: unknown): Promise<Answer> => call(`/admin/v1/${path}`, gateway.bootstrap.admin_token, body);
  async function create(body: object): Promise<{ id: string; codes: string[] }> {
    const created = await admin('redeem-codes', { count: 1, amount_usd: '5', ...body });
    expect(created.status).toBe(201);
    return { id: String(created.json['batch_id']), codes: (created.json['codes'] ?? []) as string[] };
  }

  it(
    'turns a code into credit once, in whatever way it is typed, and tells the balance',
    async () => {
      const { id, codes } = await create({ count: 3, amount_usd: '12.50', credit_expires_at: '2099-01-01T00:00:00Z', note: 'welcome' });
      expect(codes).toHaveLength(3);
      for (const code of codes) expect(code).toMatch(WELL_FORMED);
      const { key, organizationId } = await operator.tenant({ creditUsd: '1' });
      const first = await redeem(key, ` ${codes[0]?.toLowerCase().replaceAll('-', ' ')} `);
      expect(first.status).toBe(200);
      expect(first.json).toMatchObject({ object: 'redemption', amount_usd: '12.5', balance_usd: '13.5', available_usd: '13.5', credit_expires_at: '2099-01-01T00:00:00.000Z' });
      expect(await operator.get(`accounts/${organizationId}`)).toMatchObject({ balance_usd: '13.5' });
      const again = await redeem(key, codes[0]);
      expect([again.status, again.json.error?.['code'], again.json.error?.['param']]).toEqual([409, 'code_already_redeemed', 'code']);
      expect((await call('/v1/chat/completions', key, { model: 'sandbox/echo', messages: [{ role: 'user', content: 'Hello' }] })).status).toBe(200);
      const batch = await operator.get(`redeem-codes/${id}`);
      expect(batch).toMatchObject({ status: 'ready', count: 3, uses: 1, note: 'welcome', redeemed_usd: '12.5', redemptions: { data: [{ number: 1, organization_id: organizationId }] } });
      expect(JSON.stringify(batch)).not.toContain(codes[0]?.slice(3));
      expect((await operator.get('redeem-codes?limit=1'))['data']).toMatchObject([{ id }]);
    },
    TIMEOUT_MS,
  );

  it(
    'gives one code to one of 50 racers (A12)',
    async () => {
      const { codes } = await create({});
      const { key, organizationId } = await operator.tenant();
      const statuses = (await Promise.all(Array.from({ length: 50 }, () => redeem(key, codes[0])))).map(({ status }) => status);
      expect([statuses.filter((status) => status === 200).length, statuses.filter((status) => status === 409).length]).toEqual([1, 49]);
      expect(await operator.get(`accounts/${organizationId}`)).toMatchObject({ balance_usd: '5' });
    },
    TIMEOUT_MS,
  );

  it(
    'refuses unknown codes with 404, then everything with 429 and a true retry-after (A13)',
    async () => {
      const { codes } = await create({});
      const { key } = await operator.tenant();
      for (const guess of ['OG-00000-00000-00000-00000-00000', 'nonsense', 'OG-1', '1234', 'x'.repeat(40)]) {
        const { status, json } = await redeem(key, guess);
        expect([status, json.error?.['code'], json.error?.['param']]).toEqual([404, 'code_not_found', 'code']);
      }
      const limited = await redeem(key, codes[0]);
      expect([limited.status, limited.json.error?.['code']]).toEqual([429, 'rate_limit_exceeded']);
      expect(Number(limited.headers.get('retry-after'))).toBeGreaterThan(840);
      expect(Number(limited.headers.get('retry-after'))).toBeLessThanOrEqual(900);
      const metrics = await (await fetch(`${gateway.url}/metrics`)).text();
      expect(metrics).toMatch(/og_redeem_attempts_total\{zone="local",result="mistyped"\} 4/);
      expect(metrics).toMatch(/og_redeem_attempts_total\{zone="local",result="unknown"\} 1/);
      expect(metrics).toMatch(/og_redeem_attempts_total\{zone="local",result="limited"\} 1/);
    },
    TIMEOUT_MS,
  );

  it.each([
    ['no code', '{}', 400, 'code'], ['a number', '{"code":5}', 400, 'code'], ['an empty code', '{"code":""}', 400, 'code'], ['null', '{"code":null}', 400, 'code'],
    ['a long code', `{"code":"${'x'.repeat(200)}"}`, 400, 'code'], ['a list', '[]', 400, null], ['two codes', '{"code":"a","code":"b"}', 400, 'code'],
    ['half a body', '{', 400, null], ['a large body', `{"code":"${'x'.repeat(5_000)}"}`, 413, null],
  ])('names what is wrong with %s', async (_what, body, status, param) => {
    const { key } = await operator.tenant();
    const answer = await call('/v1/redeem', key, body);
    expect(answer.status).toBe(status);
    if (param !== null) expect(answer.json.error?.['param']).toBe(param);
  });

  it.each([
    [{ count: 0 }, 'count'], [{ count: 100_001 }, 'count'], [{ count: '5' }, 'count'], [{ amount_usd: '-1' }, 'amount_usd'], [{ amount_usd: '0' }, 'amount_usd'],
    [{ amount_usd: 5 }, 'amount_usd'], [{ amount_usd: '1e400' }, 'amount_usd'], [{ amount_usd: '0.0000000001' }, 'amount_usd'], [{ amount_usd: undefined }, 'amount_usd'],
    [{ max_uses: 0 }, 'max_uses'], [{ expires_at: '2020-01-01T00:00:00Z' }, 'expires_at'], [{ expires_at: 'soon' }, 'expires_at'],
    [{ credit_expires_at: '2020-01-01T00:00:00Z' }, 'credit_expires_at'], [{ organization_ids: [] }, 'organization_ids'],
    [{ organization_ids: ['default', 'org_none'] }, 'organization_ids[1]'], [{ currency: 'EUR' }, 'currency'],
  ])('refuses a batch with %o', async (member, param) => {
    const refused = await admin('redeem-codes', { count: 1, amount_usd: '5', ...member });
    expect([refused.status, refused.json.error?.['param']]).toEqual([400, param]);
  });

  it(
    'revokes and claws back, exports without codes, and keeps codes out of the audit log and its own output',
    async () => {
      const { id, codes } = await create({ count: 2, amount_usd: '7' });
      const { key, organizationId } = await operator.tenant();
      await redeem(key, codes[0]);
      const one = await admin('redeem-codes/revoke', { code: codes[1], reason: `leaked ${codes[1]}` });
      expect([one.status, one.json['number']]).toEqual([200, 2]);
      const withdrawn = await redeem(key, codes[1]);
      expect([withdrawn.status, withdrawn.json.error?.['code']]).toEqual([409, 'code_expired']);
      const all = await admin(`redeem-codes/${id}/revoke`, { reason: 'campaign over', claw_back: true });
      expect(all.json).toMatchObject({ batch_id: id, status: 'revoked', clawed_back_usd: '7', pending_usd: '0' });
      expect(await operator.get(`accounts/${organizationId}`)).toMatchObject({ balance_usd: '0' });
      const csv = await admin(`redeem-codes/${id}/export`);
      expect(csv.headers.get('content-type')).toContain('text/csv');
      expect(csv.text.split('\r\n').slice(0, 3)).toEqual([
        'batch_id,number,status,uses,max_uses,last_redeemed_at,amount_usd,expires_at,credit_expires_at',
        expect.stringMatching(`^${id},1,revoked,1,1,20.*Z,7,,$`),
        `${id},2,revoked,0,1,,7,,`,
      ]);
      const audit = JSON.stringify(await operator.get('audit-log?limit=200'));
      expect(audit).toContain('POST redeem-codes');
      for (const code of codes) for (const place of [audit, gateway.output(), csv.text]) expect(place).not.toContain(code.slice(3));
      expect((await admin('redeem-codes/rcb_none')).status).toBe(404);
      expect((await admin('redeem-codes/rcb_none/export')).status).toBe(404);
      expect((await admin('redeem-codes/rcb_none/revoke', { reason: 'x' })).status).toBe(404);
    },
    TIMEOUT_MS,
  );

  it(
    'makes 2,500 codes as a job with progress and delivers them once',
    async () => {
      const created = await admin('redeem-codes', { count: 2_500, amount_usd: '1' });
      expect([created.status, created.json['status'], created.json['codes']]).toEqual([201, 'generating', null]);
      const id = String(created.json['batch_id']);
      expect((await admin(`redeem-codes/${id}/delivery`, {})).json.error).toMatchObject({ code: 'conflict' });
      await operator.eventually(() => operator.get(`redeem-codes/${id}`), 20_000, (batch) => batch['status'] === 'ready' && batch['progress'] === 1);
      const delivered = await admin(`redeem-codes/${id}/delivery`, {});
      const codes = delivered.json['codes'] as string[];
      expect(new Set(codes).size).toBe(2_500);
      expect((await admin(`redeem-codes/${id}/delivery`, {})).status).toBe(409);
      const { key } = await operator.tenant();
      expect((await redeem(key, codes[2_345])).json).toMatchObject({ amount_usd: '1', balance_usd: '1' });
    },
    TIMEOUT_MS,
  );

  it(
    'does the same from the command line',
    async () => {
      const og = (...words: string[]): Promise<{ code: number | null; out: string }> =>
        new Promise((done) => {
          const child = spawn(process.execPath, [resolve(__dirname, '../../bin/og.mjs'), ...words], {
            env: { PATH: process.env['PATH'], OG_URL: gateway.url, OG_ADMIN_TOKEN: gateway.bootstrap.admin_token },
          });
          let out = '';
          for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (out += chunk.toString('utf8')));
          child.on('exit', (code) => done({ code, out }));
        });
      const created = await og('redeem-codes', 'create', '--count', '2', '--amount', '3.00', '--json');
      const { batch_id: id, codes } = JSON.parse(created.out) as { batch_id: string; codes: string[] };
      expect([created.code, codes.length]).toEqual([0, 2]);
      expect((await og('redeem-codes', 'list')).out).toContain(id);
      expect((await og('redeem-codes', 'export', id)).out).toContain(`${id},2,unused,0,1,,3,,`);
      expect((await og('redeem-codes', 'revoke', id, '--reason', 'x')).code).toBe(2);
      expect((await og('redeem-codes', 'revoke', '--code', String(codes[0]), '--reason', 'x', '--yes')).code).toBe(0);
      expect((await og('redeem-codes', 'list', id)).out).toContain('redeemed 0');
      const bad = await og('redeem-codes', 'create', '--count', '2', '--amount', 'three');
      expect([bad.code, bad.out]).toEqual([1, expect.stringContaining('amount_usd')]);
    },
    TIMEOUT_MS,
  );
});
