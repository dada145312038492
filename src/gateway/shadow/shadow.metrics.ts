import { Injectable } from '@nestjs/common';
import { InjectMetric, makeCounterProvider } from '@willsoto/nestjs-prometheus';
import type { Counter } from 'prom-client';
import type { ShadowRecord } from '../../logs/index.js';

export const SHADOW_METRIC_PROVIDERS = [
  makeCounterProvider({ name: 'og_shadow_copies_total', help: "Copies of requests whose answers nobody sees, and those that were left out (outcome)", labelNames: ['route', 'outcome'] }),
  makeCounterProvider({ name: 'og_shadow_cost_usd_total', help: 'What copies cost at their providers, in USD; charged to nobody', labelNames: ['route'] }),
];

/** Routes are named by the configuration, so labels are bounded by it. */
@Injectable()
export class ShadowMetrics {
  @InjectMetric('og_shadow_copies_total')
  private readonly copies!: Counter<'route' | 'outcome'>;

  @InjectMetric('og_shadow_cost_usd_total')
  private readonly cost!: Counter<'route'>;

  made(route: string, { outcome, costNanoUsd }: ShadowRecord): void {
    this.copies.inc({ route, outcome });
    this.cost.inc({ route }, Number(costNanoUsd) / 1e9);
  }

  /** Why no copy was made. */
  left(route: string, outcome: 'concurrency' | 'budget' | 'nobody' | 'failed'): void {
    this.copies.inc({ route, outcome });
  }
}
