import { Injectable } from '@nestjs/common';
import { InjectMetric, makeCounterProvider, makeGaugeProvider, makeHistogramProvider } from '@willsoto/nestjs-prometheus';
import type { Counter, Gauge, Histogram } from 'prom-client';
import { SnapshotSource } from '../core/catalog/model.js';
import { TOKEN_CLASSES, type TokenClass } from '../core/chat/usage.js';
import type { AttemptLog, RequestLog } from '../core/request-log/request-log.js';
import { Config } from '../platform/config/index.js';
import { BoundedLabel } from '../platform/metrics/index.js';
import type { Exchange } from './exchange.js';
import { operationNameOf } from './operations/operation-name.js';

const DURATION_S = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92, 163.84, 327.68, 655.36];
const TTFT_S = [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 15, 20, 30, 45, 60, 120, 300];
const OVERHEAD_S = [0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1];
const NANO_PER_USD = 1e9;
const TOKEN_LABELS: Readonly<Record<TokenClass, string>> = {
  input: 'input',
  cacheRead: 'cache_read',
  cacheWrite: 'cache_write',
  cacheWrite1h: 'cache_write',
  output: 'output',
  reasoning: 'reasoning',
  audioIn: 'audio_in',
  audioOut: 'audio_out',
  image: 'image',
};

export const GATEWAY_METRIC_PROVIDERS = [
  makeCounterProvider({
    name: 'og_requests_total',
    help: "Clients' requests that have ended",
    labelNames: ['zone', 'operation', 'model', 'provider', 'http_status', 'error_class', 'error_type', 'stream', 'cache'],
  }),
  makeCounterProvider({
    name: 'og_upstream_attempts_total',
    help: 'Calls to providers',
    labelNames: ['zone', 'provider', 'model', 'credential', 'outcome', 'error_type', 'attempt'],
  }),
  makeCounterProvider({
    name: 'og_fallbacks_total',
    help: 'Requests that a second deployment was asked for',
    labelNames: ['zone', 'model', 'from_provider', 'to_provider', 'reason', 'outcome'],
  }),
  makeCounterProvider({
    name: 'og_tokens_total',
    help: 'Tokens by class; the classes do not overlap',
    labelNames: ['zone', 'model', 'provider', 'token_class'],
  }),
  makeCounterProvider({
    name: 'og_cost_usd_total',
    help: 'Cost in USD, charged to customers and taken by providers; for trends, the ledger is the truth',
    labelNames: ['zone', 'model', 'provider', 'side'],
  }),
  makeCounterProvider({
    name: 'og_cache_effect_usd_total',
    help: 'What prompt caches did to charges, in USD: saved by reading, surcharge for writing',
    labelNames: ['zone', 'model', 'provider', 'side'],
  }),
  makeCounterProvider({ name: 'og_usage_estimated_total', help: 'Charges from our own estimate', labelNames: ['model', 'provider', 'reason'] }),
  makeCounterProvider({ name: 'og_upstream_drift_total', help: 'Things a provider sent that this version does not know', labelNames: ['provider', 'what'] }),
  makeCounterProvider({ name: 'og_stream_terminations_total', help: 'How streams ended', labelNames: ['zone', 'provider', 'model', 'reason'] }),
  makeGaugeProvider({ name: 'og_inflight_requests', help: 'Requests being served', labelNames: ['zone', 'operation'] }),
  makeHistogramProvider({
    name: 'gen_ai_server_request_duration_seconds',
    help: 'Whole requests as the client felt them',
    labelNames: ['zone', 'gen_ai_operation_name', 'gen_ai_provider_name', 'gen_ai_request_model', 'error_type', 'stream'],
    buckets: DURATION_S,
  }),
  makeHistogramProvider({
    name: 'gen_ai_server_time_to_first_token_seconds',
    help: 'Streams: request to first content',
    labelNames: ['zone', 'gen_ai_operation_name', 'gen_ai_provider_name', 'gen_ai_request_model'],
    buckets: TTFT_S,
  }),
  makeHistogramProvider({
    name: 'gen_ai_client_operation_duration_seconds',
    help: 'Calls to providers',
    labelNames: ['zone', 'gen_ai_operation_name', 'gen_ai_provider_name', 'gen_ai_request_model', 'error_type', 'attempt'],
    buckets: DURATION_S,
  }),
  makeHistogramProvider({ name: 'og_gateway_overhead_seconds', help: "The gateway's own work by phase", labelNames: ['zone', 'phase'], buckets: OVERHEAD_S }),
];

