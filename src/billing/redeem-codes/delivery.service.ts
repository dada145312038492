import { Injectable } from '@nestjs/common';
import { GatewayError } from '../../core/errors/gateway-error.js';
import { Database, type Queryable } from '../../platform/database/index.js';
import { Secrets } from '../../platform/secrets/index.js';
import { CodeMaker } from './code-maker.js';
import { RedeemSettings } from './redeem-settings.js';

interface Unfinished extends Record<string, unknown> {
  id: string;
  code_count: number;
  generated_count: number;
}

interface Undelivered extends Record<string, unknown> {
  code_count: number;
  generated_count: number;
  delivered_at: Date | null;
  revoked_at: Date | null;
  deliver_until: Date | null;
  lapsed: boolean;
}

/** The codes of large batches: made in steps by a job, sealed until they are fetched, once, and gone then or after a day. */
@Injectable()
export class RedeemDeliveries {
  constructor(
    private readonly database: Database,
    private readonly secrets: Secrets,
    private readonly maker: CodeMaker,
    private readonly settings: RedeemSettings,
  ) {}

  /** One step: how much of its batch is done now, null when no batch is unfinished. A step that is lost is done by the next run. */
  generate(): Promise<number | null> {
    return this.database.transaction(async (transaction) => {
      const { rows } = await transaction.query<Unfinished>(
        `SELECT id, code_count, generated_count FROM redeem_batches WHERE generated_count < code_count AND revoked_at IS NULL
         ORDER BY created_at LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED`,
      );
      return rows[0] === undefined ? null : await this.#step(transaction, rows[0]);
    });
  }

  /** All codes of a large batch, this once. Throws 409 `conflict` when they are not made yet, were fetched, or are gone. */
  async fetch(batchId: string, transaction: Queryable): Promise<string[]> {
    const { rows } = await transaction.query<Undelivered>(
      `SELECT code_count, generated_count, delivered_at, revoked_at, deliver_until, coalesce(deliver_until <= clock_timestamp(), false) AS lapsed
       FROM redeem_batches WHERE id = $1 FOR NO KEY UPDATE`,
      [batchId],
    );
    refuseDelivery(rows[0], batchId);
    const parts = await transaction.query<{ part: number; sealed: string }>('DELETE FROM redeem_deliveries WHERE batch_id = $1 RETURNING part, sealed', [batchId]);
    await transaction.query('UPDATE redeem_batches SET delivered_at = clock_timestamp() WHERE id = $1', [batchId]);
    return parts.rows.sort((a, b) => a.part - b.part).flatMap(({ part, sealed }) => this.secrets.open(sealed, ownerOf(batchId, part)).split('\n'));
  }

  /** Removes sealed codes that nobody fetched in time, and those of revoked batches. */
  async purge(): Promise<void> {
    await this.database.query(
      `DELETE FROM redeem_deliveries d USING redeem_batches b WHERE b.id = d.batch_id AND (b.deliver_until <= clock_timestamp() OR b.revoked_at IS NOT NULL)`,
    );
  }

  async #step(transaction: Queryable, batch: Unfinished): Promise<number> {
    const made = batch.generated_count;
    const count = Math.min(this.settings.partCount, batch.code_count - made);
    const codes = await this.maker.make(transaction, { batchId: batch.id, firstNumber: made + 1, count });
    await transaction.query('INSERT INTO redeem_deliveries (batch_id, part, sealed) VALUES ($1, $2, $3)', [
      batch.id, made, this.secrets.seal(codes.join('\n'), ownerOf(batch.id, made)),
    ]);
    await transaction.query(
      `UPDATE redeem_batches SET generated_count = generated_count + $2,
         deliver_until = CASE WHEN generated_count + $2 = code_count THEN clock_timestamp() + $3 * interval '1 ms' END WHERE id = $1`,
      [batch.id, count, this.settings.deliverWithinMs],
    );
    return (made + count) / batch.code_count;
  }
}

function refuseDelivery(batch: Undelivered | undefined, batchId: string): void {
  if (batch === undefined) throw new GatewayError('not_found', `There is no batch of redeem codes ${batchId.slice(0, 64)}.`);
  const reason = undeliverable(batch);
  if (reason !== null) throw new GatewayError('conflict', reason);
}

function undeliverable(batch: Undelivered): string | null {
  if (batch.revoked_at !== null) return 'This batch is revoked.';
  if (batch.delivered_at !== null) return `The codes of this batch were shown at ${batch.delivered_at.toISOString()}, their only time.`;
  if (batch.generated_count < batch.code_count) return `${batch.generated_count} of ${batch.code_count} codes are made; fetch them when all are.`;
  return batch.lapsed ? 'Nobody fetched the codes of this batch in time; they are gone. Revoke it and make another.' : null;
}

function ownerOf(batchId: string, part: number): string {
  return `redeem-batch:${batchId}:${part}`;
}
