import { Injectable } from '@nestjs/common';
import { GatewayError, invalidRequest } from '../../core/errors/gateway-error.js';
import { isEnded, refundBurns, type Burn, type Posting, type StoredState } from '../../core/ledger/index.js';
import { Database, type Queryable } from '../../platform/database/index.js';
import { failpoint } from '../../platform/failpoint/index.js';
import { BillingSettings } from '../billing-settings.js';
import { insertTransaction } from './transactions.js';

export interface NewRefund {
  readonly requestId: string;
  /** Default: all that has not been refunded yet. */
  readonly amountNanoUsd?: bigint;
  readonly reason: string;
  readonly idempotencyKey?: string;
  readonly actor?: string;
}

export interface RefundRecord {
  /** The transaction's id. */
  readonly id: number;
  readonly requestId: string;
  readonly organizationId: string;
  readonly amountNanoUsd: bigint;
  /** All refunds of the request together. */
  readonly refundedNanoUsd: bigint;
  readonly chargedNanoUsd: bigint;
}

interface LockedRequest {
  organizationId: string;
  accountId: number;
  state: StoredState;
  chargedNanoUsd: bigint;
  refundedNanoUsd: bigint;
}

/** Returns what a request was charged, to the grants it burned, last burned first. */
@Injectable()
export class Refunds {
  constructor(
    private readonly database: Database,
    private readonly settings: BillingSettings,
  ) {}

  /** 404 for an unknown request, 409 `conflict` while it runs, 409 `refund_exceeds_captured` for more than is left. */
  refund(input: NewRefund, within?: Queryable): Promise<RefundRecord> {
    if (input.amountNanoUsd !== undefined && input.amountNanoUsd <= 0n) throw invalidRequest('amount_usd', 'amount_usd must be more than 0');
    const work = (transaction: Queryable): Promise<RefundRecord> => this.#refund(transaction, input);
    return within === undefined ? this.database.transaction(work) : work(within);
  }

  async #refund(transaction: Queryable, input: NewRefund): Promise<RefundRecord> {
    const request = await lockRequest(transaction, input.requestId);
    const first = await findFirst(transaction, input, request);
    if (first !== null) return first;
    if (!isEnded(request.state)) throw new GatewayError('conflict', 'The request is still running; refund it when it has ended.');
    const left = request.chargedNanoUsd - request.refundedNanoUsd;
    const amount = input.amountNanoUsd ?? left;
    if (amount > left || amount === 0n) {
      throw new GatewayError('refund_exceeds_captured', 'More than was charged and not refunded yet cannot be refunded.', { param: 'amount_usd' });
    }
    const burns = refundBurns(await remainingBurns(transaction, input.requestId, request.refundedNanoUsd), amount);
    const postings: Posting[] = [{ account: 'revenue', grantId: null, amountNanoUsd: -amount }];
    for (const burn of burns) postings.push(await this.#giveBack(transaction, request, burn));
    const id = await insertTransaction(transaction, {
      kind: 'refund', organizationId: request.organizationId, requestId: input.requestId, number: await nextNumber(transaction, input.requestId),
      reason: input.reason, actor: input.actor, idempotencyKey: input.idempotencyKey, postings,
    });
    await raiseCeilings(transaction, input.requestId, request.accountId, amount);
    await transaction.query("UPDATE ledger_requests SET refunded = refunded + $2, state = 'compensated' WHERE request_id = $1", [input.requestId, amount]);
    failpoint('refunded');
    return {
      id: Number(id), requestId: input.requestId, organizationId: request.organizationId, amountNanoUsd: amount,
      refundedNanoUsd: request.refundedNanoUsd + amount, chargedNanoUsd: request.chargedNanoUsd,
    };
  }

  /** An expired grant cannot hold money: a new one of thirty days takes its place. */
  async #giveBack(transaction: Queryable, request: LockedRequest, burn: Burn): Promise<Posting> {
    if (burn.grantId === null) return { account: 'credit', grantId: null, amountNanoUsd: burn.amountNanoUsd };
    const { rowCount } = await transaction.query(
      'UPDATE ledger_grants SET remaining = remaining + $2 WHERE id = $1 AND (expires_at IS NULL OR expires_at > clock_timestamp())',
      [burn.grantId, burn.amountNanoUsd],
    );
    if (rowCount === 1) return { account: 'credit', grantId: burn.grantId, amountNanoUsd: burn.amountNanoUsd };
    const { rows } = await transaction.query<{ id: string; expires_at: Date }>(
      `INSERT INTO ledger_grants (ceiling_id, organization_id, amount, remaining, expires_at, reason, source, created_at)
       VALUES ($1, $2, $3, $3, clock_timestamp() + $4 * interval '1 millisecond', $5, 'refund', clock_timestamp()) RETURNING id, expires_at`,
      [request.accountId, request.organizationId, burn.amountNanoUsd, this.settings.refundValidMs, `refund of expired grant ${burn.grantId}`],
    );
    await transaction.query('UPDATE ledger_ceilings SET next_expiry = least(next_expiry, $2) WHERE id = $1', [request.accountId, rows[0]?.expires_at]);
    return { account: 'credit', grantId: Number(rows[0]?.id), amountNanoUsd: burn.amountNanoUsd };
  }
}

