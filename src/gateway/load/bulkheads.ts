import { Injectable, type OnModuleInit } from '@nestjs/common';
import { InjectMetric, makeGaugeProvider } from '@willsoto/nestjs-prometheus';
import type { Gauge } from 'prom-client';
import type { ProviderInstance } from '../../core/catalog/model.js';
import type { UpstreamFailure } from '../../core/errors/upstream-failure.js';
import { Metrics } from '../../platform/metrics/index.js';
import { MAX_RUNNING } from './load-gate.js';

/** A provider that takes minutes for everything must leave room for the others: half of what a process serves. */
export const DEFAULT_MAX_CONCURRENCY = MAX_RUNNING / 2;

export const BULKHEAD_METRIC_PROVIDERS = [
  makeGaugeProvider({ name: 'og_provider_open_calls', help: 'Calls to a provider instance that are open, bounded by its max_concurrency', labelNames: ['provider'] }),
];

/** Open calls per provider instance, bounded by its `max_concurrency`. */
@Injectable()
export class Bulkheads implements OnModuleInit {
  @InjectMetric('og_provider_open_calls')
  private readonly openGauge!: Gauge<'provider'>;

  private readonly open = new Map<string, { count: number }>();

  constructor(private readonly metrics: Metrics) {}

  onModuleInit(): void {
    this.metrics.beforeScrape(() => {
      this.openGauge.reset();
      for (const [provider, { count }] of this.open) this.openGauge.set({ provider }, count);
    });
  }

  openCalls(providerId: string): number {
    return this.open.get(providerId)?.count ?? 0;
  }

  /** False: as many calls are open as this provider may have. */
  take({ id, maxConcurrency }: ProviderInstance): boolean {
    const calls = this.open.get(id);
    if ((calls?.count ?? 0) >= (maxConcurrency ?? DEFAULT_MAX_CONCURRENCY)) return false;
    if (calls === undefined) this.open.set(id, { count: 1 });
    else calls.count += 1;
    return true;
  }

  give({ id }: ProviderInstance): void {
    const calls = this.open.get(id);
    if (calls !== undefined && (calls.count -= 1) <= 0) this.open.delete(id);
  }
}

/** Nothing was sent: it says nothing of the provider's health, and another deployment may be asked. */
export function bulkheadFull(provider: ProviderInstance): UpstreamFailure {
  return {
    kind: 'bulkhead',
    code: 'upstream_overloaded',
    message: `The gateway has ${provider.maxConcurrency ?? DEFAULT_MAX_CONCURRENCY} calls to ${provider.id} open, as many as it allows.`,
    tryElsewhere: true,
    health: 'none',
    maybeBilled: false,
    retryAfterMs: 1_000,
  };
}
