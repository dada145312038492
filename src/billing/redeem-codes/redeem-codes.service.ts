import { Injectable } from '@nestjs/common';
import { GatewayError, invalidRequest } from '../../core/errors/gateway-error.js';
import type { Queryable } from '../../platform/database/index.js';
import { failpoint } from '../../platform/failpoint/index.js';
import { Credits } from '../accounts/credits.service.js';
import { AttemptGate } from './attempt-gate.js';
import { MAX_INPUT_CHARS } from './code-format.js';
import { CodeMaker } from './code-maker.js';
import { GuessLimits } from './guess-limits.js';

/** One try to redeem. */
export interface RedeemAttempt {
  /** As typed. */
  readonly code: unknown;
  readonly organizationId: string;
  readonly keyId: string;
  readonly clientIp: string;
}

export interface Redemption {
  readonly amountNanoUsd: bigint;
  readonly grantId: number;
  /** Of the credit; null: never. */
  readonly creditExpiresAtMs: number | null;
}

type Outcome =
  | ({ readonly result: 'redeemed' } & Redemption)
  | { readonly result: 'limited'; readonly waitMs: number }
  | { readonly result: 'already_redeemed'; readonly ownAt: Date | null }
  | { readonly result: 'mistyped' | 'unknown' | 'expired' | 'revoked' };

interface TakenRow extends Record<string, unknown> {
  id: string;
  number: number;
  batch_id: string;
  amount: string;
  credit_expires_at: Date | null;
}

interface KnownRow extends Record<string, unknown> {
  open_to_us: boolean;
  revoked: boolean;
  expired: boolean;
  own_at: Date | null;
}

/**
 * The one conditional statement: a use is taken only where every rule holds at the moment the code's row is locked. The
 * batch is locked against revocation, or its claw-back could miss a use that was being made.
 */
const TAKE = `
  WITH batch AS MATERIALIZED (
    SELECT b.id, b.amount, b.credit_expires_at FROM redeem_batches b
    WHERE b.id = (SELECT k.batch_id FROM redeem_codes k WHERE k.digest = decode($1, 'hex'))
      AND b.revoked_at IS NULL
      AND (b.expires_at IS NULL OR b.expires_at > clock_timestamp())
      AND (b.credit_expires_at IS NULL OR b.credit_expires_at > clock_timestamp())
      AND (b.organization_ids IS NULL OR $2 = ANY (b.organization_ids))
    FOR SHARE
  )
  UPDATE redeem_codes c SET uses = c.uses + 1 FROM batch
  WHERE c.digest = decode($1, 'hex') AND c.batch_id = batch.id AND c.revoked_at IS NULL AND c.uses < c.max_uses
    AND NOT EXISTS (SELECT 1 FROM redeem_uses u WHERE u.code_id = c.id AND u.organization_id = $2)
  RETURNING c.id, c.number, c.batch_id, batch.amount, batch.credit_expires_at`;

/** Why a code could not be taken; no row: there is none. */
const KNOWN = `
  SELECT (b.organization_ids IS NULL OR $2 = ANY (b.organization_ids)) AS open_to_us,
    (c.revoked_at IS NOT NULL OR b.revoked_at IS NOT NULL) AS revoked,
    coalesce(least(b.expires_at, b.credit_expires_at) <= clock_timestamp(), false) AS expired,
    (SELECT u.redeemed_at FROM redeem_uses u WHERE u.code_id = c.id AND u.organization_id = $2) AS own_at
  FROM redeem_codes c JOIN redeem_batches b ON b.id = c.batch_id WHERE c.digest = decode($1, 'hex')`;

/** Turns codes into credit: the use of the code and the grant are one transaction (I16, F89). */
@Injectable()
export class RedeemCodes {
  constructor(
    private readonly gate: AttemptGate,
    private readonly guesses: GuessLimits,
    private readonly maker: CodeMaker,
    private readonly credits: Credits,
  ) {}

