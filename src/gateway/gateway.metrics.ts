import { Injectable, type OnModuleInit } from '@nestjs/common';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import type { Gauge } from 'prom-client';
import { SnapshotSource } from '../core/catalog/model.js';
import type { Usage } from '../core/chat/usage.js';
import { NO_CACHE_EFFECT, type CacheEffect } from '../core/pricing/index.js';
import type { AttemptLog, RequestLog } from '../core/request-log/request-log.js';
import { Config } from '../platform/config/index.js';
import { BoundedLabel, Metrics, TalliedCounter, TalliedHistogram, type HistogramSeries } from '../platform/metrics/index.js';
import type { Exchange } from './exchange.js';
import { operationNameOf } from './operations/operation-name.js';
import { findAttemptSeries, findRequestSeries, SeriesByPair, type AttemptSeries, type Names, type RequestSeries } from './series-by-pair.js';

const NANO_PER_USD = 1e9;
const TOKENS: readonly (readonly [label: string, countOf: (usage: Usage) => number])[] = [
  ['input', (usage) => usage.input],
  ['cache_read', (usage) => usage.cacheRead],
  ['cache_write', (usage) => usage.cacheWrite],
  ['cache_write', (usage) => usage.cacheWrite1h],
  ['output', (usage) => usage.output],
  ['reasoning', (usage) => usage.reasoning],
  ['audio_in', (usage) => usage.audioIn],
  ['audio_out', (usage) => usage.audioOut],
  ['image', (usage) => usage.image],
];

interface OverheadSeries {
  readonly auth: HistogramSeries;
  readonly limits: HistogramSeries;
  readonly route: HistogramSeries;
  readonly transformIn: HistogramSeries;
}

/** Counts requests and attempts, each with a few look-ups and a dozen additions. */
@Injectable()
export class GatewayMetrics implements OnModuleInit {
  private readonly zone: string;
  private readonly models: BoundedLabel;
  private readonly drift = new BoundedLabel(() => true, 100);
  private readonly series = new SeriesByPair();
  private readonly running = new Map<string, { count: number }>();
  private overheadSeries!: OverheadSeries;

  @InjectMetric('og_requests_total')
  private readonly requests!: TalliedCounter;

  @InjectMetric('og_upstream_attempts_total')
  private readonly attempts!: TalliedCounter;

  @InjectMetric('og_fallbacks_total')
  private readonly fallbacks!: TalliedCounter;

  @InjectMetric('og_tokens_total')
  private readonly tokens!: TalliedCounter;

  @InjectMetric('og_cost_usd_total')
  private readonly cost!: TalliedCounter;

  @InjectMetric('og_cache_effect_usd_total')
  private readonly cacheEffect!: TalliedCounter;

  @InjectMetric('og_usage_estimated_total')
  private readonly estimated!: TalliedCounter;

  @InjectMetric('og_upstream_drift_total')
  private readonly drifts!: TalliedCounter;

  @InjectMetric('og_stream_terminations_total')
  private readonly terminations!: TalliedCounter;

  @InjectMetric('og_inflight_requests')
  private readonly inflight!: Gauge;

  @InjectMetric('gen_ai_server_request_duration_seconds')
  private readonly duration!: TalliedHistogram;

  @InjectMetric('gen_ai_server_time_to_first_token_seconds')
  private readonly firstToken!: TalliedHistogram;

  @InjectMetric('gen_ai_client_operation_duration_seconds')
  private readonly attemptDuration!: TalliedHistogram;

  @InjectMetric('og_gateway_overhead_seconds')
  private readonly overhead!: TalliedHistogram;

  constructor(
    config: Config,
    snapshots: SnapshotSource,
    private readonly metrics: Metrics,
  ) {
    this.zone = config.zone;
    this.models = new BoundedLabel((name) => snapshots.current().models.has(name));
  }

