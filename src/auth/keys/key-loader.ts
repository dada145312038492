import type { Database, Queryable } from '../../platform/database/index.js';
import { KEY_COLUMNS, ORGANIZATION_COLUMNS, PROJECT_COLUMNS, type KeyRow, type OrganizationRow, type ProjectRow } from './rows.js';

/** What one reading brought. `cursor` is where the next one starts, by the database's clock. */
export interface Reading {
  readonly organizations: OrganizationRow[];
  readonly projects: ProjectRow[];
  readonly keys: KeyRow[];
  readonly cursor: string;
}

/** A change carries the time of its statement but is seen at its commit: transactions up to this long are not missed. */
const OVERLAP = '60 seconds';
const PAGE_ROWS = 5_000;
const LOAD_TIMEOUT_MS = 30_000;

/** Reads keys and their layers. Each reading is one consistent snapshot: a key never comes without its project. */
export class KeyLoader {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** @param maxKeys the most recently changed ones; the rest is looked up when used */
  all(maxKeys: number): Promise<Reading> {
    return this.#read(async (tables) => {
      const organizations = await tables.query<OrganizationRow>(`SELECT ${ORGANIZATION_COLUMNS} FROM organizations o`);
      const projects = await tables.query<ProjectRow>(`SELECT ${PROJECT_COLUMNS} FROM projects p`);
      return { organizations: organizations.rows, projects: projects.rows, keys: await this.#pages(tables, maxKeys) };
    });
  }

  /** @param cursor of the previous reading */
  changedSince(cursor: string): Promise<Reading> {
    // The smaller of both: after a failover to a server whose clock is behind, its changes are older than the cursor.
    const since = `updated_at >= least($1::timestamptz, clock_timestamp() - interval '${OVERLAP}')`;
    return this.#read(async (tables) => {
      const organizations = await tables.query<OrganizationRow>(`SELECT ${ORGANIZATION_COLUMNS} FROM organizations o WHERE o.${since}`, [cursor]);
      const projects = await tables.query<ProjectRow>(`SELECT ${PROJECT_COLUMNS} FROM projects p WHERE p.${since}`, [cursor]);
      const keys = await tables.query<KeyRow>(`SELECT ${KEY_COLUMNS} FROM virtual_keys k WHERE k.${since}`, [cursor]);
      return { organizations: organizations.rows, projects: projects.rows, keys: keys.rows };
    });
  }

  /** The keys of these digests with their projects and organizations; digests are hex. */
  byDigests(digests: readonly string[]): Promise<Reading> {
    const ids = `SELECT key_id FROM virtual_key_secrets WHERE digest = ANY (SELECT decode(hex, 'hex') FROM unnest($1::text[]) AS hex)`;
    return this.#read(async (tables) => {
      const keys = await tables.query<KeyRow>(`SELECT ${KEY_COLUMNS} FROM virtual_keys k WHERE k.id IN (${ids})`, [digests]);
      if (keys.rows.length === 0) return { organizations: [], projects: [], keys: [] };
      const projectIds = keys.rows.map((row) => row.project_id);
      const projects = await tables.query<ProjectRow>(`SELECT ${PROJECT_COLUMNS} FROM projects p WHERE p.id = ANY ($1)`, [projectIds]);
      const organizationIds = projects.rows.map((row) => row.organization_id);
      const organizations = await tables.query<OrganizationRow>(`SELECT ${ORGANIZATION_COLUMNS} FROM organizations o WHERE o.id = ANY ($1)`, [
        organizationIds,
      ]);
      return { organizations: organizations.rows, projects: projects.rows, keys: keys.rows };
    });
  }

  async #pages(tables: Queryable, maxKeys: number): Promise<KeyRow[]> {
    const keys: KeyRow[] = [];
    let after: { updated_at: string; id: string } | null = null;
    while (keys.length < maxKeys) {
      const page: { rows: (KeyRow & { updated_at: string })[] } = await tables.query<KeyRow & { updated_at: string }>(
        `SELECT ${KEY_COLUMNS}, k.updated_at::text FROM virtual_keys k
         WHERE $1::timestamptz IS NULL OR (k.updated_at, k.id) < ($1::timestamptz, $2::text)
         ORDER BY k.updated_at DESC, k.id DESC LIMIT $3`,
        [after?.updated_at ?? null, after?.id ?? null, Math.min(PAGE_ROWS, maxKeys - keys.length)],
      );
      keys.push(...page.rows);
      const last = page.rows.at(-1);
      if (last === undefined || page.rows.length < PAGE_ROWS) break;
      after = last;
    }
    return keys;
  }

  #read(work: (tables: Queryable) => Promise<Omit<Reading, 'cursor'>>): Promise<Reading> {
    const options = { isolation: 'repeatable read', readOnly: true, statementTimeoutMs: LOAD_TIMEOUT_MS } as const;
    return this.#database.transaction(async (tables) => {
      const clock = await tables.query<{ cursor: string }>(`SELECT (clock_timestamp() - interval '${OVERLAP}')::text AS cursor`);
      return { ...(await work(tables)), cursor: clock.rows[0]?.cursor ?? '-infinity' };
    }, options);
  }
}
