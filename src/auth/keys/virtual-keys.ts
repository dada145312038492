import { Injectable } from '@nestjs/common';
import { GatewayError, invalidRequest } from '../../core/errors/gateway-error.js';
import { Clock } from '../../platform/clock/index.js';
import { Database, type Queryable } from '../../platform/database/index.js';
import { newId } from '../../platform/ids/index.js';
import { generateToken, Secrets } from '../../platform/secrets/index.js';
import { LAYER_MEMBERS, layerColumns, refuseUnknown, requireName, type LayerInput } from '../tenants/layer-input.js';
import { pageLimit, pageOf, pageStart, type Page, type PageRequest } from '../tenants/page.js';
import { insertRow, isMissingReference, notFound, updateRow } from '../tenants/tables.js';
import { KEY_DIGEST_PURPOSE, KeyDirectory } from './key-directory.js';
import { VIRTUAL_KEY_COLUMNS, virtualKeyView, type IssuedKey, type VirtualKey, type VirtualKeyRow } from './virtual-key-view.js';

export interface VirtualKeyInput extends LayerInput {
  project_id?: string;
  /** RFC 3339 with a timezone; null: never. */
  expires_at?: string | null;
}

export interface VirtualKeyFilter extends PageRequest {
  project_id?: string;
  organization_id?: string;
}

const RFC3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/;
const MAX_OVERLAP_SECONDS = 30 * 86_400;
/** Replaced secrets are kept to say "revoked" instead of "unknown"; the oldest go. */
const MAX_SECRETS_PER_KEY = 20;

/**
 * Virtual keys in the database. The key itself is shown by `create` and `rotate` and never stored: its keyed digest is.
 * Transactions: as for Organizations.
 */
@Injectable()
export class VirtualKeys {
  constructor(
    private readonly database: Database,
    private readonly directory: KeyDirectory,
    private readonly secrets: Secrets,
    private readonly clock: Clock,
  ) {}