  onModuleInit(): void {
    const phase = (name: string): HistogramSeries => this.overhead.series({ zone: this.zone, phase: name });
    this.overheadSeries = { auth: phase('auth'), limits: phase('limits'), route: phase('route'), transformIn: phase('transform_in') };
    this.metrics.beforeScrape(() => {
      for (const [operation, { count }] of this.running) this.inflight.set({ zone: this.zone, operation }, count);
    });
  }

  opened({ endpoint }: Exchange): void {
    const running = this.running.get(endpoint);
    if (running === undefined) this.running.set(endpoint, { count: 1 });
    else running.count += 1;
  }

  closed({ endpoint }: Exchange, log: RequestLog): void {
    (this.running.get(endpoint) as { count: number }).count -= 1;
    const names = { model: this.models.value(log.servedModel ?? log.requestedModel), provider: log.provider ?? 'none' };
    const series = this.seriesOf(log, names);
    series.requests.value += 1;
    series.duration.observe(log.timings.totalMs / 1_000);
    if (log.timings.ttftMs !== undefined) series.firstToken?.observe(log.timings.ttftMs / 1_000);
    if (series.terminations !== null && log.attempts.length > 0) series.terminations.value += 1;
    this.countMoney(log, series, names);
    for (const attempt of log.attempts) this.countAttempt(attempt, log, names.model);
    this.countOverhead(log);
    for (const what of log.drift) this.drifts.series({ provider: names.provider, what: this.drift.value(what) }).value += 1;
  }

  private seriesOf(log: RequestLog, names: Names): RequestSeries {
    const pair = this.series.of(names.model, names.provider);
    let series = findRequestSeries(pair, log);
    if (series === undefined) pair.requests.push((series = this.createSeries(log, names)));
    return series;
  }

  private createSeries(log: RequestLog, { model, provider }: Names): RequestSeries {
    const { zone } = this;
    const { endpoint, status, state, errorCode } = log;
    const errorType = errorCode ?? '';
    const stream = String(log.stream);
    const named = { zone, gen_ai_operation_name: operationNameOf(log.endpoint), gen_ai_provider_name: provider, gen_ai_request_model: model };
    const labels = { zone, operation: log.endpoint, model, provider, http_status: String(log.status), stream, cache: 'bypass' };
    return {
      of: { endpoint, status, stream: log.stream, state, errorCode },
      requests: this.requests.series({ ...labels, error_class: errorClassOf(log), error_type: errorType }),
      duration: this.duration.series({ ...named, error_type: errorType, stream }),
      firstToken: log.stream ? this.firstToken.series(named) : null,
      terminations: log.stream ? this.terminations.series({ zone, provider, model, reason: terminationOf(log) }) : null,
      tokens: TOKENS.map(() => undefined),
      charged: undefined,
      upstream: undefined,
    };
  }

  private countMoney(log: RequestLog, series: RequestSeries, names: Names): void {
    if (log.usage !== undefined) this.countTokens(log.usage, series, names);
    if (log.chargedNanoUsd > 0n) (series.charged ??= this.cost.series(this.sideOf('charged', names))).value += usdOf(log.chargedNanoUsd);
    if (log.costNanoUsd > 0n) (series.upstream ??= this.cost.series(this.sideOf('upstream', names))).value += usdOf(log.costNanoUsd);
    if (log.cacheEffect !== NO_CACHE_EFFECT) this.countCacheEffect(log.cacheEffect, names);
    if (log.usageEstimated) this.estimated.series({ ...names, reason: estimateReasonOf(log) }).value += 1;
  }

  private countTokens(usage: Usage, { tokens }: RequestSeries, names: Names): void {
    for (let place = 0; place < TOKENS.length; place += 1) {
      const [label, countOf] = TOKENS[place] as (typeof TOKENS)[number];
      const count = countOf(usage);
      if (count === 0) continue;
      const series = (tokens[place] ??= this.tokens.series({ zone: this.zone, ...names, token_class: label }));
      series.value += count;
    }
  }

