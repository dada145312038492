import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/index.js';

export interface Claim {
  /** Keyed digest of organization, virtual key, route and idempotency key. */
  readonly scope: Buffer;
  readonly requestId: string;
}

export interface NewClaim extends Claim {
  readonly organizationId: string;
  readonly keyId: string;
  readonly bodyDigest: Buffer;
}

export interface StoredAnswer {
  status: number;
  headers: Record<string, string>;
  /** As it was handed to the client; sealed for clients whose payloads are not stored. */
  answer: Buffer;
  sealed: boolean;
}

export type ClaimOutcome =
  /** `superseded`: requests with this key and body whose process died; what they were charged is given back when this one completes. */
  | { kind: 'claimed'; superseded: readonly string[] }
  | { kind: 'running' }
  | { kind: 'mismatch' }
  /** It completed, but its answer was too large to keep. */
  | { kind: 'unstored' }
  | { kind: 'stored'; stored: StoredAnswer };

interface ClaimRow extends Record<string, unknown> {
  claimed: boolean;
  superseded: string[] | null;
  same_body: boolean;
  state: string;
  status: number;
  headers: Record<string, string>;
  answer: Buffer;
  sealed: boolean;
}

/**
 * A running claim is renewed by its process every 3 s. One that is not, belongs to a process that died (or could not reach the
 * database so long); it is free when the ledger has settled its request, or never knew it.
 */
const CLAIM = {
  name: 'idempotency-claim',
  text: `
    WITH claimed AS (
      INSERT INTO idempotency_claims AS held (scope, organization_id, key_id, body_digest, request_id) VALUES ($1, $2, $3, $4, $5)
      ON CONFLICT (scope) DO UPDATE SET
        body_digest = excluded.body_digest, request_id = excluded.request_id, state = 'running', renewed_at = clock_timestamp(),
        expires_at = clock_timestamp() + interval '24 hours', status = NULL, headers = NULL, answer = NULL, sealed = false,
        superseded = CASE WHEN held.expires_at <= clock_timestamp() OR held.body_digest <> excluded.body_digest THEN '{}'
                          WHEN held.state = 'free' THEN held.superseded
                          ELSE held.superseded || held.request_id END
      WHERE held.expires_at <= clock_timestamp() OR held.state = 'free'
        OR held.state = 'running' AND held.renewed_at < clock_timestamp() - interval '5 seconds'
          AND EXISTS (SELECT 1 FROM ledger_requests WHERE request_id = held.request_id AND settled_at IS NOT NULL)
        OR held.state = 'running' AND held.renewed_at < clock_timestamp() - interval '15 seconds'
          AND NOT EXISTS (SELECT 1 FROM ledger_requests WHERE request_id = held.request_id AND state IN ('forwarded', 'streaming'))
      RETURNING superseded
    )
    SELECT true AS claimed, superseded, true AS same_body, 'running' AS state, NULL::smallint AS status, NULL::jsonb AS headers,
      NULL::bytea AS answer, false AS sealed FROM claimed
    UNION ALL
    SELECT false, NULL, body_digest = $4, state, status, headers, CASE WHEN body_digest = $4 THEN answer END, sealed FROM idempotency_claims
    WHERE scope = $1 AND NOT EXISTS (SELECT 1 FROM claimed)`,
};
const STORE = {
  name: 'idempotency-store',
  text: `UPDATE idempotency_claims SET state = $3, status = $4, headers = $5, answer = $6, sealed = $7,
           expires_at = clock_timestamp() + interval '24 hours'
         WHERE scope = $1 AND request_id = $2 AND state = 'running'`,
};
const FREE = {
  name: 'idempotency-free',
  text: `UPDATE idempotency_claims SET state = 'free' WHERE scope = $1 AND request_id = $2 AND state = 'running'`,
};
const RENEW = {
  name: 'idempotency-renew',
  text: `UPDATE idempotency_claims SET renewed_at = clock_timestamp()
         WHERE scope = ANY ($1::bytea[]) AND request_id = ANY ($2::text[]) AND state = 'running'`,
};
const EXPIRE_BATCH_COUNT = 1_000;
const EXPIRE = `DELETE FROM idempotency_claims WHERE scope IN
  (SELECT scope FROM idempotency_claims WHERE expires_at < clock_timestamp() ORDER BY expires_at LIMIT ${EXPIRE_BATCH_COUNT})`;

/** The rows of idempotency keys. Each call is one statement; times are the database's. */
@Injectable()
export class IdempotencyClaims {
  constructor(private readonly database: Database) {}

  /** One round trip: of many at once exactly one is told `claimed`, and its row is committed by then. */
  async claim({ scope, organizationId, keyId, bodyDigest, requestId }: NewClaim): Promise<ClaimOutcome> {
    const { rows } = await this.database.query<ClaimRow>(CLAIM, [scope, organizationId, keyId, bodyDigest, requestId]);
    return outcomeOf(rows[0]);
  }

  /** Null: it completed and cannot be repeated. Without effect when the claim went to another request. */
  async store({ scope, requestId }: Claim, stored: StoredAnswer | null): Promise<void> {
    const columns = stored === null ? ['unstored', null, null, null, false] : ['stored', stored.status, JSON.stringify(stored.headers), stored.answer, stored.sealed];
    await this.database.query(STORE, [scope, requestId, ...columns]);
  }

  async free({ scope, requestId }: Claim): Promise<void> {
    await this.database.query(FREE, [scope, requestId]);
  }

  async renew(claims: readonly Claim[]): Promise<void> {
    await this.database.query(RENEW, [claims.map(({ scope }) => scope), claims.map(({ requestId }) => requestId)]);
  }

  /** True when there may be more. */
  async deleteExpired(): Promise<boolean> {
    const { rowCount } = await this.database.query(EXPIRE);
    return rowCount === EXPIRE_BATCH_COUNT;
  }
}

/** No row: another request claimed it after this statement's snapshot was taken. */
function outcomeOf(row: ClaimRow | undefined): ClaimOutcome {
  if (row === undefined) return { kind: 'running' };
  if (row.claimed) return { kind: 'claimed', superseded: row.superseded ?? [] };
  if (!row.same_body) return { kind: 'mismatch' };
  if (row.state === 'unstored') return { kind: 'unstored' };
  if (row.state !== 'stored') return { kind: 'running' };
  return { kind: 'stored', stored: { status: row.status, headers: row.headers, answer: row.answer, sealed: row.sealed } };
}
