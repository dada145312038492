import { KeyDirectory, Organizations, Projects, VirtualKeys, type IssuedKey } from '../../src/auth/index.js';
import { KeyFeed } from '../../src/auth/keys/key-feed.js';
import { KeyLoader } from '../../src/auth/keys/key-loader.js';
import { FirstBoot } from '../../src/auth/tenants/first-boot.js';
import { GatewayError } from '../../src/core/errors/gateway-error.js';
import type { Caller } from '../../src/core/policy/index.js';
import { Boot } from '../../src/platform/boot/index.js';
import { SystemClock } from '../../src/platform/clock/index.js';
import { Config } from '../../src/platform/config/index.js';
import { Database, databaseSettings } from '../../src/platform/database/index.js';
import { Secrets } from '../../src/platform/secrets/index.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { MASTER_KEY } from './auth-harness.js';

const clock = new SystemClock();
const secrets = new Secrets(MASTER_KEY);

/** One engine's view of the keys. */
class Engine {
  readonly directory: KeyDirectory;
  readonly feed: KeyFeed;
  readonly organizations: Organizations;
  readonly projects: Projects;
  readonly keys: VirtualKeys;
  readonly faults: string[] = [];

  constructor(readonly database: Database, pollMs?: number) {
    const unreadable = (fault: { id: string }): unknown => this.faults.push(fault.id);
    this.directory = new KeyDirectory(new KeyLoader(database), secrets, clock, { failed: () => undefined, unreadable });
    this.feed = new KeyFeed(database, this.directory, pollMs);
    this.organizations = new Organizations(database, this.directory);
    this.projects = new Projects(database, this.directory);
    this.keys = new VirtualKeys(database, this.directory, secrets, clock);
  }

  async outcome(key: string): Promise<string> {
    try {
      await this.directory.authenticate({ headers: { authorization: `Bearer ${key}` } });
      return 'ok';
    } catch (error) {
      if (error instanceof GatewayError) return error.code;
      throw error;
    }
  }

  caller(key: string): Promise<Caller> {
    return Promise.resolve(this.directory.authenticate({ headers: { 'x-api-key': key } }));
  }

