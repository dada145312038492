import type pg from 'pg';

/** How to reach the database and how long anything there may take. */
export interface DatabaseSettings {
  readonly url: string;
  /** For LISTEN, migrations and the queue: without a transaction pooler, as the owner of the schema. Often the same as `url`. */
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
    pooled: placeOf(directUrl) !== placeOf(url),
    poolSize: 20,
    acquireTimeoutMs: 2_000,
    statementTimeoutMs: 5_000,
    lockTimeoutMs: 2_000,
    idleTransactionTimeoutMs: 10_000,
    applicationName: 'opengateway',
    ...overrides,
  };
}

/** Where a server is, whoever connects: another user at the same place is no pooler. */
function placeOf(url: string): string {
  if (!URL.canParse(url)) return url;
  const { host, pathname, searchParams } = new URL(url);
  return `${host}${pathname} ${searchParams.get('host') ?? ''} ${searchParams.get('port') ?? ''}`;
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
