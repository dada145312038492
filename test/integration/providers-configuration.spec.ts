import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Snapshot } from '../../src/core/catalog/model.js';
import { GatewayError } from '../../src/core/errors/gateway-error.js';
import { Secrets } from '../../src/platform/secrets/index.js';
import { loadCatalogue } from '../../src/providers/catalog/index.js';
import { buildSnapshot, ConfigurationFollower, ConfigurationService, effectiveProviders, SnapshotStore } from '../../src/providers/configuration/index.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

const MASTER = 'ab'.repeat(32);
const CANARY = 'sk-canary-0123456789abcdef';
const catalogue = loadCatalogue();
let db: TestDatabase;
const followers: ConfigurationFollower[] = [];

interface Engine {
  service: ConfigurationService;
  store: SnapshotStore;
  inForce: string[];
  failures: Error[];
  follow(file: string | null): ConfigurationFollower;
}

function engine(environment: Record<string, string> = {}, master = MASTER): Engine {
  const inForce: string[] = [];
  const failures: Error[] = [];
  const store = new SnapshotStore(buildSnapshot({ providers: effectiveProviders([], environment) }, catalogue, { version: 0, hash: 'start', atMs: Date.now() }));
  const observer = { inForce: (_: Snapshot, source: string) => void inForce.push(source), failed: (_: string, error: Error) => void failures.push(error) };
  const service = new ConfigurationService({ database: db.database, secrets: new Secrets(master), catalogue, store, environment, observer });
  const follow = (file: string | null) => {
    const follower = new ConfigurationFollower({ service, database: db.database, observer, file, pollMs: 200 });
    followers.push(follower);
    return follower;
  };
  return { service, store, inForce, failures, follow };
}

const DOCUMENT = `
version: 1
providers:
  - id: claude-kr
    type: anthropic
    base_url: http://127.0.0.1:9001/
    zones: [kr]
    credentials:
      - {id: main, key: "\${env:MY_KEY}", weight: 2}
    timeouts: {connect: 2s, idle: 45s}
    health: off
  - {id: local, type: openai-compatible, base_url: "http://127.0.0.1:9002/v1"}
models:
  - id: anthropic/claude-sonnet-4.5
    aliases: [sonnet]
    serve:
      - {provider: claude-kr, model: claude-sonnet-4-5-20250929}
    class: premium
  - id: own/llama
    serve: [{provider: local, model: llama}]
    price: free
  - id: own/unpriced
    serve: [{provider: local, model: mystery}]
routes:
  - name: default
    match: {model: "anthropic/*"}
    fallbacks: [{model: own/llama, class: degraded}]
`;

async function refusal(work: Promise<unknown>): Promise<GatewayError> {
  try {
    await work;
  } catch (error) {
    expect(error).toBeInstanceOf(GatewayError);
    return error as GatewayError;
  }
  throw new Error('was not refused');
}

