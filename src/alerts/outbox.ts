import { Injectable } from '@nestjs/common';
import { Database, type Queryable } from '../platform/database/index.js';
import { newId } from '../platform/ids/index.js';
import { AlertMetrics } from './alert-metrics.js';
import type { AlertEvent, AlertType, NewAlert } from './alert-event.js';

/** One delivery that is due, claimed by this process for a minute. */
export interface DueDelivery {
  readonly event: AlertEvent;
  readonly webhookId: string;
  readonly url: string;
  readonly allowPrivate: boolean;
  readonly sealedSecret: string;
  /** This one included. */
  readonly attemptCount: number;
}

export interface DeliveryResult {
  readonly ok: boolean;
  readonly status: number | null;
  readonly error: string | null;
}

/** Seconds until the next attempt; after the last one the delivery has failed. About a day in all. */
const BACKOFF_S = [10, 30, 120, 600, 1_800, 7_200, 21_600, 43_200];
/** Longer than any attempt: what a process claimed and did not finish is due again then. */
const CLAIM_S = 60;
const BATCH_COUNT = 20;
const RETENTION_DAYS = 90;

interface DueRow extends Record<string, unknown> {
  event_id: string;
  type: AlertType;
  organization_id: string | null;
  payload: Record<string, unknown>;
  created_at: Date;
  webhook_id: string;
  url: string;
  allow_private: boolean;
  sealed_secret: string;
  attempts: number;
}

/** Events and their deliveries, as rows. */
@Injectable()
export class Outbox {
  constructor(
    private readonly database: Database,
    private readonly metrics: AlertMetrics,
  ) {}

  /** Null when the occasion was told already. The event and a delivery to every webhook that wants it are one statement. */
  async append(alert: NewAlert, on: Queryable = this.database): Promise<string | null> {
    const id = newId('evt');
    const { rows } = await on.query(
      `WITH event AS (
         INSERT INTO alert_events (id, type, occasion, organization_id, payload) VALUES ($1, $2, $3, $4, $5) ON CONFLICT ON CONSTRAINT alert_events_once DO NOTHING RETURNING id),
       sent AS (
         INSERT INTO webhook_deliveries (event_id, webhook_id) SELECT event.id, w.id FROM event, webhooks w WHERE w.removed_at IS NULL AND ($6::text IS NULL AND $2 = ANY (w.events) OR w.id = $6))
       SELECT id FROM event`,
      [id, alert.type, alert.occasion, alert.organizationId, JSON.stringify(alert.data), alert.type === 'webhook.test' ? alert.data['webhook_id'] : null],
    );
    if (rows.length === 0) return null;
    this.metrics.raised(alert.type);
    return id;
  }

  /** Those of which nobody has been told yet. */
  async listUntold(alerts: readonly NewAlert[]): Promise<NewAlert[]> {
    if (alerts.length === 0) return [];
    const { rows } = await this.database.query<{ type: string; occasion: string }>(
      'SELECT e.type, e.occasion FROM unnest($1::text[], $2::text[]) a (type, occasion) JOIN alert_events e ON e.type = a.type AND e.occasion = a.occasion',
      [alerts.map(({ type }) => type), alerts.map(({ occasion }) => occasion)],
    );
    const told = new Set(rows.map(({ type, occasion }) => `${type} ${occasion}`));
    return alerts.filter(({ type, occasion }) => !told.has(`${type} ${occasion}`));
  }

  /** Claims what is due; two processes never get the same. */
  async claim(): Promise<DueDelivery[]> {
    const { rows } = await this.database.query<DueRow>(
      `WITH due AS (
         SELECT event_id, webhook_id FROM webhook_deliveries WHERE state = 'pending' AND due_at <= clock_timestamp() ORDER BY due_at LIMIT ${BATCH_COUNT} FOR UPDATE SKIP LOCKED),
       claimed AS (
         UPDATE webhook_deliveries d SET attempts = attempts + 1, due_at = clock_timestamp() + interval '${CLAIM_S} seconds' FROM due
         WHERE d.event_id = due.event_id AND d.webhook_id = due.webhook_id RETURNING d.*)
       SELECT c.event_id, e.type, e.organization_id, e.payload, e.created_at, c.webhook_id, w.url, w.allow_private, w.sealed_secret, c.attempts
       FROM claimed c JOIN alert_events e ON e.id = c.event_id JOIN webhooks w ON w.id = c.webhook_id AND w.removed_at IS NULL ORDER BY e.id`,
    );
    return rows.map((row) => ({
      event: { id: row.event_id, type: row.type, organizationId: row.organization_id, data: row.payload, createdAtMs: row.created_at.getTime() },
      webhookId: row.webhook_id, url: row.url, allowPrivate: row.allow_private, sealedSecret: row.sealed_secret, attemptCount: row.attempts,
    }));
  }

  async finish(delivery: DueDelivery, result: DeliveryResult): Promise<void> {
    const waitS = BACKOFF_S[delivery.attemptCount - 1];
    const state = result.ok ? 'delivered' : waitS === undefined ? 'failed' : 'pending';
    this.metrics.attempted(result.ok ? 'delivered' : state === 'failed' ? 'failed' : 'retried');
    await this.database.query(
      `UPDATE webhook_deliveries SET state = $3, last_status = $4, last_error = $5, due_at = clock_timestamp() + $6 * interval '1 second',
         delivered_at = CASE WHEN $3 = 'delivered' THEN clock_timestamp() END
       WHERE event_id = $1 AND webhook_id = $2 AND state = 'pending'`,
      [delivery.event.id, delivery.webhookId, state, result.status, result.error?.slice(0, 300) ?? null, waitS ?? 0],
    );
  }

  /** Newest first; `before` is the last id of the page before. With how each delivery stands. */
  async list(page: { limit: number; before?: string }): Promise<Record<string, unknown>[]> {
    const { rows } = await this.database.query<Record<string, unknown>>(
      `SELECT e.id, e.type, e.organization_id, e.payload AS data, e.created_at,
         coalesce((SELECT json_agg(json_build_object('webhook_id', d.webhook_id, 'state', d.state, 'attempts', d.attempts, 'last_status', d.last_status, 'last_error', d.last_error) ORDER BY d.webhook_id)
           FROM webhook_deliveries d WHERE d.event_id = e.id), '[]') AS deliveries
       FROM alert_events e WHERE $1::text IS NULL OR e.id < $1 ORDER BY e.id DESC LIMIT $2`,
      [page.before ?? null, page.limit],
    );
    return rows;
  }

  /** Deliveries that wait, of which one that cannot be sent for a day is given up. */
  async pendingCount(): Promise<number> {
    const { rows } = await this.database.query<{ count: string }>("SELECT count(*) AS count FROM webhook_deliveries WHERE state = 'pending'");
    return Number(rows[0]?.count ?? 0);
  }

  async purge(): Promise<void> {
    await this.database.query(`DELETE FROM alert_events WHERE created_at < now() - interval '${RETENTION_DAYS} days'`);
  }
}
