import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { VirtualKeys } from '../../src/auth/index.js';
import { Database, databaseSettings, type Queryable } from '../../src/platform/database/index.js';
import { generateToken } from '../../src/platform/secrets/index.js';
import { startAuthApp, type AuthApp } from '../integration/auth-harness.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

/** LiteLLM CVE-2026-42208 and its kin: SQL in the place of a key, before anybody is authenticated. */
const PAYLOADS: readonly string[] = [
  "' OR '1'='1", "' OR 1=1--", "'; DROP TABLE virtual_keys;--", "') OR ('1'='1", "' UNION SELECT digest FROM virtual_key_secrets--",
  "admin'--", "' OR ''='", '" OR ""="', "\\' OR 1=1--", "%27%20OR%201=1", "1; SELECT pg_sleep(5)--", "'||pg_sleep(5)--", "' AND 1=(SELECT 1)--",
  "sk-og-' OR '1'='1", "sk-og-'; SELECT 1;--", "sk-og-$1", 'sk-og-${1}', "sk-og-' || (SELECT version()) || '", 'sk-og-*', 'sk-og-%', 'sk-og-_',
  '{"$ne":null}', '{"$gt":""}', '[]', '*', 'null', 'undefined', 'true', '0', '-1', '../../etc/passwd', '<script>alert(1)</script>', '${jndi:ldap://x}',
  '{{7*7}}', '$(id)', '`id`', 'a'.repeat(4_000), `sk-og-${'0'.repeat(46)}x`, "sk-og-'", "x' AND extractvalue(1,1)--",
];

type Carrier = (payload: string) => Record<string, string>;
const CARRIERS: Readonly<Record<string, Carrier>> = {
  bearer: (payload) => ({ authorization: `Bearer ${payload}` }),
  'x-api-key': (payload) => ({ 'x-api-key': payload }),
  'api-key': (payload) => ({ 'api-key': payload }),
  basic: (payload) => ({ authorization: `Basic ${Buffer.from(`${payload}:x`).toString('base64')}` }),
  'bare authorization': (payload) => ({ authorization: payload }),
};

/** Every statement of a database with its values, also inside transactions. */
function watch(database: Database): string[] {
  const statements: string[] = [];
  const watched = <Target extends Queryable>(target: Target): Target => {
    const query = target.query.bind(target) as Queryable['query'];
    target.query = ((...call: Parameters<Queryable['query']>) => {
      statements.push(JSON.stringify(call));
      return query(...call);
    }) as Target['query'];
    return target;
  };
  const transaction = database.transaction.bind(database) as Database['transaction'];
  database.transaction = ((work, options) => transaction((tables) => work(watched(tables)), options)) as Database['transaction'];
  watched(database);
  return statements;
}

describe('what is sent in the place of a key', () => {
  let fixture: TestDatabase;
  let database: Database;
  let statements: string[];
  let running: AuthApp;
  let port: number;

  beforeAll(async () => {
    fixture = await createTestDatabase();
    database = new Database(databaseSettings(fixture.url, { poolSize: 4 }));
    statements = watch(database);
    running = await startAuthApp(database, { demo: true });
    await running.app.listen(0, '127.0.0.1');
    port = (running.app.getHttpServer().address() as AddressInfo).port;
  }, 60_000);
  afterAll(async () => {
    await running?.stop();
    await database?.close();
    await fixture?.drop();
  });

  /** The feed rereads changes meanwhile; these are the questions that a request causes. */
  const lookUps = (): string[] => statements.filter((statement) => statement.includes('WHERE digest = ANY'));

  /** `headers` as a list keeps duplicates. */
  const ask = (headers: readonly string[] | Record<string, string>): Promise<{ status: number; body: string }> =>
    new Promise((resolve, reject) => {
      const call = request({ host: '127.0.0.1', port, path: '/v1/probe', agent: false, headers: headers as Record<string, string> }, (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
      });
      call.on('error', reject).end();
    });

  it.each(Object.entries(CARRIERS))('never reaches the database by %s, and every answer is that of a bad key', async (_, carrier) => {
    const before = lookUps().length;
    const reference = await ask(carrier('x'));
    expect(reference.status).toBe(401);
    for (const payload of PAYLOADS) {
      const answer = await ask(carrier(payload));
      expect(answer.status).toBe(401);
      if (!payload.startsWith('sk-og-0')) expect(answer.body).toBe(reference.body);
      expect(answer.body).not.toContain(payload.slice(0, 200).padEnd(3, ' '));
    }
    expect(lookUps()).toHaveLength(before);
    const all = statements.join('\n');
    for (const payload of PAYLOADS.filter(({ length }) => length > 6)) expect(all).not.toContain(payload.slice(0, 200));
  });

  it('is the same for a malformed key and for one that does not exist', async () => {
    const unknown = await ask({ 'x-api-key': generateToken('sk-og') });
    expect(unknown).toEqual(await ask({ 'x-api-key': "' OR 1=1--" }));
  });

  it('binds the digest, never the key', async () => {
    const key = generateToken('sk-og');
    const before = lookUps().length;
    await ask({ 'x-api-key': key });
    expect(lookUps()).toHaveLength(before + 1);
    expect(statements.join('\n')).not.toContain(key.slice(6, 30));
  });

  it('refuses two Authorization headers, whichever is good', async () => {
    const good = `Bearer ${running.boot.demoKey}`;
    const host = ['Host', '127.0.0.1'];
    expect(await ask([...host, 'Authorization', good])).toMatchObject({ status: 200 });
    for (const pair of [[good, 'Bearer x'], ['Bearer x', good], [good, good]]) {
      expect(await ask([...host, 'Authorization', pair[0] as string, 'authorization', pair[1] as string])).toMatchObject({ status: 401 });
    }
  });

  it('lets a good Bearer win over another carrier', async () => {
    expect(await ask({ authorization: `Bearer ${running.boot.demoKey}`, 'x-api-key': 'nonsense' })).toMatchObject({ status: 200 });
    expect(await ask({ authorization: 'Bearer nonsense', 'x-api-key': running.boot.demoKey ?? '' })).toMatchObject({ status: 401 });
  });

  it('is not remembered by a prefix', async () => {
    const { key } = await running.app.get(VirtualKeys).create({ project_id: 'default', name: 'Prefix' });
    expect(await ask({ 'x-api-key': key })).toMatchObject({ status: 200 });
    const other = generateToken('sk-og');
    expect(await ask({ 'x-api-key': key.slice(0, 26) + other.slice(26) })).toMatchObject({ status: 401 });
  });
});
