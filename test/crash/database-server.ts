import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { migrations } from '../../migrations/index.js';
import { databaseSettings, migrate, startEmbeddedPostgres, type EmbeddedPostgres } from '../../src/platform/database/index.js';

const TEMPLATE = 'crash_template';

/** A PostgreSQL of these tests' own, durable as in production, that may be stopped and started while gateways use it. */
export class DatabaseServer {
  private constructor(
    private readonly dataDirectory: string,
    private postgres: EmbeddedPostgres,
  ) {}

  static async start(dataDirectory: string): Promise<DatabaseServer> {
    const server = new DatabaseServer(dataDirectory, await startServer(dataDirectory));
    await server.ask(`CREATE DATABASE ${TEMPLATE}`);
    await migrate(databaseSettings(server.urlOf(TEMPLATE)), migrations);
    return server;
  }

  /** A migrated database of its own; its URL. */
  async clone(): Promise<string> {
    const name = `crash_${randomBytes(6).toString('hex')}`;
    await this.ask(`CREATE DATABASE ${name} TEMPLATE ${TEMPLATE}`);
    return this.urlOf(name);
  }

  async stop(): Promise<void> {
    await this.postgres.stop();
  }

  async resume(): Promise<void> {
    this.postgres = await startServer(this.dataDirectory);
  }

  private urlOf(name: string): string {
    const url = new URL(this.postgres.url);
    url.pathname = `/${name}`;
    return url.href;
  }

  private async ask(sql: string): Promise<void> {
    const client = new pg.Client({ connectionString: this.urlOf('postgres') });
    client.on('error', () => undefined);
    await client.connect();
    try {
      // One after another: CREATE DATABASE refuses a template that is being copied.
      await client.query('SELECT pg_advisory_lock(4712)');
      await client.query(sql);
    } finally {
      await client.end();
    }
  }
}

function startServer(dataDirectory: string): Promise<EmbeddedPostgres> {
  return startEmbeddedPostgres({ dataDirectory, durable: true, say: () => undefined });
}
