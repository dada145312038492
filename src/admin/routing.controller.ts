import { Body, Controller, Get, HttpCode, Post } from '@nestjs/common';
import { KeyDirectory } from '../auth/index.js';
import { requestNeeds } from '../core/chat/request-needs.js';
import { openaiChat } from '../core/protocols/openai-chat/index.js';
import type { Candidate } from '../core/routing/plan.js';
import { HealthStore, Planner } from '../routing/index.js';
import { ExplainDto } from './dto/organizations.dto.js';
import { Operated } from './operated.js';

@Operated('routing')
@Controller('admin/v1')
export class RoutingController {
  constructor(
    private readonly planner: Planner,
    private readonly health: HealthStore,
    private readonly directory: KeyDirectory,
  ) {}

  /** Which deployments would serve a request, in which order and why; nothing is sent. */
  @Post('routes/explain')
  @HttpCode(200)
  explain(@Body() body: ExplainDto): Record<string, unknown> {
    const request = openaiChat.parseRequest(body.request);
    const caller = body.key_id === undefined ? null : this.directory.callerOf(body.key_id);
    const atMs = body.at === undefined ? undefined : Date.parse(body.at);
    const { plan, refusal } = this.planner.explain({ request, needs: requestNeeds(request), caller, options: { noFallback: false } }, { atMs });
    return {
      model: plan.model.id,
      route: plan.route ?? null,
      strategy: plan.strategy,
      candidates: plan.candidates.map(renderCandidate),
      refusal: refusal === null ? null : { status: refusal.status, code: refusal.code, message: refusal.message, param: refusal.param },
    };
  }

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
      last_error: report.lastError,
      last_error_at: report.lastErrorAtMs === null ? null : new Date(report.lastErrorAtMs).toISOString(),
    }));
    return { data, next_cursor: null };
  }
}

function renderCandidate(candidate: Candidate): Record<string, unknown> {
  const { deployment } = candidate;
  return {
    provider: deployment.provider.id,
    model: candidate.model.id,
    upstream_model: deployment.upstreamModel,
    deployment: deployment.id,
    zone: deployment.provider.zones.join(',') || null,
    place: candidate.place ?? null,
    excluded: candidate.excluded ?? null,
    reasons: candidate.reasons,
  };
}