interface Child {
  inc(value?: number): void;
}
interface Observing {
  observe(value: number): void;
}

/** Counts requests and attempts. Children are bound once per label set: looking labels up costs more than counting. */
@Injectable()
export class GatewayMetrics {
  private readonly zone: string;
  private readonly models: BoundedLabel;
  private readonly drift = new BoundedLabel(() => true, 100);
  private readonly counters = new Map<string, Child>();
  private readonly histograms = new Map<string, Observing>();

  @InjectMetric('og_requests_total')
  private readonly requests!: Counter;

  @InjectMetric('og_upstream_attempts_total')
  private readonly attempts!: Counter;

  @InjectMetric('og_fallbacks_total')
  private readonly fallbacks!: Counter;

  @InjectMetric('og_tokens_total')
  private readonly tokens!: Counter;

  @InjectMetric('og_cost_usd_total')
  private readonly cost!: Counter;

  @InjectMetric('og_cache_effect_usd_total')
  private readonly cacheEffect!: Counter;

  @InjectMetric('og_usage_estimated_total')
  private readonly estimated!: Counter;

  @InjectMetric('og_upstream_drift_total')
  private readonly drifts!: Counter;

  @InjectMetric('og_stream_terminations_total')
  private readonly terminations!: Counter;

  @InjectMetric('og_inflight_requests')
  private readonly inflight!: Gauge;

  @InjectMetric('gen_ai_server_request_duration_seconds')
  private readonly duration!: Histogram;

  @InjectMetric('gen_ai_server_time_to_first_token_seconds')
  private readonly firstToken!: Histogram;

  @InjectMetric('gen_ai_client_operation_duration_seconds')
  private readonly attemptDuration!: Histogram;

  @InjectMetric('og_gateway_overhead_seconds')
  private readonly overhead!: Histogram;

  constructor(config: Config, snapshots: SnapshotSource) {
    this.zone = config.zone;
    this.models = new BoundedLabel((name) => snapshots.current().models.has(name));
  }

  opened(exchange: Exchange): void {
    this.inflight.inc({ zone: this.zone, operation: exchange.endpoint });
  }

  closed(exchange: Exchange, log: RequestLog): void {
    this.inflight.dec({ zone: this.zone, operation: exchange.endpoint });
    const model = this.models.value(log.servedModel ?? log.requestedModel);
    const provider = log.provider ?? 'none';
    const errorType = log.errorCode ?? '';
    const stream = String(log.stream);
    const { zone } = this;
    this.count(this.requests, {
      zone,
      operation: log.endpoint,
      model,
      provider,
      http_status: String(log.status),
      error_class: errorClassOf(log),
      error_type: errorType,
      stream,
      cache: 'bypass',
    });
    this.observe(
      this.duration,
      { zone, gen_ai_operation_name: operationNameOf(log.endpoint), gen_ai_provider_name: provider, gen_ai_request_model: model, error_type: errorType, stream },
      log.timings.totalMs,
    );
    if (log.stream && log.timings.ttftMs !== undefined) {
      this.observe(this.firstToken, { zone, gen_ai_operation_name: operationNameOf(log.endpoint), gen_ai_provider_name: provider, gen_ai_request_model: model }, log.timings.ttftMs);
    }
    this.countMoney(log, model, provider);
    for (const attempt of log.attempts) this.countAttempt(attempt, log, model);
    this.countOverhead(log);
    for (const what of log.drift) this.count(this.drifts, { provider, what: this.drift.value(what) });
    if (log.stream && log.attempts.length > 0) this.count(this.terminations, { zone, provider, model, reason: terminationOf(log) });
  }

