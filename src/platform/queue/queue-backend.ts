import { createPostgresBackend, DEFAULT_SCHEMA, runMigrations, setDefaultBackendFactory, type ConnectionOptions } from 'bullmq';
import { Redis } from 'ioredis';
import pg from 'pg';
import { connectionConfig, type DatabaseSettings, type ExtraMigration } from '../database/index.js';

/** One LISTEN connection per worker, and some to work with. */
const POOL_SIZE = 6;

/** What BullMQ's queues and workers stand on; made before the modules are. */
export interface QueueBackend {
  readonly connection: ConnectionOptions;
  /** After the workers are closed. */
  close(): Promise<void>;
}

/**
 * One pool for all queues and workers: given a configuration each of them would open a pool of its own (8 + 8 of them: 60
 * connections, "too many clients", measured 2026-11-21). With a pool that BullMQ did not make, its schema must have the default
 * name and be in the search path.
 */
export function postgresQueueBackend(settings: DatabaseSettings, onError: (error: Error) => void): QueueBackend {
  const pool = new pg.Pool({
    ...connectionConfig({ ...settings, url: settings.directUrl, pooled: false, applicationName: `${settings.applicationName} jobs` }),
    idle_in_transaction_session_timeout: undefined,
    options: `-c search_path=${DEFAULT_SCHEMA}`,
    max: POOL_SIZE,
    connectionTimeoutMillis: settings.acquireTimeoutMs,
  });
  pool.setMaxListeners(0);
  pool.on('error', onError);
  setDefaultBackendFactory(createPostgresBackend);
  // The factory registered above decides what a connection is; BullMQ's constructor types still say Redis.
  return { connection: pool as unknown as ConnectionOptions, close: () => pool.end() };
}

export function redisQueueBackend(url: string, onError: (error: Error) => void): QueueBackend {
  setDefaultBackendFactory();
  // BullMQ's blocking commands wait for ever; a limit on retries would make its worker give up during an outage.
  const client = new Redis(url, { maxRetriesPerRequest: null, retryStrategy: (attempt) => Math.min(attempt * 200, 2_000) });
  client.on('error', onError);
  return { connection: client, close: () => Promise.resolve(client.disconnect()) };
}

/** BullMQ's tables, brought up under the lock of our own migrations. */
export const migrateQueueSchema: ExtraMigration = async (client) => {
  await runMigrations(client, DEFAULT_SCHEMA);
};
