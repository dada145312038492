import { GatewayError } from '../../core/errors/gateway-error.js';
import type { Queryable } from '../../platform/database/index.js';

/** Column names come from our own code, never from a request; values are always bound. */
type Columns = Readonly<Record<string, unknown>>;

export async function insertRow(on: Queryable, table: string, columns: Columns): Promise<void> {
  const names = Object.keys(columns);
  const places = names.map((_, index) => `$${index + 1}`);
  await on.query(`INSERT INTO ${table} (${names.join(', ')}) VALUES (${places.join(', ')})`, Object.values(columns));
}

/** Throws GatewayError 404 when there is no such row. */
export async function updateRow(on: Queryable, table: string, id: string, columns: Columns): Promise<void> {
  const names = Object.keys(columns);
  if (names.length === 0) return;
  const sets = names.map((name, index) => `${name} = $${index + 2}`);
  const result = await on.query(`UPDATE ${table} SET ${sets.join(', ')} WHERE id = $1`, [id, ...Object.values(columns)]);
  if (result.rowCount === 0) throw notFound(table, id);
}

const NOUNS: Readonly<Record<string, string>> = { organizations: 'organization', projects: 'project', virtual_keys: 'key' };

export function notFound(table: string, id: string): GatewayError {
  return new GatewayError('not_found', `There is no ${NOUNS[table] ?? 'row'} ${JSON.stringify(id.slice(0, 64))}.`);
}

/** 23503: the row it refers to does not exist. */
export function isMissingReference(error: unknown): boolean {
  return error instanceof Error && (error as { code?: unknown }).code === '23503';
}

export type Timestamped<View> = Omit<View, 'created_at' | 'updated_at'> & { created_at: Date; updated_at: Date };

export function withIsoTimes<Row extends { created_at: Date; updated_at: Date }>(
  row: Row,
): Omit<Row, 'created_at' | 'updated_at'> & { created_at: string; updated_at: string } {
  return { ...row, created_at: row.created_at.toISOString(), updated_at: row.updated_at.toISOString() };
}
