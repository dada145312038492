import pg from 'pg';
import { copyRows, type CopyTarget } from './copy.js';
import { asDatabaseError, isDatabaseUnavailable } from './database-errors.js';
import { Listener } from './listener.js';
import { connectionConfig, type DatabaseSettings } from './settings.js';

const CLIENT_GRACE_MS = 1_000;
const unheard = (): void => undefined;
/** A statement canceled by its deadline, a lock not granted in time: the session itself is well. */
const KEEPS_CONNECTION = new Set(['57014', '55P03']);

/** A statement: `name` prepares it once per connection. */
export interface Statement {
  readonly name?: string;
  readonly text: string;
  readonly values?: readonly unknown[];
}

/** What both the pool and an open transaction offer. int8 and numeric arrive as strings (pg's own rule): `BigInt(row.x)`. */
export abstract class Queryable {
  abstract query<Row extends pg.QueryResultRow = pg.QueryResultRow>(
    statement: string | Statement,
    values?: readonly unknown[],
  ): Promise<pg.QueryResult<Row>>;

  /** Appends rows, all or none, at a fraction of what INSERT costs the server; it knows no ON CONFLICT. */
  abstract copy<Row>(target: CopyTarget<Row>, rows: readonly Row[]): Promise<void>;
}

export interface TransactionOptions {
  readonly isolation?: 'read committed' | 'repeatable read' | 'serializable';
  readonly readOnly?: boolean;
  /** For jobs that may take longer than a request: replaces the settings' statement deadline. */
  readonly statementTimeoutMs?: number;
  readonly lockTimeoutMs?: number;
}

/** Connections of the pool, for the `og_db_pool_*` gauges. */
export interface PoolStats {
  readonly inUseCount: number;
  readonly idleCount: number;
  readonly waitingCount: number;
}

/**
 * One bounded pool. Every call has a deadline: acquiring a connection, a statement, a lock, an idle transaction. What is
 * down or too slow is thrown as `DatabaseUnavailableError`; constraint violations and the like arrive as pg's own errors.
 * An injectable class: `constructor(private readonly database: Database)`.
 */
export class Database implements Queryable {
  readonly #pool: pg.Pool;
  readonly #listener: Listener;
  readonly #settings: DatabaseSettings;
  #observe: (elapsedMs: number) => void = unheard;

