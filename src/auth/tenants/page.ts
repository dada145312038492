import { invalidRequest } from '../../core/errors/gateway-error.js';

/** Lists are read by key, newest first: a page never shifts when rows are added meanwhile. */
export interface PageRequest {
  /** 1–200, default 50. */
  limit?: number;
  /** `next_cursor` of the page before. */
  cursor?: string | null;
}

export interface Page<Row> {
  data: Row[];
  next_cursor: string | null;
}

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 200;

export function pageLimit(request: PageRequest): number {
  const limit = request.limit ?? DEFAULT_LIMIT;
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT) throw invalidRequest('limit', `\`limit\` must be a whole number from 1 to ${MAX_LIMIT}.`);
  return limit;
}

/** The id after which the page begins, null at the first. */
export function pageStart(request: PageRequest): string | null {
  if (request.cursor === undefined || request.cursor === null || request.cursor === '') return null;
  const id = Buffer.from(request.cursor, 'base64url').toString('utf8');
  if (!/^[\w.-]{1,100}$/.test(id)) throw invalidRequest('cursor', '`cursor` must be the `next_cursor` of an earlier page.');
  return id;
}

/** @param rows one more than the limit, when there are more */
export function pageOf<Row extends { id: string }>(rows: readonly Row[], limit: number): Page<Row> {
  const data = rows.slice(0, limit);
  const last = data.at(-1);
  const nextCursor = rows.length > limit && last !== undefined ? Buffer.from(last.id, 'utf8').toString('base64url') : null;
  return { data, next_cursor: nextCursor };
}
