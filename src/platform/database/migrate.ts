import pg from 'pg';
import { DataSource, type MigrationInterface } from 'typeorm';
import { connectionConfig, type DatabaseSettings } from './settings.js';

/** Any number that only migrations use; a session lock, so it ends with its connection. */
const MIGRATION_LOCK = 7_263_514_908;
const LOCK_DEADLINE_MS = 120_000;
const MIGRATION_TABLE = 'schema_migrations';

export type MigrationClass = new () => MigrationInterface;
/** Another component's own schema (BullMQ's), brought up under the same lock. */
export type ExtraMigration = (client: pg.Client) => Promise<void>;

/**
 * Brings the schema up and returns the names of what ran. TypeORM takes no lock of its own: of three replicas starting on an
 * empty database one or two fail (seen 2026-11-21), so a PostgreSQL advisory lock goes around it.
 */
export async function migrate(
  settings: DatabaseSettings,
  migrations: readonly MigrationClass[],
  extras: readonly ExtraMigration[] = [],
): Promise<readonly string[]> {
  const direct = { ...settings, url: settings.directUrl, pooled: false };
  const holder = new pg.Client({
    ...connectionConfig({ ...direct, statementTimeoutMs: LOCK_DEADLINE_MS, lockTimeoutMs: LOCK_DEADLINE_MS }),
    connectionTimeoutMillis: 10_000,
  });
  holder.on('error', () => undefined);
  await holder.connect();
  try {
    await holder.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
    const names = await runMigrations(direct, migrations);
    for (const extra of extras) await extra(holder);
    return names;
  } finally {
    await holder.end();
  }
}

async function runMigrations(settings: DatabaseSettings, migrations: readonly MigrationClass[]): Promise<readonly string[]> {
  if (migrations.length === 0) return [];
  const source = new DataSource({
    type: 'postgres',
    url: settings.url,
    applicationName: `${settings.applicationName} migrations`,
    migrations: [...migrations],
    migrationsTableName: MIGRATION_TABLE,
    migrationsTransactionMode: 'each',
    poolSize: 1,
  });
  await source.initialize();
  try {
    const done = await source.runMigrations();
    return done.map((migration) => migration.name);
  } finally {
    await source.destroy();
  }
}
