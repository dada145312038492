import { Controller, Get } from '@nestjs/common';
import { HealthStore } from '../routing/index.js';
import { Operated } from './operated.js';

@Operated('routing')
@Controller('admin/v1')
export class RoutingController {
  constructor(private readonly health: HealthStore) {}

  @Get('providers/health')
  providersHealth(): Record<string, unknown> {
    const data = this.health.list().map((report) => ({
      provider: report.provider,
      model: report.model,
      upstream_model: report.upstreamModel,
      deployment: report.deployment,
      credential: report.credential,
      zones: report.zones,
      kept: report.kept,
      circuit: report.circuit,
      credential_state: report.credentialState,
      credential_until: report.credentialUntilMs === null ? null : new Date(report.credentialUntilMs).toISOString(),
      success_rate: report.successRate,
      rate_limited_share: report.rateLimitedShare,
      consecutive_failures: report.consecutiveFailures,
      ttft_p50_ms: report.ttftP50Ms,
      ttft_p95_ms: report.ttftP95Ms,
      p50_ms: report.totalP50Ms,
      p95_ms: report.totalP95Ms,
      patience: report.patience === null ? null : { first_byte_ms: report.patience.firstByteMs, idle_ms: report.patience.idleMs },
      last_error: report.lastError,
      last_error_at: report.lastErrorAtMs === null ? null : new Date(report.lastErrorAtMs).toISOString(),
    }));
    return { data, next_cursor: null };
  }
}
