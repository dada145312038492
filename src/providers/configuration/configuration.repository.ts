import { Database, type Queryable } from '../../platform/database/index.js';
import type { Change } from './diff.js';

/** Wakes the other engines; they poll too, so a lost notification costs seconds. */
export const CONFIGURATION_CHANNEL = 'og_configuration';
/** Serialises writers: each version is made from the one before it. */
const WRITER_LOCK = 7_203_512;
/** Older versions are of no use to anybody but the curious. */
const KEPT_VERSIONS = 500;

export interface StoredVersion {
  id: number;
  document: unknown;
  source: string;
}

export interface RouteVersion {
  id: number;
  source: string;
  createdAtMs: number;
  /** What it did to routes. */
  changes: Change[];
}

interface RouteVersionRow {
  id: string;
  source: string;
  changes: Change[];
  created_at: Date;
}

interface VersionRow {
  id: string;
  document: unknown;
  source: string;
}

/** The table `configuration_versions`: every applied document as a whole, secrets sealed; the newest is in force. */
export class ConfigurationRepository {
  constructor(private readonly database: Database) {}

  async lock(transaction: Queryable): Promise<void> {
    await transaction.query('SELECT pg_advisory_xact_lock($1)', [WRITER_LOCK]);
  }

  async findNewest(on: Queryable = this.database): Promise<StoredVersion | null> {
    const [newest] = await this.listNewest(1, on);
    return newest ?? null;
  }

  async listNewest(limit: number, on: Queryable = this.database): Promise<StoredVersion[]> {
    const { rows } = await on.query<VersionRow>('SELECT id, document, source FROM configuration_versions ORDER BY id DESC LIMIT $1', [limit]);
    return rows.map(({ id, document, source }) => ({ id: Number(id), document, source }));
  }

  /** Null for a version that never was, or is too old to be kept. */
  async find(id: number): Promise<StoredVersion | null> {
    const { rows } = await this.database.query<VersionRow>('SELECT id, document, source FROM configuration_versions WHERE id = $1', [id]);
    const [row] = rows;
    return row === undefined ? null : { id: Number(row.id), document: row.document, source: row.source };
  }

  /** The one that was in force until that one came; null when nothing was. */
  async findBefore(id: number): Promise<StoredVersion | null> {
    const { rows } = await this.database.query<{ id: string | null }>('SELECT max(id) AS id FROM configuration_versions WHERE id < $1', [id]);
    const before = rows[0]?.id ?? null;
    return before === null ? null : this.find(Number(before));
  }

  /** Versions that changed routes, newest first, before that one where it is given. */
  async listRouteVersions(limit: number, before: number | null): Promise<RouteVersion[]> {
    const { rows } = await this.database.query<RouteVersionRow>(
      `SELECT id, source, changes, created_at FROM configuration_versions
       WHERE changes @> '[{"kind":"route"}]' AND ($2::bigint IS NULL OR id < $2) ORDER BY id DESC LIMIT $1`,
      [limit, before],
    );
    return rows.map((row) => ({
      id: Number(row.id),
      source: row.source,
      createdAtMs: row.created_at.getTime(),
      changes: row.changes.filter(({ kind }) => kind === 'route'),
    }));
  }

  /** Id 0 when nothing was ever applied; and what time the database has, in milliseconds since 1970. */
  async newest(): Promise<{ id: number; databaseMs: number }> {
    const { rows } = await this.database.query<{ id: string; database_ms: string }>({
      name: 'configuration_newest',
      text: 'SELECT coalesce(max(id), 0) AS id, floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS database_ms FROM configuration_versions',
    });
    return { id: Number(rows[0]?.id ?? 0), databaseMs: Number(rows[0]?.database_ms) };
  }

  async insert(transaction: Queryable, version: { document: unknown; hash: string; source: string; changes: readonly Change[] }): Promise<number> {
    const { rows } = await transaction.query<{ id: string }>(
      'INSERT INTO configuration_versions (document, hash, source, changes) VALUES ($1, $2, $3, $4) RETURNING id',
      [JSON.stringify(version.document), version.hash, version.source, JSON.stringify(version.changes)],
    );
    const id = Number(rows[0]?.id);
    await transaction.query('DELETE FROM configuration_versions WHERE id <= $1', [id - KEPT_VERSIONS]);
    await transaction.query('SELECT pg_notify($1, $2)', [CONFIGURATION_CHANNEL, String(id)]);
    return id;
  }
}
