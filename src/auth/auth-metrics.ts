import { Injectable } from '@nestjs/common';
import { InjectMetric, makeCounterProvider } from '@willsoto/nestjs-prometheus';
import { Counter } from 'prom-client';
import type { LayerName } from '../core/policy/index.js';
import { Config } from '../platform/config/index.js';
import type { AuthFailure } from './keys/credential.js';
import type { LimitName } from './limits/limit-store.js';

export const authMetricProviders = [
  makeCounterProvider({
    name: 'og_auth_failures_total',
    help: 'Requests whose key or token was refused',
    labelNames: ['zone', 'reason'],
  }),
  makeCounterProvider({
    name: 'og_ratelimit_rejections_total',
    help: 'Requests refused by a limit, by the layer and the limit that refused',
    labelNames: ['zone', 'scope', 'limit'],
  }),
];

/** All labels are closed lists: nothing a client sends becomes a series. */
@Injectable()
export class AuthMetrics {
  constructor(
    private readonly config: Config,
    @InjectMetric('og_auth_failures_total') private readonly failures: Counter<'zone' | 'reason'>,
    @InjectMetric('og_ratelimit_rejections_total') private readonly rejections: Counter<'zone' | 'scope' | 'limit'>,
  ) {}

  failed(reason: AuthFailure): void {
    this.failures.inc({ zone: this.config.zone, reason });
  }

  limited(scope: LayerName, limit: LimitName): void {
    this.rejections.inc({ zone: this.config.zone, scope, limit });
  }
}