async function until(condition: () => boolean, withinMs = 5_000): Promise<void> {
  const end = Date.now() + withinMs;
  while (!condition()) {
    if (Date.now() > end) throw new Error('did not happen in time');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

beforeEach(async () => {
  db = await createTestDatabase();
});
afterEach(async () => {
  for (const follower of followers.splice(0)) await follower.stop();
  await db.drop();
});

describe('applying a document', () => {
  it('puts it in force before it answers, reports the diff, and is idempotent', async () => {
    const { service, store } = engine({ MY_KEY: CANARY });
    await service.start();
    const result = await service.apply(DOCUMENT);
    expect(result.changes.map(({ action, kind, id }) => `${action} ${kind} ${id}`)).toEqual([
      'create provider claude-kr',
      'create provider local',
      'create model anthropic/claude-sonnet-4.5',
      'create model own/llama',
      'create model own/unpriced',
      'create route default',
    ]);
    const snapshot = store.current();
    expect(snapshot.version).toBe(result.version);
    const model = snapshot.models.get('anthropic/claude-sonnet-4.5');
    expect(snapshot.aliases.get('sonnet')).toBe(model?.id);
    expect(model).toMatchObject({ class: 'premium', ownedBy: 'anthropic' });
    const [deployment] = model?.deployments ?? [];
    expect(deployment).toMatchObject({
      id: 'claude-kr/claude-sonnet-4-5-20250929#main',
      protocol: 'anthropic-messages',
      capabilities: { contextWindow: 200_000, vision: true },
    });
    expect(deployment?.price?.tokens.input).toBe(3_000_000_000n);
    expect(deployment?.credential).toEqual({ id: 'main', weight: 2, secrets: { key: CANARY } });
    expect(deployment?.provider).toMatchObject({
      baseUrl: 'http://127.0.0.1:9001',
      zones: ['kr'],
      health: false,
      deadlines: { connectMs: 2_000, firstByteMs: 60_000, idleMs: 45_000, totalMs: 1_800_000 },
      reasoningDeadlines: { connectMs: 2_000, firstByteMs: 300_000, idleMs: 45_000 },
    });
    expect(snapshot.models.get('own/llama')?.price?.free).toBe(true);
    expect(snapshot.models.get('own/unpriced')?.deployments[0]?.price).toBeNull();
    expect(snapshot.models.get('sandbox/echo')?.deployments[0]?.provider.inProcess).toBe(true);
    expect(snapshot.models.get('anthropic/claude-haiku-4.5')?.deployments[0]?.provider.id).toBe('claude-kr');
    expect(snapshot.models.has('openai/gpt-5')).toBe(false);

    const again = await service.apply(DOCUMENT);
    expect(again).toEqual({ changes: [], version: result.version, dry_run: false });
    const asJson = JSON.stringify({ version: 1, ledger: { lease: 'off' } });
    expect((await service.apply(asJson)).changes).toEqual([{ action: 'update', kind: 'ledger', id: 'ledger', fields: ['lease'] }]);
    expect(store.current().leases).toBe(false);
    expect(store.current().models.has('own/llama')).toBe(true);
  });

  it('takes a named section as the whole of it', async () => {
    const { service, store } = engine({ MY_KEY: CANARY });
    await service.apply(DOCUMENT);
    const { changes } = await service.apply('version: 1\nroutes: []\nmodels:\n  - {id: own/llama, serve: [{provider: local, model: llama3}], price: free}\n');
    expect(changes).toEqual([
      { action: 'delete', kind: 'model', id: 'anthropic/claude-sonnet-4.5' },
      { action: 'delete', kind: 'model', id: 'own/unpriced' },
      { action: 'update', kind: 'model', id: 'own/llama', fields: ['serve'] },
      { action: 'delete', kind: 'route', id: 'default' },
    ]);
    expect(store.current().models.get('own/llama')?.deployments[0]?.upstreamModel).toBe('llama3');
    // A provider that models still name cannot go.
    const error = await refusal(service.apply('version: 1\nproviders: []\n'));
    expect(error.param).toBe('models[0].serve[0].provider');
  });

  it('only reports on a dry run', async () => {
    const { service, store } = engine({ MY_KEY: CANARY });
    const { changes } = await service.apply(DOCUMENT, { dryRun: true });
    expect(changes).toHaveLength(6);
    expect(store.current().models.has('own/llama')).toBe(false);
    expect((await db.database.query('SELECT 1 FROM configuration_versions')).rowCount).toBe(0);
  });

  it('undoes everything when the audit row fails', async () => {
    const { service, store } = engine({ MY_KEY: CANARY });
    await expect(service.apply(DOCUMENT, { within: () => Promise.reject(new Error('disk full')) })).rejects.toThrow('disk full');
    expect(store.current().models.has('own/llama')).toBe(false);
    expect((await db.database.query('SELECT 1 FROM configuration_versions')).rowCount).toBe(0);
  });

  it('keeps one of two concurrent writers’ sections each', async () => {
    const { service } = engine({ MY_KEY: CANARY });
    await service.apply(DOCUMENT);
    await Promise.all([service.apply('version: 1\nledger: {lease: off}\n'), service.apply('version: 1\nroutes: []\n')]);
    const other = engine({ MY_KEY: CANARY });
    await other.service.start();
    expect(other.store.current()).toMatchObject({ leases: false, routes: [] });
  });
});

describe('secrets', () => {
  it('are sealed in the database, masked when shown, and kept by the mask', async () => {
    const { service, store } = engine({ MY_KEY: CANARY, OPENAI_API_KEY: `${CANARY}-env` });
    await service.apply(DOCUMENT);
    const dump = JSON.stringify((await db.database.query('SELECT * FROM configuration_versions')).rows);
    expect(dump).not.toContain(CANARY);
    const shown = JSON.stringify(service.get());
    expect(shown).not.toContain(CANARY);
    expect(shown).toContain('"key":"***"');
    expect((await service.apply(shown)).changes.filter((change) => change.id === 'claude-kr' || change.kind === 'model')).toEqual([]);
    expect(store.current().providers.get('claude-kr')?.credentials[0]?.secrets['key']).toBe(CANARY);
    expect(store.current().providers.get('openai')?.credentials[0]?.secrets['key']).toBe(`${CANARY}-env`);
  });

  it('are not kept for another address (A06)', async () => {
    const { service } = engine({ MY_KEY: CANARY });
    await service.apply(DOCUMENT);
    const error = await refusal(
      service.apply('version: 1\nproviders: [{id: claude-kr, type: anthropic, base_url: "http://evil.example", credentials: [{id: main, key: "***"}]}]\n'),
    );
    expect(error.param).toBe('providers[0].credentials[0].key');
  });

  it('sealed by another master key stop the start, and nothing is overwritten', async () => {
    await engine({ MY_KEY: CANARY }).service.apply(DOCUMENT);
    const other = engine({}, 'cd'.repeat(32));
    await expect(other.service.start()).rejects.toThrow('another master key');
    expect(other.failures).toHaveLength(1);
  });
});

describe('a refused document', () => {
  const provider = (rest: string) => `version: 1\nproviders:\n  - {id: a, ${rest}}\n`;
  const model = (rest: string) => `version: 1\nmodels:\n  - id: m\n    serve: [{provider: sandbox, model: echo}]\n    ${rest}\n`;
  it.each([
    ['version: 2', 'version', 'must be 1'],
    ['provders: []\nversion: 1', 'provders', 'did you mean "providers"? (line 1, column 1)'],
    [provider('type: antropic'), 'providers[0].type', 'did you mean "anthropic"? (line 3, column 13)'],
    [provider('type: openai, baseurl: x'), 'providers[0].baseurl', 'did you mean "base_url"?'],
    [provider('type: openai'), 'providers[0].credentials', 'OPENAI_API_KEY'],
    [provider('type: openai-compatible'), 'providers[0].base_url', 'is missing'],
    [provider('type: openai, base_url: "http://u:p@h"'), 'providers[0].base_url', 'user or password'],
    [provider('type: openai, base_url: "file:///etc"'), 'providers[0].base_url', 'http or https'],
    [provider('type: openai, credentials: [{key: "a b"}]'), 'providers[0].credentials[0].key', 'visible ASCII'],
    [provider('type: openai, credentials: [{key: "${env:NOT_SET}"}]'), 'providers[0].credentials[0].key', 'NOT_SET, which is not set'],
    [provider('type: openai, credentials: [{key: "${env:OG_MASTER_KEY}"}]'), 'providers[0].credentials[0].key', 'own variable'],
    [provider('type: openai, credentials: [{key: "${file:/nowhere/at/all}"}]'), 'providers[0].credentials[0].key', 'ENOENT'],
    [provider('type: openai, base_url: "http://h", zones: [KR]'), 'providers[0].zones[0]', 'lower-case'],
    [provider('type: openai, base_url: "http://h", timeouts: {idle: 30}'), 'providers[0].timeouts.idle', 'duration like'],
    [provider('type: openai, base_url: "http://h", health: maybe'), 'providers[0].health', 'on or off'],
    [model('price: {input: 3}'), 'models[0].price.input', ''],
    [model('aliases: ["${env:HOME}"]'), 'models[0].aliases[0]', 'only base_url and credentials'],
    [model('capabilities: {visoin: true}'), 'models[0].capabilities.visoin', 'did you mean "vision"?'],
    ['version: 1\nmodels: [{id: m, serve: [{provider: sandbo, model: echo}]}]', 'models[0].serve[0].provider', 'did you mean "sandbox"?'],
    ['version: 1\nmodels: [{id: m, serve: [{provider: sandbox, model: echo}, {provider: sandbox, model: echo}]}]', 'models[0].serve[1].model', 'a second time'],
    ['version: 1\nmodels: [{id: m}]', 'models[0].serve', 'is missing'],
    [
      'version: 1\nmodels: [{id: m, serve: [{provider: sandbox, model: echo}]}, {id: n, aliases: [m], serve: [{provider: sandbox, model: echo}]}]',
      'models[1].aliases[0]',
      'models[0].id already',
    ],
    ['version: 1\nroutes: [{name: r, strategy: fast}]', 'routes[0].strategy', 'balanced'],
    ['version: 1\nroutes: [{name: r, fallbacks: [{model: nothing}]}]', 'routes[0].fallbacks[0].model', 'no provider here serves'],
    ['version: 1\nversion: 1', null, 'unique'],
    ['version: 1\n  providers: [', null, 'line 1, column 10'],
    ['[]', null, 'must be an object'],
    ['', null, 'must be an object'],
  ])('%j', async (text, param, words) => {
    const error = await refusal(engine().service.apply(text as string));
    expect(error).toMatchObject({ code: 'invalid_request', status: 400, param });
    expect(error.message).toContain(words);
  });

  it('leaves the one in force as it is', async () => {
    const { service, store } = engine({ MY_KEY: CANARY });
    await service.apply(DOCUMENT);
    const before = store.current();
    await refusal(service.apply(`${DOCUMENT}\nunknown: 1\n`));
    expect(store.current()).toBe(before);
  });

  it.each([
    'a: &a [x, x, x, x]\nb: &b [*a, *a, *a, *a]\nc: &c [*b, *b, *b, *b]\nd: &d [*c, *c, *c, *c]\ne: [*d, *d, *d, *d]\nversion: 1',
    `version: 1\nmodels: ${'['.repeat(3_000)}`,
  ])('that is an attack is refused quickly', async (text) => {
    const startedMs = performance.now();
    await refusal(engine().service.apply(text));
    expect(performance.now() - startedMs).toBeLessThan(2_000);
  });
});

describe('other engines', () => {
  it('follow within 5 s', async () => {
    const [writer, reader] = [engine({ MY_KEY: CANARY }), engine()];
    await reader.follow(null).begin();
    const { version } = await writer.service.apply(DOCUMENT);
    const startedMs = performance.now();
    await until(() => reader.store.current().version === version);
    expect(performance.now() - startedMs).toBeLessThan(1_000);
    expect(reader.store.current().hash).toBe(writer.store.current().hash);
    expect(reader.store.current().providers.get('claude-kr')?.credentials[0]?.secrets['key']).toBe(CANARY);
  });

  it('keep what they have when a stored version cannot be used, and start with the last that can', async () => {
    const reader = engine();
    await engine({ MY_KEY: CANARY }).service.apply(DOCUMENT);
    await reader.follow(null).begin();
    const before = reader.store.current();
    for (const bad of ['{"version": 1, "models": "none"}', 'null', '{"version": 1, "providers": [{"id": null, "type": "x"}]}']) {
      await db.database.query("INSERT INTO configuration_versions (document, hash, source, changes) VALUES ($1, 'x', 'test', '[]')", [bad]);
    }
    await until(() => reader.failures.length > 0);
    expect(reader.store.current()).toBe(before);
    const late = engine();
    await late.service.start();
    expect(late.store.current().version).toBe(before.version);
  });

  it('serve the rest when a provider of the environment is gone', async () => {
    await engine({ OPENAI_API_KEY: 'sk-x' }).service.apply(
      'version: 1\nmodels: [{id: m, serve: [{provider: openai, model: gpt-5}]}, {id: s, serve: [{provider: sandbox, model: echo}]}]',
    );
    const other = engine();
    await other.service.start();
    expect(other.store.current().models.get('m')?.deployments).toEqual([]);
    expect(other.store.current().models.get('s')?.deployments).toHaveLength(1);
  });
});

describe('OG_CONFIG', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'og-config-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it('is applied at the start and when it changes; a bad change keeps the last good one', async () => {
    const file = join(directory, 'og.yaml');
    writeFileSync(join(directory, 'key'), `${CANARY}\n`);
    writeFileSync(file, DOCUMENT.replace('${env:MY_KEY}', `\${file:${join(directory, 'key')}}`));
    const { store, follow, failures } = engine();
    await follow(file).begin();
    expect(store.current().providers.get('claude-kr')?.credentials[0]?.secrets['key']).toBe(CANARY);
    writeFileSync(file, 'version: 1\nledger: {leese: off}\n');
    await until(() => failures.length > 0);
    expect(failures[0]?.message).toContain('did you mean "lease"?');
    expect(store.current().leases).toBe(true);
    writeFileSync(file, 'version: 1\nledger: {lease: off}\n');
    await until(() => !store.current().leases);
    expect(failures).toHaveLength(1);
  });

  it('that is wrong stops the start with one line', async () => {
    const file = join(directory, 'og.yaml');
    writeFileSync(file, 'version: 1\nprovider: []\n');
    await expect(engine().follow(file).begin()).rejects.toThrow(
      /^OG_CONFIG: .*provider is not a known key here; did you mean "providers"\? \(line 2, column 1\)$/,
    );
    await expect(engine().follow(join(directory, 'none')).begin()).rejects.toThrow(/^OG_CONFIG: .*ENOENT/);
  });
});
