import { Injectable } from '@nestjs/common';
import { GatewayError } from '../../core/errors/gateway-error.js';
import { Database, type Queryable } from '../../platform/database/index.js';
import { RedeemMetrics, type RedeemResult } from './redeem-metrics.js';
import { RedeemSettings } from './redeem-settings.js';

const RETRY_AFTER_MS = 1_000;

/** Attempts in transactions: a few at once, a bounded number waiting in turn, whoever comes beyond that is 503 `overloaded`. Each is counted. */
@Injectable()
export class AttemptGate {
  readonly #waiting: (() => void)[] = [];
  #active = 0;

  constructor(
    private readonly database: Database,
    private readonly settings: RedeemSettings,
    private readonly metrics: RedeemMetrics,
  ) {}

  async run<Outcome extends { readonly result: RedeemResult }>(work: (transaction: Queryable) => Promise<Outcome>): Promise<Outcome> {
    try {
      const outcome = await this.#inTurn(() => this.database.transaction(work));
      this.metrics.attempt(outcome.result);
      return outcome;
    } catch (error) {
      this.metrics.attempt('failed');
      throw error;
    }
  }

  async #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    await this.#enter();
    try {
      return await work();
    } finally {
      this.#leave();
    }
  }

  async #enter(): Promise<void> {
    if (this.#active < this.settings.activeCount) {
      this.#active += 1;
      return;
    }
    if (this.#waiting.length >= this.settings.waitingCount) {
      throw new GatewayError('overloaded', 'Too many codes are being redeemed right now.', { retryAfterMs: RETRY_AFTER_MS });
    }
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** The place goes to the next in turn, without being free in between. */
  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#active -= 1;
    else next();
  }
}
