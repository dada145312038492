import { Injectable } from '@nestjs/common';
import { InjectMetric, makeCounterProvider } from '@willsoto/nestjs-prometheus';
import { Counter } from 'prom-client';
import { Config } from '../../platform/config/index.js';

export const redeemMetricProviders = [
  makeCounterProvider({ name: 'og_redeem_attempts_total', help: 'Attempts to redeem a code, by how they ended', labelNames: ['zone', 'result'] }),
];

export const REDEEM_RESULTS = ['redeemed', 'mistyped', 'unknown', 'already_redeemed', 'expired', 'revoked', 'limited', 'failed'] as const;
export type RedeemResult = (typeof REDEEM_RESULTS)[number];

@Injectable()
export class RedeemMetrics {
  @InjectMetric('og_redeem_attempts_total')
  private readonly attempts!: Counter<'zone' | 'result'>;

  readonly #zone: string;

  constructor(config: Config) {
    this.#zone = config.zone;
  }

  /** At boot: an alert over a counter that never rose must see 0. */
  begin(): void {
    for (const result of REDEEM_RESULTS) this.attempts.inc({ zone: this.#zone, result }, 0);
  }

  attempt(result: RedeemResult): void {
    this.attempts.inc({ zone: this.#zone, result });
  }
}
