import { Injectable } from '@nestjs/common';
import { Database } from '../platform/database/index.js';
import { LOG_ROWS, PAYLOAD_ROWS, type EncodedLog } from './log-row.js';

const UNIQUE_VIOLATION = '23505';

/** Writes batches of records, all or nothing. A record that is already there stays: a retried batch changes nothing. */
@Injectable()
export class RequestLogWriter {
  constructor(private readonly database: Database) {}

  async write(logs: readonly EncodedLog[]): Promise<void> {
    try {
      await this.copy(logs);
    } catch (error) {
      // An earlier try was committed without our learning of it.
      if ((error as { code?: unknown }).code !== UNIQUE_VIOLATION) throw error;
      await this.copy(await this.listMissing(logs));
    }
  }

  private async copy(logs: readonly EncodedLog[]): Promise<void> {
    const payloads = logs.filter(({ payload }) => payload !== undefined);
    if (payloads.length === 0) return this.database.copy(LOG_ROWS, logs);
    await this.database.transaction(async (transaction) => {
      await transaction.copy(PAYLOAD_ROWS, payloads);
      await transaction.copy(LOG_ROWS, logs);
    });
  }

  private async listMissing(logs: readonly EncodedLog[]): Promise<EncodedLog[]> {
    const missing = new Map(logs.map((log) => [log.requestId, log]));
    const { rows } = await this.database.query<{ request_id: string }>('SELECT request_id FROM request_logs WHERE request_id = ANY ($1)', [[...missing.keys()]]);
    for (const { request_id: id } of rows) missing.delete(id);
    return [...missing.values()];
  }
}
