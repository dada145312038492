import { randomBytes } from 'node:crypto';
import { isIP } from 'node:net';
import { Injectable } from '@nestjs/common';
import { GatewayError, invalidRequest } from '../core/errors/gateway-error.js';
import { Database, type Queryable } from '../platform/database/index.js';
import { newId } from '../platform/ids/index.js';
import { Secrets } from '../platform/secrets/index.js';
import { ALERT_TYPES, type AlertType } from './alert-event.js';
import { forbiddenReason } from './forbidden-address.js';
import { Outbox } from './outbox.js';

export interface NewWebhook {
  readonly url: string;
  /** Default: all. */
  readonly events?: readonly string[];
  /** The operator's own network, plain http included. */
  readonly allowPrivate: boolean;
}

export interface Webhook {
  readonly id: string;
  readonly url: string;
  readonly events: readonly string[];
  readonly allowPrivate: boolean;
  readonly createdAtMs: number;
}

interface WebhookRow extends Record<string, unknown> {
  id: string;
  url: string;
  events: string[];
  allow_private: boolean;
  created_at: Date;
}

const COLUMNS = 'id, url, events, allow_private, created_at';
const MAX_WEBHOOKS = 50;
const SECRET_BYTES = 32;

/** Where operators want to be told. */
@Injectable()
export class Webhooks {
  constructor(
    private readonly database: Database,
    private readonly secrets: Secrets,
    private readonly outbox: Outbox,
  ) {}

  /** The secret is in the answer and never again. Throws 400 for an address that may not be used. */
  async create(input: NewWebhook, on: Queryable): Promise<Webhook & { readonly secret: string }> {
    checkUrl(input);
    const events = input.events ?? ALERT_TYPES.filter((type) => type !== 'webhook.test');
    const unknown = events.find((event) => !(ALERT_TYPES as readonly string[]).includes(event));
    if (unknown !== undefined || events.length === 0) throw invalidRequest('events', `events knows ${ALERT_TYPES.join(', ')}, not ${JSON.stringify(unknown ?? '')}.`);
    const count = await on.query<{ count: string }>('SELECT count(*) AS count FROM webhooks WHERE removed_at IS NULL');
    if (Number(count.rows[0]?.count) >= MAX_WEBHOOKS) throw new GatewayError('conflict', `There are ${MAX_WEBHOOKS} webhooks already; remove one first.`);
    const id = newId('whk');
    const secret = `whsec_${randomBytes(SECRET_BYTES).toString('base64')}`;
    const { rows } = await on.query<WebhookRow>(`INSERT INTO webhooks (id, url, events, allow_private, sealed_secret) VALUES ($1, $2, $3, $4, $5) RETURNING ${COLUMNS}`, [
      id, input.url, events, input.allowPrivate, this.secrets.seal(secret, ownerOf(id)),
    ]);
    return { ...webhookOf(rows[0] as WebhookRow), secret };
  }

  async list(): Promise<Webhook[]> {
    const { rows } = await this.database.query<WebhookRow>(`SELECT ${COLUMNS} FROM webhooks WHERE removed_at IS NULL ORDER BY id DESC`);
    return rows.map(webhookOf);
  }

  /** What waits for it is given up. Throws 404. */
  async remove(id: string, on: Queryable): Promise<Webhook> {
    const { rows } = await on.query<WebhookRow>(`UPDATE webhooks SET removed_at = clock_timestamp() WHERE id = $1 AND removed_at IS NULL RETURNING ${COLUMNS}`, [id]);
    if (rows[0] === undefined) throw new GatewayError('not_found', `There is no webhook ${id.slice(0, 64)}.`);
    await on.query("UPDATE webhook_deliveries SET state = 'failed', last_error = 'the webhook was removed' WHERE webhook_id = $1 AND state = 'pending'", [id]);
    return webhookOf(rows[0]);
  }

  /** An event for this webhook alone, sent like every other. Throws 404. */
  async test(id: string, on: Queryable): Promise<{ eventId: string; type: AlertType }> {
    const found = await on.query('SELECT 1 FROM webhooks WHERE id = $1 AND removed_at IS NULL', [id]);
    if (found.rowCount === 0) throw new GatewayError('not_found', `There is no webhook ${id.slice(0, 64)}.`);
    const eventId = await this.outbox.append({ type: 'webhook.test', occasion: newId('tst'), organizationId: null, data: { webhook_id: id } }, on);
    return { eventId: eventId ?? '', type: 'webhook.test' };
  }

  openSecret(id: string, sealed: string): string {
    return this.secrets.open(sealed, ownerOf(id));
  }
}

const ownerOf = (id: string): string => `webhook:${id}`;

/** Names are checked again when they are resolved, at every delivery. */
function checkUrl({ url, allowPrivate }: NewWebhook): void {
  const parsed = URL.canParse(url) && url.length <= 2_048 ? new URL(url) : null;
  const fault = parsed === null ? 'must be an https URL' : (protocolFault(parsed, allowPrivate) ?? partFault(parsed) ?? addressFault(parsed, allowPrivate));
  if (fault !== null) throw invalidRequest('url', `url ${fault}.`);
}

function protocolFault({ protocol }: URL, allowPrivate: boolean): string | null {
  if (protocol === 'https:') return null;
  if (protocol !== 'http:') return 'must be an https URL';
  return allowPrivate ? null : 'must be https; plain http is for your own network, with allow_private';
}

function partFault({ username, password, hash }: URL): string | null {
  if (username !== '' || password !== '') return 'must not contain a user or password';
  return hash === '' ? null : 'must not contain a fragment';
}

function addressFault({ hostname }: URL, allowPrivate: boolean): string | null {
  const host = hostname.replace(/^\[|\]$/g, '');
  const reason = isIP(host) === 0 ? null : forbiddenReason(host, allowPrivate);
  return reason === null ? null : `is refused: ${reason}`;
}

function webhookOf(row: WebhookRow): Webhook {
  return { id: row.id, url: row.url, events: row.events, allowPrivate: row.allow_private, createdAtMs: row.created_at.getTime() };
}
