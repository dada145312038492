import type pg from 'pg';

/** How to reach the database and how long anything there may take. */
export interface DatabaseSettings {
  readonly url: string;
  /** For LISTEN and the migration lock, which a transaction pooler would break; the same as `url` without one. */
  readonly directUrl: string;
  /** True when a transaction pooler stands before the database: it refuses start-up parameters. */
  readonly pooled: boolean;
  readonly poolSize: number;
  readonly acquireTimeoutMs: number;
  readonly statementTimeoutMs: number;
  readonly lockTimeoutMs: number;
  readonly idleTransactionTimeoutMs: number;
  readonly applicationName: string;
}

/** Admission must be decided within 2 s; a statement that takes 5 s is stuck, a job asks for more by transaction. */
export function databaseSettings(url: string, overrides: Partial<DatabaseSettings> = {}): DatabaseSettings {
  const directUrl = overrides.directUrl ?? url;
  return {
    url,
    directUrl,
    pooled: directUrl !== url,
    poolSize: 20,
    acquireTimeoutMs: 2_000,
    statementTimeoutMs: 5_000,
    lockTimeoutMs: 2_000,
    idleTransactionTimeoutMs: 10_000,
    applicationName: 'opengateway',
    ...overrides,
  };
}

export function connectionConfig(settings: DatabaseSettings): pg.ClientConfig {
  const common: pg.ClientConfig = { connectionString: settings.url, keepAlive: true };
  if (settings.pooled) return common;
  return {
    ...common,
    application_name: settings.applicationName,
    statement_timeout: settings.statementTimeoutMs,
    lock_timeout: settings.lockTimeoutMs,
    idle_in_transaction_session_timeout: settings.idleTransactionTimeoutMs,
  };
}
