import { Injectable } from '@nestjs/common';
import { GatewayError, invalidRequest } from '../../core/errors/gateway-error.js';
import { expirableNanoUsd } from '../../core/ledger/index.js';
import type { Queryable } from '../../platform/database/index.js';
import { insertTransaction } from '../accounts/transactions.js';
import { CodeMaker } from './code-maker.js';
import { RedeemSettings } from './redeem-settings.js';

export interface Revocation {
  readonly batchId: string;
  /** One code of the batch; default: all. */
  readonly codeNumber?: number;
  readonly reason: string;
  /** Also takes what of the redeemed credit is unspent. */
  readonly clawBack: boolean;
}

export interface RevocationResult {
  readonly batchId: string;
  readonly codeNumber: number | null;
  readonly clawedBackNanoUsd: bigint;
  /** Unspendable from now on; posted as soon as engines return what they have leased, or by the expiry job. */
  readonly pendingNanoUsd: bigint;
}

interface GrantRow extends Record<string, unknown> {
  id: string;
  ceiling_id: string;
  organization_id: string;
  remaining: string;
  free: string;
}

const USED_GRANTS = `
  SELECT g.id FROM redeem_codes c JOIN redeem_uses u ON u.code_id = c.id JOIN ledger_grants g ON g.id = u.grant_id
  WHERE c.batch_id = $1 AND ($2::int IS NULL OR c.number = $2) AND g.remaining > 0`;

/** Withdraws codes, at once and for good, and takes back what they gave and nobody spent. */
@Injectable()
export class RedeemRevocations {
  constructor(
    private readonly maker: CodeMaker,
    private readonly settings: RedeemSettings,
  ) {}

  /** Again is harmless, and takes back what has become free. Throws 404 for an unknown batch or code. */
  async revoke(revocation: Revocation, transaction: Queryable): Promise<RevocationResult> {
    const { batchId, codeNumber, reason } = revocation;
    const { rowCount } =
      codeNumber === undefined
        ? await transaction.query('UPDATE redeem_batches SET revoked_at = coalesce(revoked_at, clock_timestamp()), revoke_reason = coalesce(revoke_reason, $2) WHERE id = $1', [batchId, reason])
        : await transaction.query(
            'UPDATE redeem_codes SET revoked_at = coalesce(revoked_at, clock_timestamp()), revoke_reason = coalesce(revoke_reason, $3) WHERE batch_id = $1 AND number = $2',
            [batchId, codeNumber, reason],
          );
    if (rowCount === 0) throw new GatewayError('not_found', `There is no ${codeNumber === undefined ? 'batch' : `code number ${codeNumber} in a batch`} ${batchId.slice(0, 64)}.`);
    const money = revocation.clawBack ? await this.#clawBack(revocation, transaction) : { clawedBackNanoUsd: 0n, pendingNanoUsd: 0n };
    return { batchId, codeNumber: codeNumber ?? null, ...money };
  }

  /** The batch and number of a code that an operator has in hand. Throws 400 for a typing error, 404 for an unknown one. */
  async locate(code: string, queryable: Queryable): Promise<{ batchId: string; codeNumber: number }> {
    const digest = this.maker.findDigest(code);
    if (digest === null) throw invalidRequest('code', 'code is mistyped: its checksum does not match.');
    const { rows } = await queryable.query<{ batch_id: string; number: number }>("SELECT batch_id, number FROM redeem_codes WHERE digest = decode($1, 'hex')", [
      digest,
    ]);
    if (rows[0] === undefined) throw new GatewayError('code_not_found', 'There is no such code.', { param: 'code' });
    return { batchId: rows[0].batch_id, codeNumber: rows[0].number };
  }

  /**
   * Grants expire now, by the operator's will: from here on nothing admits against them, and what is not leased leaves the
   * account in this transaction. Ceilings are locked in order of id, as everywhere.
   */
  async #clawBack({ batchId, codeNumber, reason }: Revocation, transaction: Queryable): Promise<Pick<RevocationResult, 'clawedBackNanoUsd' | 'pendingNanoUsd'>> {
    const which = [batchId, codeNumber ?? null];
    await transaction.query(
      `SELECT 1 FROM ledger_ceilings WHERE id IN (SELECT ceiling_id FROM ledger_grants WHERE id IN (${USED_GRANTS})) ORDER BY id FOR NO KEY UPDATE`,
      which,
    );
    await transaction.query(
      `WITH ended AS (UPDATE ledger_grants SET expires_at = least(expires_at, now()) WHERE id IN (${USED_GRANTS}) RETURNING ceiling_id)
       UPDATE ledger_ceilings SET next_expiry = least(next_expiry, now()) WHERE id IN (SELECT ceiling_id FROM ended)`,
      which,
    );
    const { rows } = await transaction.query<GrantRow>(
      `SELECT g.id, g.ceiling_id, g.organization_id, g.remaining, c.posted - c.leased AS free FROM ledger_grants g JOIN ledger_ceilings c ON c.id = g.ceiling_id
       WHERE g.id IN (${USED_GRANTS}) ORDER BY g.ceiling_id, g.id`,
      which,
    );
    const taken = await this.#postAll(rows, reason, transaction);
    const total = rows.reduce((sum, { remaining }) => sum + BigInt(remaining), 0n);
    return { clawedBackNanoUsd: taken, pendingNanoUsd: total - taken };
  }

  async #postAll(grants: readonly GrantRow[], reason: string, transaction: Queryable): Promise<bigint> {
    const free = new Map(grants.map((grant) => [grant.ceiling_id, BigInt(grant.free)]));
    let taken = 0n;
    for (const grant of grants.slice(0, this.settings.clawBackCount)) {
      const left = free.get(grant.ceiling_id) ?? 0n;
      const amount = expirableNanoUsd(BigInt(grant.remaining), left);
      if (amount === 0n) continue;
      free.set(grant.ceiling_id, left - amount);
      taken += amount;
      await post(grant, amount, { reason, transaction });
    }
    return taken;
  }
}

async function post(grant: GrantRow, amount: bigint, { reason, transaction }: { reason: string; transaction: Queryable }): Promise<void> {
  await transaction.query('UPDATE ledger_grants SET remaining = remaining - $2, expired = expired + $2 WHERE id = $1', [grant.id, amount]);
  await transaction.query('UPDATE ledger_ceilings SET posted = posted - $2 WHERE id = $1', [grant.ceiling_id, amount]);
  await insertTransaction(transaction, {
    kind: 'expiry', organizationId: grant.organization_id, reason: `redeem code revoked: ${reason}`, actor: 'operator',
    postings: [
      { account: 'credit', grantId: Number(grant.id), amountNanoUsd: -amount },
      { account: 'expired', grantId: null, amountNanoUsd: amount },
    ],
  });
}
