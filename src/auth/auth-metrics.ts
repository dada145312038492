import { Injectable } from '@nestjs/common';
import { InjectMetric, makeCounterProvider } from '@willsoto/nestjs-prometheus';
import { Counter } from 'prom-client';
import { Config } from '../platform/config/index.js';
import type { AuthFailure } from './keys/credential.js';
import type { LimitName, LimitScope } from './limits/limit-store.js';

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

const REASONS: readonly AuthFailure[] = ['missing', 'malformed', 'unknown', 'revoked', 'expired', 'ip', 'scope'];
const SCOPES: readonly LimitScope[] = ['organization', 'project', 'key', 'route'];
const LIMITS: readonly LimitName[] = ['rpm', 'tpm', 'rpd', 'concurrency'];

/** All labels are closed lists: nothing a client sends becomes a series. */
@Injectable()
export class AuthMetrics {
  constructor(
    private readonly config: Config,
    @InjectMetric('og_auth_failures_total') private readonly failures: Counter<'zone' | 'reason'>,
    @InjectMetric('og_ratelimit_rejections_total') private readonly rejections: Counter<'zone' | 'scope' | 'limit'>,
  ) {
    // A series that appears with its first event has no rate for it: all start at 0.
    const { zone } = config;
    for (const reason of REASONS) failures.inc({ zone, reason }, 0);
    for (const scope of SCOPES) for (const limit of LIMITS) rejections.inc({ zone, scope, limit }, 0);
  }

  failed(reason: AuthFailure): void {
    this.failures.inc({ zone: this.config.zone, reason });
  }

  limited(scope: LimitScope, limit: LimitName): void {
    this.rejections.inc({ zone: this.config.zone, scope, limit });
  }
}
