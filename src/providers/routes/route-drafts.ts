import { SnapshotSource, type Snapshot } from '../../core/catalog/model.js';
import { GatewayError, invalidRequest } from '../../core/errors/gateway-error.js';
import { Database, type Queryable } from '../../platform/database/index.js';
import { newId } from '../../platform/ids/index.js';
import { ConfigurationService, type ApplyResult } from '../configuration/index.js';
import { validateRoutes, type RouteValidation } from './validate-routes.js';

/** A list of routes that is not in force yet. */
export interface RouteDraft {
  id: string;
  /** As the configuration document writes them. */
  routes: unknown[];
  note: string | null;
  /** The version whose routes it was made from. */
  baseVersion: number;
  state: 'draft' | 'published' | 'discarded';
  publishedVersion: number | null;
  createdAtMs: number;
  updatedAtMs: number;
}

interface DraftRow {
  id: string;
  routes: unknown[];
  note: string | null;
  base_version: string;
  state: RouteDraft['state'];
  published_version: string | null;
  created_at: Date;
  updated_at: Date;
}

const COLUMNS = 'id, routes, note, base_version, state, published_version, created_at, updated_at';
const MAX_OPEN = 200;

export interface DraftsParts {
  database: Database;
  configuration: ConfigurationService;
  snapshots: SnapshotSource;
}

/** Routes on their way into force: drafted, validated, explained, published; and rolled back. An injectable class. */
export class RouteDrafts {
  constructor(private readonly parts: DraftsParts) {}

  /** `routes` undefined: a draft of what is in force. A draft may be faulty; only publishing it may not. */
  async create(input: { routes?: unknown; note?: string }, on: Queryable): Promise<RouteDraft> {
    const present = this.parts.configuration.routes();
    const { rows: open } = await on.query<{ count: string }>("SELECT count(*) FROM route_drafts WHERE state = 'draft'");
    if (Number(open[0]?.count) >= MAX_OPEN) throw new GatewayError('conflict', `There are ${MAX_OPEN} drafts already; discard some first.`);
    const routes = input.routes === undefined ? present.routes : listOf(input.routes);
    const { rows } = await on.query<DraftRow>(
      `INSERT INTO route_drafts (id, routes, note, base_version, state) VALUES ($1, $2, $3, $4, 'draft') RETURNING ${COLUMNS}`,
      [newId('rdf'), JSON.stringify(routes), input.note ?? null, present.version],
    );
    return draftOf(rows[0] as DraftRow);
  }

  async update(id: string, input: { routes?: unknown; note?: string }, on: Queryable): Promise<RouteDraft> {
    const draft = await this.lock(id, on);
    const routes = input.routes === undefined ? draft.routes : listOf(input.routes);
    const { rows } = await on.query<DraftRow>(
      `UPDATE route_drafts SET routes = $2, note = $3, updated_at = clock_timestamp() WHERE id = $1 RETURNING ${COLUMNS}`,
      [id, JSON.stringify(routes), input.note ?? draft.note],
    );
    return draftOf(rows[0] as DraftRow);
  }

  async discard(id: string, on: Queryable): Promise<RouteDraft> {
    await this.lock(id, on);
    const { rows } = await on.query<DraftRow>(`UPDATE route_drafts SET state = 'discarded', updated_at = clock_timestamp() WHERE id = $1 RETURNING ${COLUMNS}`, [id]);
    return draftOf(rows[0] as DraftRow);
  }

  /** Newest first. */
  async list(limit: number, before: string | null): Promise<RouteDraft[]> {
    const { rows } = await this.parts.database.query<DraftRow>(
      `SELECT ${COLUMNS} FROM route_drafts WHERE $2::text IS NULL OR id < $2 ORDER BY id DESC LIMIT $1`,
      [limit, before],
    );
    return rows.map(draftOf);
  }

