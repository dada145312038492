import { GatewayError } from '../../core/errors/gateway-error.js';
import type { Caller } from '../../core/policy/index.js';
import { ManualClock } from '../../platform/clock/index.js';
import { DatabaseUnavailableError } from '../../platform/database/index.js';
import { generateToken, Secrets } from '../../platform/secrets/index.js';
import { KEY_DIGEST_PURPOSE, KeyDirectory } from './key-directory.js';
import { KeyLoader, type Reading } from './key-loader.js';
import type { KeyRow, OrganizationRow, ProjectRow } from './rows.js';

const secrets = new Secrets('11'.repeat(32));

/** The three tables, in memory. */
class TableLoader extends KeyLoader {
  organizations: OrganizationRow[] = [];
  projects: ProjectRow[] = [];
  keys: KeyRow[] = [];
  lookUps: (readonly string[])[] = [];
  down = false;
  #changes = 0;

  constructor() {
    super(null as never);
    this.organizations.push({ ...this.layer('org'), name: 'Org' });
    this.projects.push({ ...this.layer('prj'), name: 'Prj', organization_id: 'org', zone: null, timezone: 'UTC', currency: 'USD' });
  }

  override all(): Promise<Reading> {
    return this.#read(() => this.keys);
  }

  override changedSince(): Promise<Reading> {
    return this.#read(() => this.keys);
  }

  override byDigests(digests: readonly string[]): Promise<Reading> {
    this.lookUps.push(digests);
    return this.#read(() => this.keys.filter((row) => row.secrets.some(({ digest }) => digests.includes(digest))));
  }

  layer(id: string) {
    this.#changes += 1;
    return { id, policy: {} as unknown, limits: {} as unknown, budget: null as unknown, budget_type: null as string | null, changed_us: this.#changes };
  }

  addKey(change: Partial<KeyRow> = {}): string {
    const key = generateToken('sk-og');
    const digest = secrets.digest(KEY_DIGEST_PURPOSE, key);
    const row = { ...this.layer(`key_${this.keys.length}`), name: 'Key', project_id: 'prj', expires_at: null, revoked_at: null };
    this.keys.push({ ...row, secrets: [{ digest, ends_ms: null }], ...change });
    return key;
  }

  change(row: { changed_us: number }, change: object): void {
    Object.assign(row, change, { changed_us: this.layer('').changed_us });
  }

  async #read(keys: () => KeyRow[]): Promise<Reading> {
    await Promise.resolve();
    if (this.down) throw new DatabaseUnavailableError('down');
    return { organizations: this.organizations, projects: this.projects, keys: structuredClone(keys()), cursor: '1' };
  }
}

/** Over which all requests of a test come; undefined: each over one of its own. */
let connection: object | undefined;

function start() {
  const clock = new ManualClock();
  const loader = new TableLoader();
  const events = { failures: [] as string[], faults: [] as string[] };
  const directory = new KeyDirectory(loader, secrets, clock, {
    failed: (reason) => events.failures.push(reason),
    unreadable: (fault) => events.faults.push(`${fault.layer} ${fault.id}: ${fault.reason}`),
  });
  const authenticate = (key: string): Caller | Promise<Caller> => directory.authenticate({ headers: { authorization: `Bearer ${key}` }, socket: connection });
  const codeOf = async (key: string): Promise<string> => {
    try {
      await authenticate(key);
      return 'ok';
    } catch (error) {
      if (error instanceof GatewayError) return error.code;
      throw error;
    }
  };
  return { clock, loader, events, directory, authenticate, codeOf };
}