/** Ceilings first, in order of id, then the row: the ledger's order of locks. */
async function lockRequest(transaction: Queryable, requestId: string): Promise<LockedRequest> {
  const found = await transaction.query<{ organization_id: string; account: string }>(
    'SELECT organization_id, ledger_account(organization_id) AS account FROM ledger_requests WHERE request_id = $1',
    [requestId],
  );
  const request = found.rows[0];
  if (request === undefined) throw new GatewayError('not_found', `The ledger knows no request ${requestId}.`);
  await transaction.query(
    'SELECT 1 FROM ledger_ceilings WHERE id = $1 OR id IN (SELECT ceiling_id FROM ledger_charges WHERE request_id = $2) ORDER BY id FOR NO KEY UPDATE',
    [request.account, requestId],
  );
  const { rows } = await transaction.query<{ state: StoredState; charged: string; refunded: string }>(
    'SELECT state, captured + overage AS charged, refunded FROM ledger_requests WHERE request_id = $1 FOR NO KEY UPDATE',
    [requestId],
  );
  const row = rows[0];
  if (row === undefined) throw new GatewayError('not_found', `The ledger knows no request ${requestId}.`);
  return {
    organizationId: request.organization_id,
    accountId: Number(request.account),
    state: row.state,
    chargedNanoUsd: BigInt(row.charged),
    refundedNanoUsd: BigInt(row.refunded),
  };
}

async function findFirst(transaction: Queryable, input: NewRefund, request: LockedRequest): Promise<RefundRecord | null> {
  if (input.idempotencyKey === undefined) return null;
  const { rows } = await transaction.query<{ id: string; amount: string }>(
    `SELECT id, -revenue AS amount FROM ledger_transactions WHERE request_id = $1 AND idempotency_key = $2 AND kind = 'refund'`,
    [input.requestId, input.idempotencyKey],
  );
  const row = rows[0];
  if (row === undefined) return null;
  if (input.amountNanoUsd !== undefined && input.amountNanoUsd !== BigInt(row.amount)) {
    throw new GatewayError('idempotency_mismatch', 'This idempotency_key was used for a refund of another amount.', { param: 'idempotency_key' });
  }
  const { organizationId, refundedNanoUsd, chargedNanoUsd } = request;
  return { id: Number(row.id), requestId: input.requestId, organizationId, amountNanoUsd: BigInt(row.amount), refundedNanoUsd, chargedNanoUsd };
}

/** What was burned, in order, less what earlier refunds took from its end. */
async function remainingBurns(transaction: Queryable, requestId: string, refundedNanoUsd: bigint): Promise<Burn[]> {
  const { rows } = await transaction.query<{ grant_id: string | null; amount: string }>(
    `SELECT grant_id, -amount AS amount FROM ledger_entries
     WHERE request_id = $1 AND kind <> 'refund' AND account = 'credit' ORDER BY transaction_id, position`,
    [requestId],
  );
  const burns = rows.map((row): Burn => ({ grantId: row.grant_id === null ? null : Number(row.grant_id), amountNanoUsd: BigInt(row.amount) }));
  let gone = refundedNanoUsd;
  for (const burn of [...burns].reverse()) {
    const taken = burn.amountNanoUsd < gone ? burn.amountNanoUsd : gone;
    burn.amountNanoUsd -= taken;
    gone -= taken;
  }
  return burns;
}

async function nextNumber(transaction: Queryable, requestId: string): Promise<number> {
  const { rows } = await transaction.query<{ next: number }>(
    "SELECT coalesce(max(number), 0) + 1 AS next FROM ledger_transactions WHERE request_id = $1 AND kind = 'refund'",
    [requestId],
  );
  return rows[0]?.next ?? 1;
}

/** The account, and every budget in the period that the request was charged to. */
async function raiseCeilings(transaction: Queryable, requestId: string, accountId: number, amount: bigint): Promise<void> {
  await transaction.query(
    `WITH charges AS (UPDATE ledger_charges SET refunded = refunded + $3 WHERE request_id = $2 RETURNING ceiling_id)
     UPDATE ledger_ceilings SET posted = posted + $3 WHERE id = $1 OR id IN (SELECT ceiling_id FROM charges)`,
    [accountId, requestId, amount],
  );
}
