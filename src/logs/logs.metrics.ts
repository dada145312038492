import { Injectable, type OnModuleInit } from '@nestjs/common';
import { InjectMetric, makeCounterProvider, makeGaugeProvider, makeHistogramProvider } from '@willsoto/nestjs-prometheus';
import { Counter, Gauge, Histogram } from 'prom-client';
import { Config } from '../platform/config/index.js';
import { Metrics } from '../platform/metrics/index.js';

export type DropReason = 'queue_full' | 'unreadable' | 'shutdown';

export const logMetricProviders = [
  makeGaugeProvider({ name: 'og_log_queue_depth', help: 'Request logs waiting to be written', labelNames: ['zone', 'sink'] }),
  makeCounterProvider({ name: 'og_log_dropped_total', help: 'Request logs, or their payloads, that were given up', labelNames: ['zone', 'sink', 'reason'] }),
  makeHistogramProvider({
    name: 'og_log_write_seconds',
    help: 'Time to write one batch of request logs',
    labelNames: ['zone', 'sink'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
  }),
];

const SINK = 'postgres';
const REASONS: readonly DropReason[] = ['queue_full', 'unreadable', 'shutdown'];

@Injectable()
export class LogMetrics implements OnModuleInit {
  @InjectMetric('og_log_queue_depth')
  private readonly depthGauge!: Gauge<'zone' | 'sink'>;

  @InjectMetric('og_log_dropped_total')
  private readonly droppedCounter!: Counter<'zone' | 'sink' | 'reason'>;

  @InjectMetric('og_log_write_seconds')
  private readonly writeHistogram!: Histogram<'zone' | 'sink'>;

  constructor(
    private readonly config: Config,
    private readonly metrics: Metrics,
  ) {}

  /** An alert divides by these: they start at 0 instead of being absent. */
  onModuleInit(): void {
    for (const reason of REASONS) this.droppedCounter.inc({ zone: this.config.zone, sink: SINK, reason }, 0);
  }

  /** `depth` is asked when somebody looks. */
  watch(depth: () => number): void {
    this.metrics.beforeScrape(() => this.depthGauge.set({ zone: this.config.zone, sink: SINK }, depth()));
  }

  dropped(reason: DropReason, count = 1): void {
    this.droppedCounter.inc({ zone: this.config.zone, sink: SINK, reason }, count);
  }

  wrote(seconds: number): void {
    this.writeHistogram.observe({ zone: this.config.zone, sink: SINK }, seconds);
  }
}
