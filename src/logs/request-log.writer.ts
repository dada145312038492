import { Injectable } from '@nestjs/common';
import { Database } from '../platform/database/index.js';
import { PAYLOAD_ROWS } from './log-row.js';
import { LOGS, type QueuedLog } from './queued-log.js';

const UNIQUE_VIOLATION = '23505';

/** Writes batches of records, all or nothing. A record that is already there stays: a retried batch changes nothing. */
@Injectable()
export class RequestLogWriter {
  constructor(private readonly database: Database) {}

  async write(logs: readonly QueuedLog[]): Promise<void> {
    try {
      await this.copy(logs);
    } catch (error) {
      // An earlier try was committed without our learning of it.
      if ((error as { code?: unknown }).code !== UNIQUE_VIOLATION) throw error;
      await this.copy(await this.listMissing(logs));
    }
  }

  private async copy(logs: readonly QueuedLog[]): Promise<void> {
    const rows = logs.map(({ row }) => row);
    const payloads = logs.map(({ payload }) => payload).filter((payload) => payload !== null);
    if (payloads.length === 0) return this.database.copy(LOGS.target, rows);
    await this.database.transaction(async (transaction) => {
      await transaction.copy(PAYLOAD_ROWS, payloads);
      await transaction.copy(LOGS.target, rows);
    });
  }

  private async listMissing(logs: readonly QueuedLog[]): Promise<QueuedLog[]> {
    const missing = new Map(logs.map((log) => [log.requestId, log]));
    const { rows } = await this.database.query<{ request_id: string }>('SELECT request_id FROM request_logs WHERE request_id = ANY ($1)', [[...missing.keys()]]);
    for (const { request_id: id } of rows) missing.delete(id);
    return [...missing.values()];
  }
}
