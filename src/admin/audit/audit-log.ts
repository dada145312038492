import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Database, type Queryable } from '../../platform/database/index.js';
import { newId } from '../../platform/ids/index.js';

export interface AuditEntry {
  /** `POST keys`, `PATCH projects/:id`. */
  action: string;
  /** What was changed: the id in the path or of the answer. */
  target: string | null;
  outcome: 'done' | 'refused';
  requestId: string;
  clientIp: string;
  /** The body as sent, secrets masked. */
  input: unknown;
  before: unknown;
  after: unknown;
}

/** A row as stored; `detail` is the JSON text of input, before and after, whose very bytes the hash covers. */
interface AuditRow {
  seq: string;
  id: string;
  at: Date;
  action: string;
  target: string | null;
  outcome: string;
  request_id: string;
  client_ip: string;
  detail: string;
  previous_hash: string;
  hash: string;
}

/** Serialises writers of the chain: each row's hash covers the one before it. */
const CHAIN_LOCK = 7_203_441;
const GENESIS = '0'.repeat(64);
const COLUMNS = 'seq, id, at, action, target, outcome, request_id, client_ip, detail, previous_hash, hash';
const VERIFY_BATCH = 1_000;

/** Who changed what. Append-only and hash-chained: an edited, removed or reordered row is found by `findBreak`. */
@Injectable()
export class AuditLog {
  constructor(private readonly database: Database) {}

  /** Part of the caller's transaction. Throws when the row cannot be written: a change without a trace must not happen. */
  async append(entry: AuditEntry, transaction: Queryable): Promise<void> {
    await transaction.query('SELECT pg_advisory_xact_lock($1)', [CHAIN_LOCK]);
    const last = await transaction.query<{ hash: string }>('SELECT hash FROM audit_log ORDER BY seq DESC LIMIT 1');
    const row = {
      id: newId('aud'),
      at: new Date(),
      action: entry.action,
      target: entry.target,
      outcome: entry.outcome,
      request_id: entry.requestId,
      client_ip: entry.clientIp,
      detail: JSON.stringify({ input: entry.input ?? null, before: entry.before ?? null, after: entry.after ?? null }),
      previous_hash: last.rows[0]?.hash ?? GENESIS,
    };
    await transaction.query(
      `INSERT INTO audit_log (id, at, action, target, outcome, request_id, client_ip, detail, previous_hash, hash)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
      [row.id, row.at, row.action, row.target, row.outcome, row.request_id, row.client_ip, row.detail, row.previous_hash, hashOf(row)],
    );
  }

  /** Newest first; `cursor` is the `seq` of the last row of the page before. */
  async list(limit: number, cursor: string | null): Promise<{ data: Record<string, unknown>[]; next_cursor: string | null }> {
    const { rows } = await this.database.query<AuditRow>(`SELECT ${COLUMNS} FROM audit_log WHERE $2::bigint IS NULL OR seq < $2 ORDER BY seq DESC LIMIT $1`, [
      limit + 1,
      cursor,
    ]);
    const page = rows.slice(0, limit);
    return { data: page.map(renderRow), next_cursor: rows.length > limit ? (page.at(-1)?.seq ?? null) : null };
  }

  /** The id of the first row whose hash does not follow from its content and the row before it; null when the chain holds. */
  async findBreak(): Promise<string | null> {
    let previous = GENESIS;
    let seq = '0';
    for (;;) {
      const { rows } = await this.database.query<AuditRow>(`SELECT ${COLUMNS} FROM audit_log WHERE seq > $1 ORDER BY seq LIMIT $2`, [seq, VERIFY_BATCH]);
      for (const row of rows) {
        if (row.previous_hash !== previous || row.hash !== hashOf(row)) return row.id;
        previous = row.hash;
        seq = row.seq;
      }
      if (rows.length < VERIFY_BATCH) return null;
    }
  }
}

function hashOf(row: Omit<AuditRow, 'hash' | 'seq'>): string {
  const content = JSON.stringify([row.id, row.at.toISOString(), row.action, row.target, row.outcome, row.request_id, row.client_ip]);
  return createHash('sha256').update(`${row.previous_hash}\n${content}\n${row.detail}`).digest('hex');
}

function renderRow(row: AuditRow): Record<string, unknown> {
  const { seq: _seq, detail, ...shown } = row;
  return { ...shown, ...(JSON.parse(detail) as object) };
}