  private countMoney(log: RequestLog, model: string, provider: string): void {
    const { zone } = this;
    for (const tokenClass of TOKEN_CLASSES) {
      const quantity = log.usage?.[tokenClass] ?? 0;
      if (quantity > 0) this.count(this.tokens, { zone, model, provider, token_class: TOKEN_LABELS[tokenClass] }, quantity);
    }
    if (log.chargedNanoUsd > 0n) this.count(this.cost, { zone, model, provider, side: 'charged' }, Number(log.chargedNanoUsd) / NANO_PER_USD);
    if (log.costNanoUsd > 0n) this.count(this.cost, { zone, model, provider, side: 'upstream' }, Number(log.costNanoUsd) / NANO_PER_USD);
    const { savedNanoUsd, surchargeNanoUsd } = log.cacheEffect;
    if (savedNanoUsd > 0n) this.count(this.cacheEffect, { zone, model, provider, side: 'saved' }, Number(savedNanoUsd) / NANO_PER_USD);
    if (surchargeNanoUsd > 0n) this.count(this.cacheEffect, { zone, model, provider, side: 'surcharge' }, Number(surchargeNanoUsd) / NANO_PER_USD);
    if (log.usageEstimated) this.count(this.estimated, { model, provider, reason: estimateReasonOf(log) });
  }

  private countAttempt(attempt: AttemptLog, log: RequestLog, model: string): void {
    const { zone } = this;
    const errorType = attempt.errorCode ?? '';
    const outcome = attempt.outcome === 'canceled' ? 'cancelled' : attempt.outcome;
    this.count(this.attempts, {
      zone,
      provider: attempt.provider,
      model,
      credential: attempt.credential,
      outcome,
      error_type: errorType,
      attempt: attempt.kind,
    });
    const labels = {
      zone,
      gen_ai_operation_name: operationNameOf(log.endpoint),
      gen_ai_provider_name: attempt.provider,
      gen_ai_request_model: model,
      error_type: errorType,
      attempt: attempt.kind,
    };
    this.observe(this.attemptDuration, labels, attempt.totalMs);
    const before = log.attempts[attempt.number - 2];
    if (before !== undefined) {
      this.count(this.fallbacks, {
        zone,
        model,
        from_provider: before.provider,
        to_provider: attempt.provider,
        reason: before.errorCode ?? 'unknown',
        outcome,
      });
    }
  }

  private countOverhead(log: RequestLog): void {
    const phases = { auth: log.timings.authMs, limits: log.timings.limitsMs, route: log.timings.routingMs, transform_in: log.timings.parseMs };
    for (const [phase, spentMs] of Object.entries(phases)) {
      if (spentMs !== undefined) this.observe(this.overhead, { zone: this.zone, phase }, spentMs);
    }
  }

  private count(metric: Counter, labels: Record<string, string>, by = 1): void {
    const key = keyOf(metric, labels);
    let child = this.counters.get(key);
    if (child === undefined) this.counters.set(key, (child = metric.labels(labels)));
    child.inc(by);
  }

  private observe(metric: Histogram, labels: Record<string, string>, spentMs: number): void {
    const key = keyOf(metric, labels);
    let child = this.histograms.get(key);
    if (child === undefined) this.histograms.set(key, (child = metric.labels(labels)));
    child.observe(spentMs / 1000);
  }
}

function keyOf(metric: object, labels: Record<string, string>): string {
  let key = (metric as { name: string }).name;
  for (const name in labels) key += `\u0000${labels[name] as string}`;
  return key;
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