  /** How long until the key's outcome is what is expected, in ms. */
  async until(key: string, expected: string): Promise<number> {
    const startedMs = performance.now();
    while ((await this.outcome(key)) !== expected) {
      if (performance.now() - startedMs > 8_000) throw new Error(`still ${await this.outcome(key)}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return performance.now() - startedMs;
  }
}

/** A transaction pooler, or a firewall, that lets nothing through but queries. */
class DeafDatabase extends Database {
  override listen(): Promise<() => Promise<void>> {
    return Promise.reject(new Error('LISTEN is not possible here'));
  }
}

describe('virtual keys on a real PostgreSQL', () => {
  let fixture: TestDatabase;
  let one: Engine;
  let other: Engine;
  let deaf: Engine;
  let projectId: string;

  beforeAll(async () => {
    fixture = await createTestDatabase();
    one = new Engine(fixture.database);
    other = new Engine(new Database(databaseSettings(fixture.url, { poolSize: 4 })));
    deaf = new Engine(new DeafDatabase(databaseSettings(fixture.url, { poolSize: 2 })));
    await Promise.all([one, other, deaf].map((engine) => engine.feed.start()));
    const organization = await one.organizations.create({ name: 'Acme' });
    const project = await one.projects.create({ organization_id: organization.id, name: 'Search', timezone: 'Asia/Seoul', zone: 'kr' });
    projectId = project.id;
  }, 90_000);

  afterAll(async () => {
    await Promise.all([one, other, deaf].map((engine) => engine?.feed.stop()));
    await Promise.all([other, deaf].map((engine) => engine?.database.close()));
    await fixture?.drop();
  });

  const create = (name = 'Key'): Promise<IssuedKey> => one.keys.create({ project_id: projectId, name });

  it('shows the key once and stores only its digest', async () => {
    const issued = await create();
    expect(issued.key).toMatch(/^sk-og-[0-9A-Za-z]{46}$/);
    expect(issued).toMatchObject({ status: 'active', last4: issued.key.slice(-4), project_id: projectId });
    expect(await one.keys.get(issued.id)).not.toHaveProperty('key');
    const tables = await fixture.database.query<{ name: string }>(`SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'`);
    for (const { name } of tables.rows) {
      const rows = await fixture.database.query<{ text: string }>(`SELECT row_to_json(t)::text AS text FROM "${name}" t`);
      expect(rows.rows.map(({ text }) => text).join('\n')).not.toContain(issued.key.slice(6, 40));
    }
  });

  it('is in force at once where it was made, and at first use elsewhere', async () => {
    const { key, id } = await create();
    expect(await one.outcome(key)).toBe('ok');
    expect(await deaf.outcome(key)).toBe('ok');
    expect(await other.caller(key)).toMatchObject({ keyId: id, projectId, timezone: 'Asia/Seoul', zone: 'kr' });
  });

  it('revokes everywhere: at once here, by NOTIFY in the other, by the poll where nothing is heard', async () => {
    const { key, id } = await create();
    await Promise.all([other, deaf].map((engine) => engine.until(key, 'ok')));
    expect(await one.keys.revoke(id)).toMatchObject({ status: 'revoked' });
    expect(await one.outcome(key)).toBe('revoked_api_key');
    const [heardMs, polledMs] = await Promise.all([other.until(key, 'revoked_api_key'), deaf.until(key, 'revoked_api_key')]);
    expect(heardMs).toBeLessThan(1_000);
    expect(polledMs).toBeLessThan(5_000);
    const again = await one.keys.revoke(id);
    expect(again.revoked_at).toBe((await one.keys.get(id)).revoked_at);
  });

  it('rotates with an overlap in which both keys work, and keeps the id', async () => {
    const { key: first, id } = await create();
    const { key: second, id: sameId } = await one.keys.rotate(id, { overlap_seconds: 1 });
    expect(sameId).toBe(id);
    expect([await one.outcome(first), await one.outcome(second), await other.outcome(second)]).toEqual(['ok', 'ok', 'ok']);
    await one.until(first, 'revoked_api_key');
    expect(await one.outcome(second)).toBe('ok');
    const { key: third } = await one.keys.rotate(id);
    expect([await one.outcome(second), await one.outcome(third)]).toEqual(['revoked_api_key', 'ok']);
    await other.until(second, 'revoked_api_key');
    await one.keys.revoke(id);
    await expect(one.keys.rotate(id)).rejects.toMatchObject({ code: 'conflict' });
  });

  it('puts changes of key, project and organization in force on every engine', async () => {
    const { key, id } = await create();
    await one.keys.patch(id, { policy: { store: 'full' }, limits: { rpm: 5 }, budget: { amount_usd: '1.00', period: 'day' }, expires_at: null });
    const caller = await one.caller(key);
    expect(caller.store).toBe('full');
    expect(caller.layers[2]).toMatchObject({ limits: { rpm: 5 }, budget: { amount_usd: '1.00', period: 'day' } });
    await one.projects.patch(projectId, { policy: { store: 'none' } });
    await one.organizations.patch(caller.organizationId, { limits: { tpm: 9 } });
    const startedMs = performance.now();
    for (const engine of [other, deaf]) {
      while ((await engine.caller(key)).store !== 'none' || (await engine.caller(key)).layers[0]?.limits.tpm !== 9) {
        expect(performance.now() - startedMs).toBeLessThan(5_000);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
    await one.projects.patch(projectId, { policy: null });
    await one.keys.patch(id, { expires_at: new Date(Date.now() - 1_000).toISOString() });
    expect(await one.outcome(key)).toBe('expired_api_key');
    await one.keys.patch(id, { expires_at: null, budget: null });
    expect(await one.outcome(key)).toBe('ok');
    expect((await one.keys.get(id)).budget).toBeNull();
  });

  it('takes part in the caller’s transaction: nothing of it when that rolls back', async () => {
    const made: string[] = [];
    const attempt = fixture.database.transaction(async (tables) => {
      made.push((await one.keys.create({ project_id: projectId, name: 'Lost' }, tables)).key);
      throw new Error('audit failed');
    });
    await expect(attempt).rejects.toThrow('audit failed');
    expect(await one.outcome(made[0] ?? '')).toBe('invalid_api_key');
  });

  it('refuses what it does not know, with the member in param', async () => {
    const bad: [object, string][] = [
      [{ name: 'x' }, 'project_id'],
      [{ project_id: 'nobody', name: 'x' }, 'project_id'],
      [{ project_id: projectId }, 'name'],
      [{ project_id: projectId, name: 'x', is_admin: true }, 'is_admin'],
      [{ project_id: projectId, name: 'x', organization_id: 'default' }, 'organization_id'],
      [{ project_id: projectId, name: 'x', revoked_at: null }, 'revoked_at'],
      [{ project_id: projectId, name: 'x', policy: { modles: {} } }, 'policy.modles'],
      [{ project_id: projectId, name: 'x', expires_at: 'tomorrow' }, 'expires_at'],
      [{ project_id: projectId, name: '\u0000' }, 'name'],
    ];
    for (const [input, param] of bad) await expect(one.keys.create(input)).rejects.toMatchObject({ code: 'invalid_request', param });
    await expect(one.keys.patch('key_nobody', { name: 'x' })).rejects.toMatchObject({ code: 'not_found' });
    await expect(one.keys.revoke("key' OR '1'='1")).rejects.toMatchObject({ code: 'not_found' });
    await expect(one.projects.create({ organization_id: 'default_', name: 'x' })).rejects.toMatchObject({ param: 'organization_id' });
    await expect(one.projects.patch(projectId, { organization_id: 'x' })).rejects.toMatchObject({ param: 'organization_id' });
    await expect(one.projects.patch(projectId, { timezone: 'Seoul' })).rejects.toMatchObject({ param: 'timezone' });
  });

  it('lists by key, newest first, each once', async () => {
    const project = await one.projects.create({ organization_id: (await one.projects.get(projectId)).organization_id, name: 'Listed' });
    const made: string[] = [];
    for (let index = 0; index < 5; index += 1) made.push((await one.keys.create({ project_id: project.id, name: `Key ${index}` })).id);
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page: Awaited<ReturnType<VirtualKeys['list']>> = await one.keys.list({ project_id: project.id, limit: 2, cursor });
      seen.push(...page.data.map(({ id }) => id));
      cursor = page.next_cursor;
    } while (cursor !== null);
    expect(seen).toEqual(made.toSorted().toReversed());
    await expect(one.keys.list({ cursor: Buffer.from("' OR 1=1").toString('base64url') })).rejects.toMatchObject({ param: 'cursor' });
    await expect(one.keys.list({ limit: 0 })).rejects.toMatchObject({ param: 'limit' });
  });

  it('confines fifty corrupt rows to their own keys', async () => {
    const good = await create('Good');
    const values = ['null', '""', '[]', '5', '{"rpm":1}', '{"models":null}', '{"models":{"allow":"x"}}', '{"streaming":"no"}', '{"ips":["x"]}', '{"store":""}'];
    const bad: IssuedKey[] = [];
    for (let index = 0; index < 50; index += 1) bad.push(await create(`Bad ${index}`));
    for (const [index, { id }] of bad.entries()) {
      const column = index % 5 === 4 ? 'limits' : 'policy';
      const value = column === 'limits' ? '{"rpm":"many"}' : values[index % values.length];
      await fixture.database.query(`UPDATE virtual_keys SET ${column} = $2 WHERE id = $1`, [id, value]);
    }
    await Promise.all([one, other].flatMap((engine) => bad.map(({ key }) => engine.until(key, 'policy_invalid'))));
    expect([await one.outcome(good.key), await other.outcome(good.key)]).toEqual(['ok', 'ok']);
    expect(new Set(one.faults).size).toBe(50);
  });

  it('notices rows deleted by hand', async () => {
    const { key, id } = await create();
    expect(await other.outcome(key)).toBe('ok');
    await fixture.database.query('DELETE FROM virtual_keys WHERE id = $1', [id]);
    await other.until(key, 'invalid_api_key');
    await one.until(key, 'invalid_api_key');
  });

  it('answers 503 without a database for keys it does not know, and serves those it knows', async () => {
    const known = await create();
    const lonely = new Engine(new Database(databaseSettings(fixture.url, { poolSize: 2 })));
    await lonely.directory.reload();
    const later = await create();
    await lonely.database.close();
    expect(await lonely.outcome(known.key)).toBe('ok');
    expect(await lonely.outcome(later.key)).toBe('service_unavailable');
  });

  it('survives a cold start under load without one false 401', async () => {
    const made = await Promise.all(Array.from({ length: 40 }, (_, index) => create(`Load ${index}`)));
    const cold = new Engine(new Database(databaseSettings(fixture.url, { poolSize: 2 })));
    const outcomes = await Promise.all(Array.from({ length: 25 }, () => made.map(({ key }) => cold.outcome(key))).flat());
    await cold.database.close();
    expect(outcomes).toHaveLength(1_000);
    expect(new Set(outcomes)).toEqual(new Set(['ok']));
  });
});

describe('the first boot of a database', () => {
  let fixture: TestDatabase;
  let engine: Engine;

  beforeAll(async () => {
    fixture = await createTestDatabase();
    engine = new Engine(fixture.database);
  }, 60_000);
  afterAll(() => fixture?.drop());

  const bootOnce = async (options: { demo: boolean; secrets?: Secrets }): Promise<string | null> => {
    const boot = new Boot('sk-og-of-the-last-start');
    const config = Object.assign(new Config(), { demo: options.demo });
    const used = options.secrets ?? secrets;
    const keys = new VirtualKeys(fixture.database, engine.directory, used, clock);
    Object.assign(new FirstBoot(boot, fixture.database, used, keys), { config }).onModuleInit();
    await boot.run();
    return boot.demoKey;
  };

  it('makes the default tenants, and a demo key that stays the same', async () => {
    expect(await bootOnce({ demo: false })).toBeNull();
    const [first, second] = await Promise.all([bootOnce({ demo: true }), bootOnce({ demo: true })]);
    expect(first).toMatch(/^sk-og-/);
    expect(second).toBe(first);
    expect(await bootOnce({ demo: true })).toBe(first);
    await engine.directory.reload();
    expect(await engine.caller(first ?? '')).toMatchObject({ organizationId: 'default', projectId: 'default', store: 'full' });
    expect(await bootOnce({ demo: false })).toBeNull();
  });

  it('makes another one under another master key, and none after it was revoked', async () => {
    const remade = await bootOnce({ demo: true, secrets: new Secrets('43'.repeat(32)) });
    expect(remade).toMatch(/^sk-og-/);
    await engine.keys.revoke('key_demo');
    expect(await bootOnce({ demo: true })).toBeNull();
    expect((await engine.keys.get('key_demo')).status).toBe('revoked');
  });
});