  private countCacheEffect({ savedNanoUsd, surchargeNanoUsd }: CacheEffect, names: Names): void {
    if (savedNanoUsd > 0n) this.cacheEffect.series(this.sideOf('saved', names)).value += usdOf(savedNanoUsd);
    if (surchargeNanoUsd > 0n) this.cacheEffect.series(this.sideOf('surcharge', names)).value += usdOf(surchargeNanoUsd);
  }

  private sideOf(side: string, { model, provider }: Names): Record<string, string> {
    return { zone: this.zone, model, provider, side };
  }

  private countAttempt(attempt: AttemptLog, log: RequestLog, model: string): void {
    const pair = this.series.of(model, attempt.provider);
    let series = findAttemptSeries(pair, attempt, log);
    if (series === undefined) pair.attempts.push((series = this.createAttemptSeries(attempt, log, model)));
    series.attempts.value += 1;
    series.duration.observe(attempt.totalMs / 1_000);
    const before = log.attempts[attempt.number - 2];
    if (before !== undefined) this.countFallback(before, attempt, model);
  }

  private createAttemptSeries(attempt: AttemptLog, log: RequestLog, model: string): AttemptSeries {
    const { zone } = this;
    const { provider, credential, kind, outcome, errorCode } = attempt;
    const errorType = attempt.errorCode ?? '';
    const named = { zone, gen_ai_operation_name: operationNameOf(log.endpoint), gen_ai_provider_name: provider, gen_ai_request_model: model };
    return {
      of: { endpoint: log.endpoint, outcome, errorCode, kind, credential },
      attempts: this.attempts.series({ zone, provider, model, credential, outcome: outcomeOf(attempt), error_type: errorType, attempt: kind }),
      duration: this.attemptDuration.series({ ...named, error_type: errorType, attempt: kind }),
    };
  }

  private countFallback(before: AttemptLog, attempt: AttemptLog, model: string): void {
    const labels = { zone: this.zone, model, from_provider: before.provider, to_provider: attempt.provider };
    this.fallbacks.series({ ...labels, reason: attempt.kind === 'hedge' ? 'hedge' : (before.errorCode ?? 'unknown'), outcome: outcomeOf(attempt) }).value += 1;
  }

  private countOverhead({ timings: { authMs, limitsMs, routingMs, parseMs } }: RequestLog): void {
    const { auth, limits, route, transformIn } = this.overheadSeries;
    if (authMs !== undefined) auth.observe(authMs / 1_000);
    if (limitsMs !== undefined) limits.observe(limitsMs / 1_000);
    if (routingMs !== undefined) route.observe(routingMs / 1_000);
    if (parseMs !== undefined) transformIn.observe(parseMs / 1_000);
  }
}

function usdOf(nanoUsd: bigint): number {
  return Number(nanoUsd) / NANO_PER_USD;
}

function outcomeOf({ outcome }: AttemptLog): string {
  return outcome === 'canceled' ? 'cancelled' : outcome;
}

function errorClassOf(log: RequestLog): string {
  if (log.state === 'canceled') return 'cancelled';
  if (log.errorCode === undefined) return 'none';
  if (log.errorCode.startsWith('upstream_') || log.errorCode === 'no_deployment_available') return 'upstream';
  return log.status >= 500 ? 'gateway' : 'client';
}

function terminationOf(log: RequestLog): string {
  if (log.state === 'canceled') return 'client_disconnect';
  if (log.errorCode === undefined) return 'complete';
  if (log.errorCode === 'server_shutdown') return 'shutdown';
  return log.errorCode === 'upstream_timeout' ? 'idle_timeout' : 'upstream_error';
}

function estimateReasonOf(log: RequestLog): string {
  if (log.state === 'canceled') return 'client_disconnect';
  return log.state === 'failed' ? 'upstream_error' : 'no_upstream_usage';
}