  /** Throws 400 that names `code`, 404 `code_not_found`, 409 `code_already_redeemed` or `code_expired`, 429 after too many unknown codes. */
  async redeem(attempt: RedeemAttempt): Promise<Redemption> {
    const text = readInput(attempt.code);
    const outcome = await this.gate.run((transaction) => this.#attempt(transaction, attempt, text));
    if (outcome.result !== 'redeemed') throw refusal(outcome);
    return outcome;
  }

  async #attempt(transaction: Queryable, attempt: RedeemAttempt, text: string): Promise<Outcome> {
    const waitMs = await this.guesses.enter(transaction, attempt);
    if (waitMs !== null) return { result: 'limited', waitMs };
    const outcome = await this.#take(transaction, attempt, text);
    if (outcome.result === 'unknown' || outcome.result === 'mistyped') await this.guesses.record(transaction, attempt);
    return outcome;
  }

  async #take(transaction: Queryable, attempt: RedeemAttempt, text: string): Promise<Outcome> {
    const digest = this.maker.findDigest(text);
    if (digest === null) return { result: 'mistyped' };
    const key = [digest, attempt.organizationId];
    const taken = (await transaction.query<TakenRow>(TAKE, key)).rows[0];
    if (taken !== undefined) {
      failpoint('code-consumed');
      return await this.#credit(transaction, attempt, taken);
    }
    return outcomeOf((await transaction.query<KnownRow>(KNOWN, key)).rows[0]);
  }

  async #credit(transaction: Queryable, attempt: RedeemAttempt, taken: TakenRow): Promise<Outcome> {
    const creditExpiresAtMs = taken.credit_expires_at?.getTime() ?? null;
    const amountNanoUsd = BigInt(taken.amount);
    const grant = await this.credits.grant(
      {
        organizationId: attempt.organizationId, amountNanoUsd, source: 'redeem', actor: attempt.keyId,
        reason: `redeem code ${taken.batch_id} no. ${taken.number}`,
        ...(creditExpiresAtMs === null ? {} : { expiresAtMs: creditExpiresAtMs }),
      },
      transaction,
    );
    await transaction.query('INSERT INTO redeem_uses (code_id, organization_id, key_id, grant_id) VALUES ($1, $2, $3, $4)', [
      taken.id, attempt.organizationId, attempt.keyId, grant.id,
    ]);
    return { result: 'redeemed', amountNanoUsd, grantId: grant.id, creditExpiresAtMs };
  }
}

function readInput(code: unknown): string {
  if (typeof code !== 'string') throw invalidRequest('code', 'code must be a string: the code as it was given to you.');
  if (code.trim() === '') throw invalidRequest('code', 'code must not be empty.');
  if (code.length > MAX_INPUT_CHARS) throw invalidRequest('code', `code must have at most ${MAX_INPUT_CHARS} characters.`);
  return code;
}

/** A code that is not for this organization does not exist for it: it learns nothing of other people's codes. */
function outcomeOf(known: KnownRow | undefined): Outcome {
  if (known === undefined) return { result: 'unknown' };
  if (known.own_at !== null) return { result: 'already_redeemed', ownAt: known.own_at };
  if (!known.open_to_us) return { result: 'unknown' };
  if (known.revoked) return { result: 'revoked' };
  return known.expired ? { result: 'expired' } : { result: 'already_redeemed', ownAt: null };
}

function refusal(outcome: Exclude<Outcome, { result: 'redeemed' }>): GatewayError {
  const at = { param: 'code' };
  switch (outcome.result) {
    case 'limited':
      return new GatewayError('rate_limit_exceeded', 'Too many unknown codes were tried. No code is looked at until then, a right one neither.', {
        ...at, retryAfterMs: outcome.waitMs,
      });
    case 'mistyped':
      return new GatewayError('code_not_found', 'This is not a complete code: its checksum does not match, so a character is wrong, missing or too many.', at);
    case 'unknown':
      return new GatewayError('code_not_found', 'There is no such code.', at);
    case 'already_redeemed':
      return new GatewayError('code_already_redeemed', usedWords(outcome.ownAt), at);
    case 'revoked':
      return new GatewayError('code_expired', 'This code was withdrawn.', at);
    case 'expired':
      return new GatewayError('code_expired', 'This code has expired.', at);
  }
}

function usedWords(ownAt: Date | null): string {
  if (ownAt === null) return 'This code has been used up.';
  return `Your organization redeemed this code at ${ownAt.toISOString()}; its credit was given then.`;
}