describe.each([['a connection of its own', false], ['one connection', true]])('KeyDirectory, each request over %s', (_name, isShared) => {
  beforeEach(() => {
    connection = isShared ? {} : undefined;
  });

  it('answers known keys at once, with one shared caller', async () => {
    const { loader, directory, authenticate } = start();
    const key = loader.addKey();
    await directory.reload();
    const caller = authenticate(key);
    expect(caller).toMatchObject({ keyId: 'key_0', projectId: 'prj', organizationId: 'org', store: 'metadata' });
    expect(authenticate(key)).toBe(caller);
    expect(directory.find({ headers: { 'x-api-key': key } })).toBe(caller);
    expect(loader.lookUps).toEqual([]);
  });

  it('asks once for a digest however many ask, and for the neighbours together', async () => {
    const { loader, directory, authenticate } = start();
    await directory.reload();
    const keys = Array.from({ length: 20 }, () => loader.addKey());
    const callers = await Promise.all(keys.flatMap((key) => [authenticate(key), authenticate(key), authenticate(key)]));
    expect(new Set(callers.map(({ keyId }) => keyId)).size).toBe(20);
    expect(loader.lookUps.flat()).toHaveLength(20);
    expect(loader.lookUps.length).toBeLessThanOrEqual(2);
  });

  it('remembers for a moment that a digest is unknown, not for longer', async () => {
    const { clock, loader, directory, codeOf, events } = start();
    await directory.reload();
    const key = generateToken('sk-og');
    expect([await codeOf(key), await codeOf(key), await codeOf(key)]).toEqual(Array(3).fill('invalid_api_key'));
    expect(loader.lookUps).toHaveLength(1);
    clock.advance(2_001);
    expect(await codeOf(key)).toBe('invalid_api_key');
    expect(loader.lookUps).toHaveLength(2);
    expect(events.failures).toEqual(Array(4).fill('unknown'));
  });

  it('does not let a remembered unknown outlive the key’s creation', async () => {
    const { loader, directory, codeOf } = start();
    await directory.reload();
    const key = loader.addKey();
    const row = loader.keys.pop() as KeyRow;
    expect(await codeOf(key)).toBe('invalid_api_key');
    loader.keys.push(row);
    await directory.refresh();
    expect(await codeOf(key)).toBe('ok');
  });

  it('never asks for what is no key', async () => {
    const { loader, directory, codeOf } = start();
    await directory.reload();
    const key = generateToken('sk-og');
    for (const text of ["' OR '1'='1", `${key}x`, key.slice(0, -1), 'sk-og-'.padEnd(52, 'a'), '']) expect(await codeOf(text)).not.toBe('ok');
    expect(loader.lookUps).toEqual([]);
  });

  it('tells revoked, expired and rotated keys apart', async () => {
    const { clock, loader, directory, codeOf } = start();
    const revoked = loader.addKey({ revoked_at: new Date(clock.nowMs() - 1) });
    const expiring = loader.addKey({ expires_at: new Date(clock.nowMs() + 1_000) });
    const rotated = loader.addKey();
    const secret = loader.keys[2]?.secrets[0];
    if (secret !== undefined) secret.ends_ms = clock.nowMs() + 1_000;
    await directory.reload();
    expect([await codeOf(revoked), await codeOf(expiring), await codeOf(rotated)]).toEqual(['revoked_api_key', 'ok', 'ok']);
    clock.advance(1_000);
    expect([await codeOf(expiring), await codeOf(rotated)]).toEqual(['expired_api_key', 'revoked_api_key']);
  });

  it('puts a change in force with the next refresh, also in keys it remembers', async () => {
    const { loader, directory, codeOf, authenticate } = start();
    const key = loader.addKey();
    await directory.reload();
    const before = authenticate(key);
    loader.change(loader.projects[0] as ProjectRow, { policy: { streaming: false } });
    await directory.refresh();
    const after = (await authenticate(key)) as Caller;
    expect(after).not.toBe(before);
    expect(after.layers[1]?.policy).toEqual({ streaming: false });
    loader.change(loader.keys[0] as KeyRow, { revoked_at: new Date() });
    await directory.refresh();
    expect(await codeOf(key)).toBe('revoked_api_key');
  });

  it('does not let a slow older reading undo a newer one', async () => {
    const { loader, directory, codeOf } = start();
    const key = loader.addKey();
    await directory.reload();
    const old = structuredClone(loader.keys);
    loader.change(loader.keys[0] as KeyRow, { revoked_at: new Date() });
    await directory.refresh();
    loader.keys = old;
    await directory.refresh();
    expect(await codeOf(key)).toBe('revoked_api_key');
  });

  it('closes the keys of a layer that cannot be read, and no others', async () => {
    const { loader, directory, codeOf, events } = start();
    const good = loader.addKey();
    const bad = [null, '', [], { rpm: 1 }, { models: null }, { models: { allow: 'x' } }, { store: 'everything' }];
    const keys = bad.map((policy) => loader.addKey({ policy }));
    keys.push(loader.addKey({ limits: { rpm: 0 } }), loader.addKey({ budget: null, budget_type: 'null' }));
    await directory.reload();
    for (const key of keys) expect(await codeOf(key)).toBe('policy_invalid');
    expect(await codeOf(good)).toBe('ok');
    expect(events.faults[0]).toContain('key key_1: `policy` must be an object');
    loader.change(loader.organizations[0] as OrganizationRow, { policy: 5 });
    await directory.refresh();
    expect(await codeOf(good)).toBe('policy_invalid');
  });

  it('answers 503 for what it cannot look up and goes on with what it knows', async () => {
    const { loader, directory, codeOf } = start();
    const known = loader.addKey();
    await directory.reload();
    const unknown = loader.addKey();
    loader.down = true;
    expect([await codeOf(known), await codeOf(unknown)]).toEqual(['ok', 'service_unavailable']);
    await expect(directory.refresh()).rejects.toThrow('down');
    loader.down = false;
    expect(await codeOf(unknown)).toBe('ok');
  });

  it('finds the caller of a key’s id, for explanations', async () => {
    const { loader, directory, authenticate } = start();
    const key = loader.addKey();
    loader.addKey({ revoked_at: new Date() });
    await directory.reload();
    expect(directory.callerOf('key_0')).toBe(authenticate(key));
    expect(directory.callerOf('key_1').keyId).toBe('key_1');
    expect(() => directory.callerOf('key_9')).toThrow('There is no key key_9');
  });

  it('keeps apart the keys of clients that share a connection', async () => {
    const { loader, directory, authenticate, codeOf } = start();
    const [first, second] = [loader.addKey(), loader.addKey({ revoked_at: new Date(0) })];
    await directory.reload();
    for (let turn = 0; turn < 3; turn += 1) {
      expect(((await authenticate(first)) as Caller).keyId).toBe('key_0');
      expect(await codeOf(second)).toBe('revoked_api_key');
      expect(await codeOf(`${first.slice(0, -1)}${first.endsWith('a') ? 'b' : 'a'}`)).toBe('invalid_api_key');
    }
  });

  it('drops what was deleted', async () => {
    const { loader, directory, codeOf } = start();
    const key = loader.addKey();
    await directory.reload();
    expect(await codeOf(key)).toBe('ok');
    loader.keys = [];
    await directory.reload();
    expect(await codeOf(key)).toBe('invalid_api_key');
  });

  it('tells two keys apart that share a long prefix', async () => {
    const { loader, directory, codeOf } = start();
    const key = loader.addKey();
    await directory.reload();
    expect(await codeOf(key)).toBe('ok');
    const filling = key.endsWith('z') ? 'y' : 'z';
    for (let length = 20; length < key.length; length += 1) {
      expect(await codeOf(key.slice(0, length).padEnd(key.length, filling))).toBe('invalid_api_key');
    }
  });
});
