import { Injectable } from '@nestjs/common';
import type { RequestLog } from '../core/request-log/request-log.js';
import { Database } from '../platform/database/index.js';
import { hasPayload, LOG_ROWS, PAYLOAD_ROWS } from './log-row.js';

const UNIQUE_VIOLATION = '23505';

/** Writes batches of records, all or nothing. A record that is already there stays: a retried batch changes nothing. */
@Injectable()
export class RequestLogWriter {
  constructor(private readonly database: Database) {}

  async write(logs: readonly RequestLog[]): Promise<void> {
    try {
      await this.copy(logs);
    } catch (error) {
      // An earlier try was committed without our learning of it.
      if ((error as { code?: unknown }).code !== UNIQUE_VIOLATION) throw error;
      await this.copy(await this.listMissing(logs));
    }
  }

  private async copy(logs: readonly RequestLog[]): Promise<void> {
    const payloads = logs.filter(hasPayload);
    if (payloads.length === 0) return this.database.copy(LOG_ROWS, logs);
    await this.database.transaction(async (transaction) => {
      await transaction.copy(PAYLOAD_ROWS, payloads);
      await transaction.copy(LOG_ROWS, logs);
    });
  }

  private async listMissing(logs: readonly RequestLog[]): Promise<RequestLog[]> {
    const missing = new Map(logs.map((log) => [log.requestId, log]));
    const { rows } = await this.database.query<{ request_id: string }>('SELECT request_id FROM request_logs WHERE request_id = ANY ($1)', [[...missing.keys()]]);
    for (const { request_id: id } of rows) missing.delete(id);
    return [...missing.values()];
  }
}