  /** Throws 404 `not_found`. */
  async get(id: string, on: Queryable = this.parts.database): Promise<RouteDraft> {
    const { rows } = await on.query<DraftRow>(`SELECT ${COLUMNS} FROM route_drafts WHERE id = $1`, [id.slice(0, 64)]);
    const [row] = rows;
    if (row === undefined) throw new GatewayError('not_found', `There is no draft ${id.slice(0, 64)}.`, { param: 'id' });
    return draftOf(row);
  }

  validate(draft: RouteDraft): RouteValidation {
    return validateRoutes(draft.routes, this.parts.snapshots.current());
  }

  /** What would serve if the draft were in force, to explain requests by. Throws 400 for a draft that could not be published. */
  async snapshotOf(id: string): Promise<Snapshot> {
    const { ok, errors, routes } = this.validate(await this.get(id));
    if (!ok) throw invalidRequest(errors[0]?.param ?? 'routes', `The draft cannot be explained: ${errors[0]?.message ?? ''}.`);
    return { ...this.parts.snapshots.current(), routes };
  }

  /**
   * Puts the draft in force, on the caller's transaction. Throws 400 with the path of its first fault; 409 when the routes
   * have changed since it was made, unless `force`.
   */
  async publish(id: string, force: boolean, on: Queryable): Promise<ApplyResult & { draft: RouteDraft }> {
    const draft = await this.lock(id, on);
    const present = await this.parts.configuration.lockRoutes(on);
    if (!force && present.version !== draft.baseVersion && (await this.hasMoved(draft.baseVersion, present.routes))) {
      throw new GatewayError('conflict', `The routes have changed since version ${draft.baseVersion}, which this draft was made from; look at them, then publish with force.`);
    }
    const result = await this.parts.configuration.replaceRoutes(draft.routes, on, `draft ${id}`);
    const { rows } = await on.query<DraftRow>(
      `UPDATE route_drafts SET state = 'published', published_version = $2, updated_at = clock_timestamp() WHERE id = $1 RETURNING ${COLUMNS}`,
      [id, result.version],
    );
    return { ...result, draft: draftOf(rows[0] as DraftRow) };
  }

  /**
   * The routes of an earlier version (undefined: those before the last change) become those of a new one. Throws 404; 400 when
   * they name what is not served any more.
   */
  async rollBack(version: number | undefined, on: Queryable): Promise<ApplyResult> {
    const { configuration } = this.parts;
    const routes = version === undefined ? await configuration.previousRoutes() : await configuration.routesOf(version);
    return configuration.replaceRoutes(routes, on, version === undefined ? 'rollback' : `rollback to ${version}`);
  }

  /** Other sections may have changed; only routes count. A version too old to be kept counts as changed. */
  private async hasMoved(baseVersion: number, present: readonly unknown[]): Promise<boolean> {
    if (baseVersion === 0) return present.length > 0;
    const base = await this.parts.configuration.routesOf(baseVersion).catch((error: unknown) => {
      if (error instanceof GatewayError && error.code === 'not_found') return null;
      throw error;
    });
    return JSON.stringify(base) !== JSON.stringify(present);
  }

  private async lock(id: string, on: Queryable): Promise<RouteDraft> {
    await on.query('SELECT 1 FROM route_drafts WHERE id = $1 FOR UPDATE', [id.slice(0, 64)]);
    const draft = await this.get(id, on);
    if (draft.state !== 'draft') throw new GatewayError('conflict', `The draft ${draft.id} is ${draft.state} already.`);
    return draft;
  }
}

function listOf(routes: unknown): unknown[] {
  if (!Array.isArray(routes)) throw invalidRequest('routes', '`routes` must be a list.');
  return routes as unknown[];
}

function draftOf(row: DraftRow): RouteDraft {
  return {
    id: row.id,
    routes: row.routes,
    note: row.note,
    baseVersion: Number(row.base_version),
    state: row.state,
    publishedVersion: row.published_version === null ? null : Number(row.published_version),
    createdAtMs: row.created_at.getTime(),
    updatedAtMs: row.updated_at.getTime(),
  };
}
