import { Injectable } from '@nestjs/common';
import type { RequestLog } from '../core/request-log/request-log.js';
import { Database, RowEncoder, type EncodedRow } from '../platform/database/index.js';
import { LOG_ROWS, logRowOf, PAYLOAD_ROWS, payloadRowOf, type LoggedPayload } from './log-row.js';
import type { Redaction } from './redact.js';

const REDACTION: Redaction = { emails: false };
const UNIQUE_VIOLATION = '23505';

/** A record as it waits: its row is bytes already, which cost a collector of garbage nothing, and its making finds everything at hand. */
export interface WaitingLog {
  readonly requestId: string;
  readonly row: EncodedRow;
  /** Redacted and cut when it is written: it may be megabytes. Null when the key's policy, the client or the queue kept it out. */
  readonly payload: LoggedPayload | null;
}

/** Writes batches of records, all or nothing. A record that is already there stays: a retried batch changes nothing. */
@Injectable()
export class RequestLogWriter {
  private readonly rows = new RowEncoder(LOG_ROWS);

  constructor(private readonly database: Database) {}

  /** Throws a RangeError for a record that no row can hold. */
  encode(log: RequestLog): EncodedRow {
    return this.rows.encode(logRowOf(log, REDACTION));
  }

  async write(logs: readonly WaitingLog[]): Promise<void> {
    try {
      await this.copy(logs);
    } catch (error) {
      // An earlier try was committed without our learning of it.
      if ((error as { code?: unknown }).code !== UNIQUE_VIOLATION) throw error;
      await this.copy(await this.listMissing(logs));
    }
  }

  private async copy(logs: readonly WaitingLog[]): Promise<void> {
    const rows = logs.map(({ row }) => row);
    const payloads = logs.flatMap(({ payload }) => (payload === null ? [] : [payloadRowOf(payload, REDACTION)]));
    if (payloads.length === 0) return this.database.copyEncoded(LOG_ROWS, rows);
    await this.database.transaction(async (transaction) => {
      await transaction.copy(PAYLOAD_ROWS, payloads);
      await transaction.copyEncoded(LOG_ROWS, rows);
    });
  }

  private async listMissing(logs: readonly WaitingLog[]): Promise<WaitingLog[]> {
    const missing = new Map(logs.map((log) => [log.requestId, log]));
    const { rows } = await this.database.query<{ request_id: string }>('SELECT request_id FROM request_logs WHERE request_id = ANY ($1)', [[...missing.keys()]]);
    for (const { request_id: id } of rows) missing.delete(id);
    return [...missing.values()];
  }
}
