import { Injectable } from '@nestjs/common';
import { InjectMetric, makeCounterProvider, makeGaugeProvider, makeHistogramProvider } from '@willsoto/nestjs-prometheus';
import { Counter, Gauge, Histogram } from 'prom-client';
import { Config } from '../platform/config/index.js';

export const billingMetricProviders = [
  makeGaugeProvider({ name: 'og_ledger_imbalance_usd', aggregator: 'max', help: 'Drift found by the last verification; must be 0', labelNames: ['zone'] }),
  makeGaugeProvider({ name: 'og_ledger_drift_nano_usd', help: 'The same, exact: nano-USD between stored balances and those replayed from zero; must be 0', labelNames: ['zone'] }),
  makeGaugeProvider({ name: 'og_ledger_violations', aggregator: 'max', help: 'Violated ledger invariants at the last verification; must be 0', labelNames: ['zone'] }),
  makeGaugeProvider({ name: 'og_ledger_recomputed_charges', help: 'Charges computed again from usage and price by the last daily run', labelNames: ['zone'] }),
  makeGaugeProvider({ name: 'og_ledger_wrong_charges', help: 'Of those, charges that came out otherwise; must be 0', labelNames: ['zone'] }),
  makeGaugeProvider({ name: 'og_ledger_settlement_lag_seconds', aggregator: 'max', help: 'Age of the oldest end that the database has not taken yet', labelNames: ['zone'] }),
  makeGaugeProvider({ name: 'og_ledger_holds_usd', help: 'Held by running requests of this process', labelNames: ['zone'] }),
  makeGaugeProvider({ name: 'og_ledger_open_holds', help: 'Running requests of this process that hold money', labelNames: ['zone'] }),
  makeGaugeProvider({ name: 'og_ledger_unposted_requests', help: 'Ended requests that the database has not taken yet', labelNames: ['zone'] }),
  makeGaugeProvider({ name: 'og_ledger_journal_bytes', help: 'Size of this engine’s journal', labelNames: ['zone'] }),
  makeHistogramProvider({ name: 'og_ledger_flush_requests', help: 'Requests per posted batch', labelNames: ['zone'], buckets: [1, 2, 5, 10, 25, 50, 100, 250, 500] }),
  makeHistogramProvider({
    name: 'og_ledger_flush_seconds', help: 'Time to post a batch', labelNames: ['zone'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
  }),
  makeCounterProvider({ name: 'og_ledger_poison_total', help: 'Requests the database refuses to take; each needs a person', labelNames: ['zone'] }),
  makeCounterProvider({ name: 'og_ledger_errors_total', help: 'Failures of the ledger’s own work, most of which pass', labelNames: ['zone', 'where'] }),
  makeCounterProvider({ name: 'og_ledger_recovered_total', help: 'Requests settled for processes that died', labelNames: ['zone', 'by'] }),
];

/** Nano-USD as a float, for a trend only: the money of record is the ledger's. */
const NANO = 1e9;

@Injectable()
export class BillingMetrics {
  @InjectMetric('og_ledger_imbalance_usd')
  private readonly imbalance!: Gauge<'zone'>;

  @InjectMetric('og_ledger_drift_nano_usd')
  private readonly drift!: Gauge<'zone'>;

  @InjectMetric('og_ledger_violations')
  private readonly violations!: Gauge<'zone'>;

  @InjectMetric('og_ledger_recomputed_charges')
  private readonly recomputedCharges!: Gauge<'zone'>;

  @InjectMetric('og_ledger_wrong_charges')
  private readonly wrongCharges!: Gauge<'zone'>;

  @InjectMetric('og_ledger_settlement_lag_seconds')
  private readonly lag!: Gauge<'zone'>;

  @InjectMetric('og_ledger_holds_usd')
  private readonly holds!: Gauge<'zone'>;

  @InjectMetric('og_ledger_open_holds')
  private readonly openHolds!: Gauge<'zone'>;

  @InjectMetric('og_ledger_unposted_requests')
  private readonly unposted!: Gauge<'zone'>;

  @InjectMetric('og_ledger_journal_bytes')
  private readonly journalBytes!: Gauge<'zone'>;

  @InjectMetric('og_ledger_flush_requests')
  private readonly flushRequests!: Histogram<'zone'>;

  @InjectMetric('og_ledger_flush_seconds')
  private readonly flushSeconds!: Histogram<'zone'>;

  @InjectMetric('og_ledger_poison_total')
  private readonly poisonTotal!: Counter<'zone'>;

  @InjectMetric('og_ledger_errors_total')
  private readonly errorsTotal!: Counter<'zone' | 'where'>;

  @InjectMetric('og_ledger_recovered_total')
  private readonly recoveredTotal!: Counter<'zone' | 'by'>;

  readonly #zone: string;

  constructor(config: Config) {
    this.#zone = config.zone;
  }

  /** At boot: a ratio or an alert over a counter that never rose must see 0. */
  begin(): void {
    const zone = this.#zone;
    this.imbalance.set({ zone }, 0);
    this.drift.set({ zone }, 0);
    this.wrongCharges.set({ zone }, 0);
    this.violations.set({ zone }, 0);
    this.poisonTotal.inc({ zone }, 0);
    for (const where of ['heartbeat', 'flusher', 'journal', 'sweeper', 'successor', 'lease exchange', 'stop']) this.errorsTotal.inc({ zone, where }, 0);
    for (const by of ['successor', 'sweeper']) this.recoveredTotal.inc({ zone, by }, 0);
  }

  verified(driftNanoUsd: bigint, violationCount: number): void {
    this.imbalance.set({ zone: this.#zone }, Number(driftNanoUsd) / NANO);
    this.drift.set({ zone: this.#zone }, Number(driftNanoUsd));
    this.violations.set({ zone: this.#zone }, violationCount);
  }

  recomputed(checkedCount: number, wrongCount: number): void {
    this.recomputedCharges.set({ zone: this.#zone }, checkedCount);
    this.wrongCharges.set({ zone: this.#zone }, wrongCount);
  }

  figures(of: { openCount: number; openNanoUsd: bigint; unpostedCount: number; lagMs: number; journalBytes: number }): void {
    const zone = this.#zone;
    this.lag.set({ zone }, of.lagMs / 1_000);
    this.holds.set({ zone }, Number(of.openNanoUsd) / NANO);
    this.openHolds.set({ zone }, of.openCount);
    this.unposted.set({ zone }, of.unpostedCount);
    this.journalBytes.set({ zone }, of.journalBytes);
  }

  batch(count: number, durationMs: number): void {
    this.flushRequests.observe({ zone: this.#zone }, count);
    this.flushSeconds.observe({ zone: this.#zone }, durationMs / 1_000);
  }

  poison(): void {
    this.poisonTotal.inc({ zone: this.#zone });
  }

  error(where: string): void {
    this.errorsTotal.inc({ zone: this.#zone, where });
  }

  recovered(by: 'successor' | 'sweeper', count: number): void {
    this.recoveredTotal.inc({ zone: this.#zone, by }, count);
  }
}
