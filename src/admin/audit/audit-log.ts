import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/index.js';
import { newId } from '../../platform/ids/index.js';

export interface AuditEntry {
  /** `POST keys`, `PATCH projects/:id`. */
  action: string;
  /** What was changed: the id in the path or of the answer. */
  target: string | null;
  outcome: 'begun' | 'done' | 'refused';
  requestId: string;
  clientIp: string;
  before: unknown;
  after: unknown;
}

export interface AuditRow {
  id: string;
  seq: string;
  at: Date;
  action: string;
  target: string | null;
  outcome: string;
  request_id: string;
  client_ip: string;
  before: unknown;
  after: unknown;
  previous_hash: string;
  hash: string;
}

/** Serialises writers of the chain: each row's hash covers the one before it. */
const CHAIN_LOCK = 7_203_441;
const GENESIS = '0'.repeat(64);

/** Who changed what. Append-only and hash-chained: an edited, removed or reordered row is found by `verify`. */
@Injectable()
export class AuditLog {
  constructor(private readonly database: Database) {}

  /** Throws when the row cannot be written: an operator's change without a trace must not happen. */
  async append(entry: AuditEntry): Promise<void> {
    await this.database.transaction(async (transaction) => {
      await transaction.query('SELECT pg_advisory_xact_lock($1)', [CHAIN_LOCK]);
      const last = await transaction.query<{ hash: string }>('SELECT hash FROM audit_log ORDER BY seq DESC LIMIT 1');
      const previous = last.rows[0]?.hash ?? GENESIS;
      const id = newId('aud');
      const at = new Date();
      const content = contentOf({ ...entry, id, at: at.toISOString() });
      const values = [id, at, entry.action, entry.target, entry.outcome, entry.requestId, entry.clientIp, json(entry.before), json(entry.after), previous, chain(previous, content)];
      await transaction.query(
        `INSERT INTO audit_log (id, at, action, target, outcome, request_id, client_ip, before, after, previous_hash, hash)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
        values,
      );
    });
  }

  async list(limit: number, beforeSeq: string | null): Promise<AuditRow[]> {
    const { rows } = await this.database.query<AuditRow>(
      `SELECT id, seq, at, action, target, outcome, request_id, client_ip, before::json AS before, after::json AS after, previous_hash, hash
       FROM audit_log WHERE $2::bigint IS NULL OR seq < $2 ORDER BY seq DESC LIMIT $1`,
      [limit, beforeSeq],
    );
    return rows;
  }

  /** The first row whose hash does not follow from its content and the row before it; null when the chain holds. */
  async findBreak(): Promise<string | null> {
    const { rows } = await this.database.query<AuditRow & { before_text: string | null; after_text: string | null }>(
      `SELECT id, at, action, target, outcome, request_id, client_ip, before AS before_text, after AS after_text, previous_hash, hash FROM audit_log ORDER BY seq`,
    );
    let previous = GENESIS;
    for (const row of rows) {
      const entry = { action: row.action, target: row.target, outcome: row.outcome, requestId: row.request_id, clientIp: row.client_ip };
      const content = [JSON.stringify([row.id, row.at.toISOString(), entry.action, entry.target, entry.outcome, entry.requestId, entry.clientIp]), row.before_text, row.after_text].join('\n');
      if (row.previous_hash !== previous || row.hash !== chain(previous, content)) return row.id;
      previous = row.hash;
    }
    return null;
  }
}

function contentOf(entry: AuditEntry & { id: string; at: string }): string {
  const head = JSON.stringify([entry.id, entry.at, entry.action, entry.target, entry.outcome, entry.requestId, entry.clientIp]);
  return [head, json(entry.before), json(entry.after)].join('\n');
}

function json(value: unknown): string | null {
  return value === undefined || value === null ? null : JSON.stringify(value);
}

function chain(previous: string, content: string): string {
  return createHash('sha256').update(previous).update('\n').update(content).digest('hex');
}
