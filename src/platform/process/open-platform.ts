import { accessSync, constants, existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { Logger } from 'pino';
import { Boot } from '../boot/index.js';
import { SystemClock } from '../clock/index.js';
import { SoleProcess, WorkerProcess, type Channel } from '../cluster/index.js';
import type { Config } from '../config/index.js';
import {
  applicationRole,
  connectionConfig,
  Database,
  databaseSettings,
  EmbeddedPostgresError,
  isDatabaseUnavailable,
  migrate,
  startEmbeddedPostgres,
  type DatabaseSettings,
  type EmbeddedPostgres,
  type MigrationClass,
} from '../database/index.js';
import { throttled } from '../logging/index.js';
import type { Platform } from '../platform.module.js';
import { migrateQueueSchema, postgresQueueBackend, redisQueueBackend } from '../queue/index.js';
import { RedisConnection } from '../redis/index.js';
import { loadOperatorToken, loadSecrets } from '../secrets/index.js';
import { findBootstrapFile } from './bootstrap-file.js';
import { StartError } from './start-error.js';

/** A database that starts together with us may need a moment. */
const DATABASE_PATIENCE_MS = 20_000;
const COMPLAINT_PERIOD_MS = 5_000;
const OLDEST_SERVER_VERSION = 150_000;

export interface OpenedPlatform extends Platform {
  /** Closes what was opened, the embedded database last. */
  close(): Promise<void>;
}

/** Opens every port of the process in order; a failure closes what was open and says one clear line. */
export async function openPlatform(config: Config, migrations: readonly MigrationClass[], logger: Logger): Promise<OpenedPlatform> {
  prepareDataDirectory(config.dataDirectory);
  const secrets = loadSecrets(config.masterKey, config.dataDirectory);
  const operatorToken = loadOperatorToken(config.adminToken, config.dataDirectory);
  const { settings, embedded } = await openDatabase(config, migrations, logger);
  const boot = new Boot(findBootstrapFile(config.dataDirectory)?.demo_key ?? null);
  const { close: closeStores, ...stores } = openStores(config, settings, logger);
  const close = async (): Promise<void> => {
    await closeStores();
    await embedded?.stop();
  };
  const processes = config.workerCount > 1 ? new WorkerProcess(config.workerCount, process as Channel) : new SoleProcess();
  return { config, databaseSettings: settings, ...stores, secrets, operatorToken, boot, processes, close };
}

export interface OpenedDatabase {
  readonly settings: DatabaseSettings;
  readonly embedded: EmbeddedPostgres | null;
}

/** Started or reached, new enough, and with today's schema. */
export async function openDatabase(config: Config, migrations: readonly MigrationClass[], logger: Logger): Promise<OpenedDatabase> {
  const embedded = config.databaseUrl === null ? await startEmbedded(config, logger) : null;
  const settings = settingsOf(config, embedded);
  try {
    await waitForDatabase(embedded === null ? settings : { ...settings, url: embedded.url });
    const queueSchema = config.redisUrl === null ? [migrateQueueSchema] : [];
    const applied = await migrate(settings, migrations, [...queueSchema, applicationRole(embedded !== null)]);
    if (applied.length > 0) logger.info({ context: 'Database', migrations: applied }, 'schema migrated');
    return { settings, embedded };
  } catch (error) {
    await embedded?.stop();
    throw error;
  }
}

type Stores = Pick<Platform, 'database' | 'redis' | 'queue'> & { close(): Promise<void> };

function openStores(config: Config, settings: DatabaseSettings, logger: Logger): Stores {
  let closing = false;
  const report = (context: string): ((error: Error) => void) => {
    const tell = throttled(COMPLAINT_PERIOD_MS, (err, leftOutCount) => logger.warn({ context, err, leftOutCount }, 'connection error'));
    return (error) => (closing ? undefined : tell(error));
  };
  const database = new Database(settings, report('Database'));
  const redis = config.redisUrl === null ? null : new RedisConnection(config.redisUrl, new SystemClock(), report('Redis'));
  const queue = config.redisUrl === null ? postgresQueueBackend(settings, report('Jobs')) : redisQueueBackend(config.redisUrl, report('Jobs'));
  const close = async (): Promise<void> => {
    closing = true;
    await Promise.allSettled([queue.close(), redis?.close(), database.close()]);
  };
  return { database, redis, queue, close };
}

export function prepareDataDirectory(path: string): void {
  try {
    makeDirectory(path);
    accessSync(path, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new StartError(`OG_DATA_DIR: ${path} is not a writable directory (${(error as NodeJS.ErrnoException).code})`);
  }
}

/** Level by level: Node 24's recursive mkdir never returns where the system answers ENOENT although the parent exists (/proc). */
function makeDirectory(path: string): void {
  if (existsSync(path)) return;
  makeDirectory(dirname(path));
  try {
    mkdirSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

function startEmbedded(config: Config, logger: Logger): Promise<EmbeddedPostgres> {
  const say = (line: string): void => logger.info({ context: 'Database' }, line);
  return startEmbeddedPostgres({ dataDirectory: config.dataDirectory, durable: true, say }).catch((error: unknown) => {
    throw error instanceof EmbeddedPostgresError ? new StartError(error.message, { cause: error }) : error;
  });
}

function settingsOf(config: Config, embedded: EmbeddedPostgres | null): DatabaseSettings {
  const url = embedded?.applicationUrl ?? config.databaseUrl ?? '';
  return databaseSettings(url, { directUrl: embedded?.url ?? config.databaseDirectUrl ?? url, poolSize: config.databasePoolSize });
}

async function waitForDatabase(settings: DatabaseSettings): Promise<void> {
  const until = Date.now() + DATABASE_PATIENCE_MS;
  for (;;) {
    try {
      return await checkServer(settings);
    } catch (error) {
      if (error instanceof StartError) throw error;
      if (!isDatabaseUnavailable(error) || Date.now() > until) {
        throw new StartError(`DATABASE_URL: the database cannot be used: ${(error as Error).message || String((error as { code?: string }).code)}`, { cause: error });
      }
      await sleep(500);
    }
  }
}

async function checkServer(settings: DatabaseSettings): Promise<void> {
  const client = new pg.Client({ ...connectionConfig(settings), connectionTimeoutMillis: 5_000 });
  client.on('error', () => undefined);
  await client.connect();
  try {
    const { rows } = await client.query<{ server_version_num: string }>('SHOW server_version_num');
    const version = Number(rows[0]?.server_version_num);
    if (version < OLDEST_SERVER_VERSION) throw new StartError(`DATABASE_URL: PostgreSQL ${Math.floor(version / 10_000)} is too old; 15 or later is needed`);
  } finally {
    await client.end();
  }
}
