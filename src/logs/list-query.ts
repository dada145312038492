import { invalidRequest } from '../core/errors/gateway-error.js';
import { base62 } from '../platform/ids/index.js';

/** Filters of the request log, all optional and combined with AND. */
export interface RequestLogQuery {
  organizationId?: string;
  projectId?: string;
  keyId?: string;
  /** Served or requested; `*` at the end matches any ending. */
  model?: string;
  provider?: string;
  /** A status, or a class: `4xx`, `5xx`, `success`, `error`. */
  status?: string;
  state?: string;
  errorCode?: string;
  /** Received from (inclusive) and to (exclusive). */
  fromMs?: number;
  toMs?: number;
  sessionId?: string;
  tag?: string;
  hasFallback?: boolean;
  stream?: boolean;
  endpoint?: string;
  /** `next_cursor` of the page before. */
  cursor?: string;
  /** 1–200; default 50. */
  limit?: number;
}

export const MAX_LIMIT = 200;
const DEFAULT_LIMIT = 50;
const CURSOR = /^req_[0-9A-Za-z]{1,40}$/;

export interface ListStatement {
  text: string;
  values: unknown[];
  limit: number;
}

/** Filters → SQL over an index in id order. Values are parameters, names come from this file alone. Throws 400 for a bad filter. */
export function listStatement(query: RequestLogQuery, columns: string): ListStatement {
  const conditions: string[] = [];
  const values: unknown[] = [];
  const add = (condition: (parameter: string) => string, value: unknown) => {
    if (value === undefined) return;
    values.push(value);
    conditions.push(condition(`$${values.length}`));
  };
  add((p) => `organization_id = ${p}`, query.organizationId);
  add((p) => `project_id = ${p}`, query.projectId);
  add((p) => `key_id = ${p}`, query.keyId);
  add((p) => `provider = ${p}`, query.provider);
  add((p) => `state = ${p}`, query.state);
  add((p) => `error_code = ${p}`, query.errorCode);
  add((p) => `session_id = ${p}`, query.sessionId);
  add((p) => `${p} = ANY (tags)`, query.tag);
  add((p) => `stream = ${p}`, query.stream);
  add((p) => `endpoint = ${p}`, query.endpoint);
  if (query.model !== undefined) addModel(query.model, add);
  if (query.status !== undefined) addStatus(query.status, conditions, add);
  if (query.hasFallback !== undefined)
    conditions.push(query.hasFallback ? '(attempt_count > 1 OR fallback IS NOT NULL)' : '(attempt_count <= 1 AND fallback IS NULL)');
  add((p) => `request_id >= ${p}`, idAt(query.fromMs, 'from'));
  add((p) => `request_id < ${p}`, idAt(query.toMs, 'to'));
  add((p) => `request_id < ${p}`, cursorOf(query.cursor));
  const limit = limitOf(query.limit);
  const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
  return { text: `SELECT ${columns} FROM request_logs ${where} ORDER BY request_id DESC LIMIT ${limit + 1}`, values, limit };
}

type Add = (condition: (parameter: string) => string, value: unknown) => void;

function addModel(model: string, add: Add): void {
  if (!model.endsWith('*')) return add((p) => `(served_model = ${p} OR requested_model = ${p})`, model);
  const prefix = model.slice(0, -1).replace(/[\\%_]/g, '\\$&');
  add((p) => `(served_model LIKE ${p} OR requested_model LIKE ${p})`, `${prefix}%`);
}

function addStatus(status: string, conditions: string[], add: Add): void {
  if (/^[1-5]\d\d$/.test(status)) return add((p) => `status = ${p}`, Number(status));
  const hundred = /^([1-5])xx$/i.exec(status)?.[1];
  if (hundred !== undefined) return void conditions.push(`status >= ${hundred}00 AND status < ${Number(hundred) + 1}00`);
  if (status === 'error') return void conditions.push('status >= 400');
  if (status !== 'success') throw invalidRequest('status', 'status must be a number, or one of 4xx, 5xx, error, success.');
  conditions.push('status < 400');
}

/** The smallest id of a request received at that time. */
export function idAt(ms: number | undefined, param: string): string | undefined {
  if (ms === undefined) return undefined;
  if (!Number.isFinite(ms)) throw invalidRequest(param, `${param} must be a time such as 2026-01-31T00:00:00Z.`);
  return `req_${base62(Math.max(0, Math.floor(ms)), 8)}`;
}

function cursorOf(cursor: string | undefined): string | undefined {
  if (cursor !== undefined && !CURSOR.test(cursor)) throw invalidRequest('cursor', 'cursor must be the next_cursor of the page before.');
  return cursor;
}

function limitOf(limit = DEFAULT_LIMIT): number {
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT) throw invalidRequest('limit', `limit must be a whole number from 1 to ${MAX_LIMIT}.`);
  return limit;
}
