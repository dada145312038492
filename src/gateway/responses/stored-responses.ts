import { Injectable, Logger } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { Database } from '../../platform/database/index.js';

/** A response that was kept: both as JSON text. */
export interface StoredResponse {
  id: string;
  organizationId: string;
  createdAtMs: number;
  /** The items it answers, those of earlier responses included. */
  input: string;
  response: string;
}

/** Larger ones are not kept. */
const MAX_STORED_CHARS = 8 * 1024 * 1024;
/** Being written; beyond it new ones are not kept. */
const MAX_PENDING = 256;
const MAX_PENDING_CHARS = 64 * 1024 * 1024;
/** Another instance may be writing what its client has just been answered. */
const SECOND_LOOK_MS = 150;

/** Responses by id, each seen by its organization only. */
@Injectable()
export class StoredResponses {
  private readonly logger = new Logger('responses');
  private readonly pending = new Map<string, StoredResponse>();
  private pendingChars = 0;

  constructor(private readonly database: Database) {}

  /** Never fails a request that was answered; from now on `find` knows it in this process. */
  keep(stored: StoredResponse): void {
    const chars = stored.input.length + stored.response.length;
    if (chars > MAX_STORED_CHARS || this.pending.size >= MAX_PENDING || this.pendingChars + chars > MAX_PENDING_CHARS) {
      this.logger.warn({ msg: 'a response was not kept', response_id: stored.id, chars, pending: this.pending.size });
      return;
    }
    this.pending.set(stored.id, stored);
    this.pendingChars += chars;
    void this.write(stored).finally(() => {
      this.pending.delete(stored.id);
      this.pendingChars -= chars;
    });
  }

  async find(id: string, organizationId: string): Promise<StoredResponse | null> {
    const found = await this.look(id, organizationId);
    if (found !== null) return found;
    await sleep(SECOND_LOOK_MS);
    return this.look(id, organizationId);
  }

  async delete(id: string, organizationId: string): Promise<boolean> {
    // What is being written can be found and must be deletable.
    if (this.pending.has(id)) await sleep(SECOND_LOOK_MS);
    const { rowCount } = await this.database.query('DELETE FROM stored_responses WHERE id = $1 AND organization_id = $2', [id, organizationId]);
    return (rowCount ?? 0) > 0;
  }

  private async look(id: string, organizationId: string): Promise<StoredResponse | null> {
    const pending = this.pending.get(id);
    if (pending !== undefined) return pending.organizationId === organizationId ? pending : null;
    const { rows } = await this.database.query<{ created_at: Date; input: string; response: string }>(
      'SELECT created_at, input, response FROM stored_responses WHERE id = $1 AND organization_id = $2',
      [id, organizationId],
    );
    const [row] = rows;
    return row === undefined ? null : { id, organizationId, createdAtMs: row.created_at.getTime(), input: row.input, response: row.response };
  }

  private async write({ id, organizationId, createdAtMs, input, response }: StoredResponse): Promise<void> {
    try {
      await this.database.query(
        'INSERT INTO stored_responses (id, organization_id, created_at, input, response) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING',
        [id, organizationId, new Date(createdAtMs).toISOString(), input, response],
      );
    } catch (error) {
      this.logger.warn({ msg: 'a response could not be kept', response_id: id, error: String(error) });
    }
  }
}
