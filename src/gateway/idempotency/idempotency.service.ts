import { createHash } from 'node:crypto';
import { serialize } from 'node:v8';
import { Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import { readCredential } from '../../auth/index.js';
import { GatewayError } from '../../core/errors/gateway-error.js';
import type { InboundMessage } from '../../platform/inbound/index.js';
import { Secrets } from '../../platform/secrets/index.js';
import type { Exchange } from '../exchange.js';
import { AnswerRecorder, RecordingBudget } from './answer-recorder.js';
import { openAnswer, sealAnswer, type SealingSecrets } from './answer-seal.js';
import { IdempotencyClaims, type Claim, type ClaimOutcome, type NewClaim, type StoredAnswer } from './claims.repository.js';
import { Compensation } from './compensation.js';
import { IDEMPOTENCY_HEADER, readIdempotencyKey } from './idempotency-key.js';
import { isKept } from './is-kept.js';

/** Of each statement: a client waits for the claim before anything is asked, and for the storing before its last byte. */
const DATABASE_DEADLINE_MS = 2_000;
const RENEW_INTERVAL_MS = 3_000;
const MAX_RUNNING = 20_000;

interface Running {
  claim: Claim;
  recorder: AnswerRecorder;
  secrets: SealingSecrets;
  superseded: readonly string[];
}

/**
 * `Idempotency-Key`: one request with a key does the work, its repeats get its answer. Requests without the header pass
 * through here by one look at their headers.
 */
@Injectable()
export class Idempotency implements OnModuleDestroy {
  private readonly logger = new Logger('Idempotency');
  private readonly budget = new RecordingBudget();
  private readonly running = new Map<Exchange, Running>();
  private renewal: NodeJS.Timeout | undefined;

  constructor(
    private readonly claims: IdempotencyClaims,
    private readonly secrets: Secrets,
    private readonly compensation: Compensation,
  ) {}

  onModuleDestroy(): void {
    clearInterval(this.renewal);
  }

  /**
   * After the policy and before the limits, so that a repeat consumes no quota. Undefined without the header; otherwise it resolves
   * when the request may run or has an answer to replay (`exchange.stored`). Throws or rejects with 400 for a bad key, 409 while the first one runs, 422 for another body, 503 without a database.
   */
  begin(exchange: Exchange, message: InboundMessage): Promise<void> | undefined {
    const idempotencyKey = readIdempotencyKey(message.headers);
    return idempotencyKey === undefined ? undefined : this.claim(exchange, message, idempotencyKey);
  }

  private async claim(exchange: Exchange, message: InboundMessage, idempotencyKey: string): Promise<void> {
    if (this.running.size >= MAX_RUNNING) throw new GatewayError('overloaded', 'Too many requests with an idempotency key are running; try again.');
    const claim = this.claimOf(exchange, idempotencyKey);
    const outcome = await this.claimed(claim);
    const secrets = { clientKey: readCredential(message), idempotencyKey };
    if (outcome.kind === 'claimed') return this.run(exchange, { claim, secrets, superseded: outcome.superseded });
    if (outcome.kind !== 'stored') throw refusalOf(outcome.kind);
    exchange.stored = opened(outcome.stored, secrets, claim.scope);
  }

  /** True when the request was answered from what is stored: nothing is planned, held or asked for it. */
  replay(exchange: Exchange): boolean {
    const { stored } = exchange;
    if (stored === undefined) return false;
    exchange.replayed = true;
    const headers = { ...stored.headers, 'x-request-id': exchange.requestId, 'idempotent-replayed': 'true' };
    exchange.reply?.sendWhole(stored.status, headers, stored.answer);
    return true;
  }

  /** A request that ended without an answer (its client left) gives its key back. */
  abandon(exchange: Exchange): void {
    const running = this.running.size === 0 ? undefined : this.running.get(exchange);
    if (running === undefined || exchange.reply?.ending === true) return;
    this.forget(exchange, running);
    void this.within(this.claims.free(running.claim)).catch((error: unknown) => this.complain(error));
  }

  private claimOf(exchange: Exchange, idempotencyKey: string): NewClaim {
    const { caller, endpoint, requestId } = exchange;
    const { organizationId, keyId } = caller;
    const scope = this.digest('idempotency-scope', JSON.stringify([organizationId, keyId, endpoint, idempotencyKey]));
    return { scope, requestId, organizationId, keyId, bodyDigest: this.digest('idempotency-body', hashOf(exchange)) };
  }

  private digest(purpose: string, text: string): Buffer {
    return Buffer.from(this.secrets.digest(purpose, text), 'hex');
  }

  private async claimed(claim: NewClaim): Promise<ClaimOutcome> {
    const asked = this.claims.claim(claim);
    try {
      return await this.within(asked);
    } catch (cause) {
      // A claim that is granted after all has nobody to run for.
      asked.then((late) => (late.kind === 'claimed' ? this.claims.free(claim) : undefined)).catch(() => undefined);
      throw new GatewayError('service_unavailable', 'The idempotency key could not be claimed now; nothing was asked of a provider.', { cause });
    }
  }

  private run(exchange: Exchange, started: Omit<Running, 'recorder'>): void {
    const recorder = new AnswerRecorder(this.budget, () => this.end(exchange));
    this.running.set(exchange, { ...started, recorder });
    exchange.reply?.record(recorder);
    this.renewal ??= setInterval(() => void this.renew(), RENEW_INTERVAL_MS).unref();
    // The client left while the claim was made: its reply will never end.
    if (exchange.reply?.gone === true) this.abandon(exchange);
  }

  /** Before the last bytes leave, so that whoever saw the end finds the answer, or the key free. Never throws. */
  private async end(exchange: Exchange): Promise<void> {
    const running = this.running.get(exchange);
    if (running === undefined) return;
    const { claim, recorder, superseded } = running;
    try {
      if (!isKept(exchange, recorder.status)) return await this.within(this.claims.free(claim));
      await this.within(this.claims.store(claim, this.storable(exchange, running)));
      this.compensation.start(superseded, claim.requestId);
    } catch (error) {
      this.complain(error);
    } finally {
      this.forget(exchange, running);
    }
  }

  private storable(exchange: Exchange, { claim, recorder, secrets }: Running): StoredAnswer | null {
    const answer = recorder.answer();
    if (answer === null) return null;
    const { status, headers } = recorder;
    // Who does not let payloads be stored, lets nobody read this one but himself.
    const sealed = (exchange.options.store ?? exchange.caller.store) !== 'full' || exchange.caller.store !== 'full';
    return { status, headers, sealed, answer: sealed ? sealAnswer(answer, secrets, claim.scope) : answer };
  }

  private forget(exchange: Exchange, { recorder }: Running): void {
    recorder.drop();
    this.running.delete(exchange);
    if (this.running.size > 0) return;
    clearInterval(this.renewal);
    this.renewal = undefined;
  }

  private async renew(): Promise<void> {
    const claims = [...this.running.values()].map(({ claim }) => claim);
    if (claims.length > 0) await this.claims.renew(claims).catch((error: unknown) => this.complain(error));
  }

  private async within<Result>(work: Promise<Result>): Promise<Result> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`the database did not answer within ${DATABASE_DEADLINE_MS} ms`)), DATABASE_DEADLINE_MS);
    });
    return Promise.race([work, late]).finally(() => clearTimeout(timer));
  }

  private complain(error: unknown): void {
    this.logger.warn({ msg: 'A claim of an idempotency key could not be updated; it is free again when nobody renews it', error: String(error) });
  }
}