  constructor(settings: DatabaseSettings, onError: (error: Error) => void = () => undefined) {
    this.#settings = settings;
    this.#pool = new pg.Pool({
      ...connectionConfig(settings),
      max: settings.poolSize,
      connectionTimeoutMillis: settings.acquireTimeoutMs,
      idleTimeoutMillis: 60_000,
    });
    // An idle connection that the server closes is an event without a caller; unheard it would end the process.
    this.#pool.on('error', onError);
    this.#pool.on('connect', (client) => client.on('error', onError));
    this.#listener = new Listener(settings, onError);
  }

  get stats(): PoolStats {
    const { totalCount, idleCount, waitingCount } = this.#pool;
    return { inUseCount: totalCount - idleCount, idleCount, waitingCount };
  }

  async query<Row extends pg.QueryResultRow = pg.QueryResultRow>(
    statement: string | Statement,
    values?: readonly unknown[],
  ): Promise<pg.QueryResult<Row>> {
    const startedMs = performance.now();
    try {
      return await this.#pool.query<Row>(statementOf(statement, values, this.#settings.statementTimeoutMs));
    } catch (error) {
      throw asDatabaseError(error);
    } finally {
      this.#observe(performance.now() - startedMs);
    }
  }

  async copy<Row>(target: CopyTarget<Row>, rows: readonly Row[]): Promise<void> {
    const startedMs = performance.now();
    const client = await this.#acquire();
    let failure: Error | undefined;
    try {
      await copyRows(client, target, rows, this.#settings.statementTimeoutMs + CLIENT_GRACE_MS);
    } catch (error) {
      failure = error as Error;
      throw asDatabaseError(error);
    } finally {
      client.release(failure);
      this.#observe(performance.now() - startedMs);
    }
  }

  /** For `og_db_query_seconds`: told how long each query and each transaction took, waiting for a connection included. */
  observe(heard: (elapsedMs: number) => void): void {
    this.#observe = heard;
  }

  /**
   * Runs `work` between BEGIN and COMMIT; an error rolls back. A failure of COMMIT itself says nothing about its outcome
   * (the answer may have been lost after the server committed): a caller that retries needs its own unique key.
   */
  async transaction<Result>(work: (transaction: Queryable) => Promise<Result>, options: TransactionOptions = {}): Promise<Result> {
    const startedMs = performance.now();
    const client = await this.#acquire();
    const transaction = new OpenTransaction(client, options.statementTimeoutMs ?? this.#settings.statementTimeoutMs);
    let failure: Error | undefined;
    try {
      await transaction.query(beginOf(this.#settings, options));
      const result = await work(transaction);
      await transaction.query('COMMIT');
      return result;
    } catch (error) {
      failure = await rollBack(transaction, error);
      throw asDatabaseError(error);
    } finally {
      // A connection in an unknown state is closed instead of being handed to the next caller.
      client.release(failure);
      this.#observe(performance.now() - startedMs);
    }
  }

  /** Calls `heard` for each NOTIFY on the channel, and with `null` after a reconnect (something may have been missed: reread). */
  listen(channel: string, heard: (payload: string | null) => void): Promise<() => Promise<void>> {
    return this.#listener.listen(channel, heard);
  }

  async close(): Promise<void> {
    await this.#listener.close();
    await this.#pool.end();
  }

  async #acquire(): Promise<pg.PoolClient> {
    try {
      return await this.#pool.connect();
    } catch (error) {
      throw asDatabaseError(error);
    }
  }
}

class OpenTransaction implements Queryable {
  readonly #client: pg.PoolClient;
  readonly #timeoutMs: number;

  constructor(client: pg.PoolClient, timeoutMs: number) {
    this.#client = client;
    this.#timeoutMs = timeoutMs;
  }

  query<Row extends pg.QueryResultRow = pg.QueryResultRow>(
    statement: string | Statement,
    values?: readonly unknown[],
  ): Promise<pg.QueryResult<Row>> {
    return this.#client.query<Row>(statementOf(statement, values, this.#timeoutMs));
  }

  copy<Row>(target: CopyTarget<Row>, rows: readonly Row[]): Promise<void> {
    return copyRows(this.#client, target, rows, this.#timeoutMs + CLIENT_GRACE_MS);
  }
}

/** The client gives up by itself a little later than the server would: a server that hangs cancels nothing. */
function statementOf(statement: string | Statement, values: readonly unknown[] | undefined, timeoutMs: number): pg.QueryConfig {
  const given = typeof statement === 'string' ? { text: statement } : statement;
  const bound = values ?? (typeof statement === 'string' ? undefined : statement.values);
  const config = { text: given.text, name: 'name' in given ? given.name : undefined, query_timeout: timeoutMs + CLIENT_GRACE_MS };
  return bound === undefined ? config : { ...config, values: [...bound] };
}

/** One round trip: behind a transaction pooler no session setting may be relied on, so deadlines go with each BEGIN. */
function beginOf(settings: DatabaseSettings, options: TransactionOptions): string {
  const isolation = options.isolation === undefined ? '' : ` ISOLATION LEVEL ${options.isolation.toUpperCase()}`;
  const begin = `BEGIN${isolation}${options.readOnly === true ? ' READ ONLY' : ''}`;
  const statementMs = options.statementTimeoutMs ?? settings.statementTimeoutMs;
  const lockMs = options.lockTimeoutMs ?? settings.lockTimeoutMs;
  if (!settings.pooled && options.statementTimeoutMs === undefined && options.lockTimeoutMs === undefined) return begin;
  const idle = `SET LOCAL idle_in_transaction_session_timeout = ${settings.idleTransactionTimeoutMs}`;
  return `${begin}; SET LOCAL statement_timeout = ${statementMs}; SET LOCAL lock_timeout = ${lockMs}; ${idle}`;
}

/**
 * After a lost connection or a server that hangs there is nothing to roll back with, and one that has become read-only is no
 * longer the primary: the connection is closed, the next one may reach its successor.
 */
async function rollBack(transaction: Queryable, cause: unknown): Promise<Error | undefined> {
  if (cause instanceof Error && isDatabaseUnavailable(cause) && !KEEPS_CONNECTION.has((cause as { code?: string }).code ?? '')) return cause;
  try {
    await transaction.query('ROLLBACK');
    return undefined;
  } catch (error) {
    return error as Error;
  }
}