  /** Throws GatewayError 400 that names the member. */
  async create(input: VirtualKeyInput, on?: Queryable): Promise<IssuedKey> {
    refuseUnknown(input, ['project_id', 'expires_at', ...LAYER_MEMBERS]);
    requireName(input);
    if (typeof input.project_id !== 'string') throw invalidRequest('project_id', '`project_id` is required.');
    const id = newId('key');
    const key = generateToken('sk-og');
    const columns = { id, project_id: input.project_id, last4: key.slice(-4), ...expiryColumn(input), ...layerColumns(input) };
    await this.#change(on, async (tables) => {
      await insertRow(tables, 'virtual_keys', columns).catch(refuseUnknownProject);
      await this.#addSecret(tables, id, key);
    });
    return { ...(await this.get(id, on)), key };
  }

  async patch(id: string, input: VirtualKeyInput, on?: Queryable): Promise<VirtualKey> {
    refuseUnknown(input, ['expires_at', ...LAYER_MEMBERS]);
    const columns = { ...expiryColumn(input), ...layerColumns(input) };
    await this.#change(on, (tables) => updateRow(tables, 'virtual_keys', id, columns));
    return this.get(id, on);
  }

  /** Final, and idempotent: a second call changes nothing. */
  async revoke(id: string, on?: Queryable): Promise<VirtualKey> {
    await this.#change(on, (tables) => tables.query('UPDATE virtual_keys SET revoked_at = clock_timestamp() WHERE id = $1 AND revoked_at IS NULL', [id]));
    return this.get(id, on);
  }

  /** A new secret for the same key; the old one works for `overlap_seconds` more. Throws 409 for a revoked key. */
  async rotate(id: string, input: { overlap_seconds?: number } = {}, on?: Queryable): Promise<IssuedKey> {
    refuseUnknown(input, ['overlap_seconds']);
    const overlapSeconds = readOverlap(input.overlap_seconds);
    const key = generateToken('sk-og');
    await this.#change(on, async (tables) => {
      await lockActive(tables, id);
      await tables.query(
        `UPDATE virtual_key_secrets SET ends_at = least(ends_at, clock_timestamp() + make_interval(secs => $2)) WHERE key_id = $1`,
        [id, overlapSeconds],
      );
      await tables.query(
        `DELETE FROM virtual_key_secrets WHERE key_id = $1 AND digest IN (
           SELECT digest FROM virtual_key_secrets WHERE key_id = $1 ORDER BY created_at DESC OFFSET $2)`,
        [id, MAX_SECRETS_PER_KEY - 1],
      );
      await this.#addSecret(tables, id, key);
      await updateRow(tables, 'virtual_keys', id, { last4: key.slice(-4) });
    });
    return { ...(await this.get(id, on)), key };
  }

  async find(id: string, on: Queryable = this.database): Promise<VirtualKey | null> {
    const result = await on.query<VirtualKeyRow>(
      `SELECT ${VIRTUAL_KEY_COLUMNS} FROM virtual_keys k JOIN projects p ON p.id = k.project_id WHERE k.id = $1`,
      [id],
    );
    const row = result.rows[0];
    return row === undefined ? null : virtualKeyView(row, this.clock.nowMs());
  }

  async get(id: string, on?: Queryable): Promise<VirtualKey> {
    const found = await this.find(id, on);
    if (found === null) throw notFound('virtual_keys', id);
    return found;
  }

  async list(filter: VirtualKeyFilter = {}): Promise<Page<VirtualKey>> {
    const limit = pageLimit(filter);
    const result = await this.database.query<VirtualKeyRow>(
      `SELECT ${VIRTUAL_KEY_COLUMNS} FROM virtual_keys k JOIN projects p ON p.id = k.project_id
       WHERE ($1::text IS NULL OR k.id < $1) AND ($2::text IS NULL OR k.project_id = $2) AND ($3::text IS NULL OR p.organization_id = $3)
       ORDER BY k.id DESC LIMIT $4`,
      [pageStart(filter), filter.project_id ?? null, filter.organization_id ?? null, limit + 1],
    );
    const nowMs = this.clock.nowMs();
    return pageOf(result.rows.map((row) => virtualKeyView(row, nowMs)), limit);
  }

  /** For keys made by other means than the admin API (the demo key). */
  addSecret(on: Queryable, keyId: string, key: string): Promise<void> {
    return this.#addSecret(on, keyId, key);
  }

  async #change(on: Queryable | undefined, work: (tables: Queryable) => Promise<unknown>): Promise<void> {
    if (on !== undefined) {
      await work(on);
      return;
    }
    await this.database.transaction(work);
    await this.directory.refresh();
  }

  async #addSecret(on: Queryable, keyId: string, key: string): Promise<void> {
    const digest = Buffer.from(this.secrets.digest(KEY_DIGEST_PURPOSE, key), 'hex');
    await insertRow(on, 'virtual_key_secrets', { digest, key_id: keyId });
  }
}

async function lockActive(tables: Queryable, id: string): Promise<void> {
  const found = await tables.query<{ revoked_at: Date | null }>('SELECT revoked_at FROM virtual_keys WHERE id = $1 FOR UPDATE', [id]);
  const row = found.rows[0];
  if (row === undefined) throw notFound('virtual_keys', id);
  if (row.revoked_at !== null) throw new GatewayError('conflict', `The key ${id} was revoked; make a new one.`);
}

function refuseUnknownProject(error: unknown): never {
  if (!isMissingReference(error)) throw error;
  throw invalidRequest('project_id', '`project_id` names no project.');
}

function expiryColumn(input: VirtualKeyInput): Record<string, unknown> {
  const value: unknown = input.expires_at;
  if (value === undefined) return {};
  if (value === null) return { expires_at: null };
  if (typeof value !== 'string' || !RFC3339.test(value) || Number.isNaN(Date.parse(value))) {
    throw invalidRequest('expires_at', '`expires_at` must be a time like 2027-01-31T00:00:00Z, or null.');
  }
  return { expires_at: new Date(value) };
}

function readOverlap(value: unknown): number {
  if (value === undefined) return 0;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > MAX_OVERLAP_SECONDS) {
    throw invalidRequest('overlap_seconds', `\`overlap_seconds\` must be a whole number from 0 to ${MAX_OVERLAP_SECONDS}.`);
  }
  return value;
}