/** The client's bytes; of a form, whose boundary may differ from one repeat to the next, what it said. */
function hashOf({ body, operation }: Exchange): string {
  return createHash('sha256')
    .update(body?.bytes ?? serialize(operation?.request))
    .digest('hex');
}

function opened(stored: StoredAnswer, secrets: SealingSecrets, scope: Buffer): StoredAnswer {
  if (!stored.sealed) return stored;
  const answer = openAnswer(stored.answer, secrets, scope);
  if (answer !== null) return { ...stored, answer };
  throw new GatewayError('idempotency_mismatch', 'This idempotency key was used with the secret this key had before its rotation; only that one opens the stored answer. Use a new idempotency key.', { param: IDEMPOTENCY_HEADER });
}

function refusalOf(kind: 'running' | 'mismatch' | 'unstored'): GatewayError {
  const param = IDEMPOTENCY_HEADER;
  if (kind === 'running') return new GatewayError('idempotency_in_progress', 'A request with this idempotency key is still running.', { param });
  if (kind === 'mismatch') return new GatewayError('idempotency_mismatch', 'This idempotency key was used with another body.', { param });
  const message = 'The request with this idempotency key was completed and charged, but its answer was larger than 1 MB and is not kept. Use a new idempotency key.';
  return new GatewayError('idempotency_mismatch', message, { param });
}
