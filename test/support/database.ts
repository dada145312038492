/**
 * A real PostgreSQL for a test: one embedded server for the whole run, one migrated template, a clone per caller (about
 * 50 ms). `const fixture = await createTestDatabase()` in beforeAll, `await fixture.drop()` in afterAll.
 */
import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import pg from 'pg';
import { migrations } from '../../migrations/index.js';
import { Database, databaseSettings, migrate, type DatabaseSettings } from '../../src/platform/database/index.js';

const TEMPLATE = 'og_template';
/** Held while the template is made or copied: CREATE DATABASE refuses a template that is in use. */
const TEMPLATE_LOCK = 4_711;

export interface TestDatabase {
  readonly url: string;
  readonly database: Database;
  drop(): Promise<void>;
}

export interface TestDatabaseOptions {
  /** False: an empty database, for tests of the migrations themselves. */
  readonly migrated?: boolean;
  readonly settings?: Partial<DatabaseSettings>;
}

export async function createTestDatabase(options: TestDatabaseOptions = {}): Promise<TestDatabase> {
  const adminUrl = withDatabase(await serverUrl(), 'postgres');
  const name = `test_${randomBytes(6).toString('hex')}`;
  const template = options.migrated === false ? 'template1' : TEMPLATE;
  await withAdmin(adminUrl, async (admin) => {
    await admin.query('SELECT pg_advisory_lock($1)', [TEMPLATE_LOCK]);
    if (template === TEMPLATE) await ensureTemplate(admin, adminUrl);
    await admin.query(`CREATE DATABASE ${name} TEMPLATE ${template}`);
  });
  const url = withDatabase(adminUrl, name);
  const database = new Database(databaseSettings(url, { poolSize: 10, ...options.settings }));
  return {
    url,
    database,
    drop: async () => {
      await database.close();
      await withAdmin(adminUrl, (admin) => admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`));
    },
  };
}

async function ensureTemplate(admin: pg.Client, adminUrl: string): Promise<void> {
  const found = await admin.query('SELECT 1 FROM pg_database WHERE datname = $1', [TEMPLATE]);
  if (found.rowCount !== 0) return;
  await admin.query('DROP DATABASE IF EXISTS og_template_making WITH (FORCE)');
  await admin.query('CREATE DATABASE og_template_making');
  await migrate(databaseSettings(withDatabase(adminUrl, 'og_template_making')), migrations);
  await admin.query(`ALTER DATABASE og_template_making RENAME TO ${TEMPLATE}`);
}

/** Asks the run's main process, which starts the server on the first question. */
function serverUrl(): Promise<string> {
  const socketPath = process.env['OGTEST_DATABASE_CONTROL'];
  if (socketPath === undefined) throw new Error('no test database: run through jest with this repository’s configuration');
  return new Promise((resolve, reject) => {
    const call = request({ socketPath, path: '/', timeout: 60_000, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => {
        const answer = JSON.parse(text) as { url?: string; message?: string };
        if (answer.url === undefined) reject(new Error(answer.message));
        else resolve(answer.url);
      });
    });
    call.on('error', reject).on('timeout', () => call.destroy(new Error('the test database did not start in 60 s')));
    call.end();
  });
}

function withDatabase(url: string, name: string): string {
  const parsed = new URL(url);
  parsed.pathname = `/${name}`;
  return parsed.href;
}

async function withAdmin(url: string, work: (admin: pg.Client) => Promise<unknown>): Promise<void> {
  const admin = new pg.Client({ connectionString: url });
  admin.on('error', () => undefined);
  await admin.connect();
  try {
    await work(admin);
  } finally {
    await admin.end();
  }
}
