import { completionTokens, NO_USAGE, promptTokens, TOKEN_CLASSES, type Usage } from '../core/chat/usage.js';
import type { ChargeLine } from '../core/ledger/settlement.js';
import type { AttemptLog, ConsideredDeployment, RequestLog, StageTimings } from '../core/request-log/request-log.js';
import { renderRoutingRecord } from '../core/routing/index.js';
import { redact, storedText, type Redaction } from './redact.js';

/** One row of `request_logs`, by its columns. `detail` is already in the words of the API. */
export type LogRow = Record<string, unknown>;
export type PayloadRow = Record<string, unknown>;

const MESSAGE_LIMIT_CHARS = 4_096;
const NAME_LIMIT_CHARS = 512;
const TAG_LIMIT = 32;

/** Record → row. Everything a client or provider may have written is bounded and redacted here. */
export function logRowOf(log: RequestLog, redaction: Redaction): LogRow {
  return {
    request_id: log.requestId,
    received_at: new Date(log.receivedAtMs).toISOString(),
    ended_at: new Date(log.endedAtMs).toISOString(),
    organization_id: log.organizationId,
    project_id: log.projectId,
    key_id: log.keyId,
    zone: log.zone,
    endpoint: log.endpoint,
    protocol: log.protocol,
    requested_model: short(log.requestedModel) ?? '',
    ...optional({
      served_model: log.servedModel,
      provider: log.provider,
      error_code: log.errorCode,
      fallback: log.fallback,
      route: log.route,
      arm: log.arm,
      ttft_ms: roundMs(log.timings.ttftMs),
    }),
    stream: log.stream,
    state: log.state,
    status: log.status,
    session_id: short(log.sessionId),
    tags: log.tags.slice(0, TAG_LIMIT).map((tag) => tag.slice(0, NAME_LIMIT_CHARS)),
    attempt_count: log.attempts.length,
    total_ms: roundMs(log.timings.totalMs),
    ...tokenColumns(log.usage ?? NO_USAGE),
    hold_nano_usd: log.holdNanoUsd.toString(),
    charged_nano_usd: log.chargedNanoUsd.toString(),
    provider_cost_nano_usd: log.costNanoUsd.toString(),
    cache_saved_nano_usd: (log.cacheEffect.savedNanoUsd - log.cacheEffect.surchargeNanoUsd).toString(),
    detail: detailOf(log, redaction),
  };
}

/** Null when the key's policy or the client kept the payload out. */
export function payloadRowOf(log: RequestLog, redaction: Redaction): PayloadRow | null {
  if (log.requestBody === undefined && log.responseBody === undefined) return null;
  const stored = (text: string | undefined) => (text === undefined ? { text: null, truncated: false } : storedText(text, redaction));
  const request = stored(log.requestBody);
  const response = stored(log.responseBody);
  return {
    request_id: log.requestId,
    request_body: request.text,
    request_truncated: request.truncated,
    response_body: response.text,
    response_truncated: response.truncated,
  };
}

function tokenColumns(usage: Usage): Record<string, number> {
  return { prompt_tokens: promptTokens(usage), completion_tokens: completionTokens(usage), cached_tokens: usage.cacheRead };
}

/** JSON leaves undefined members out; the columns want null. */
function optional(members: Record<string, unknown>): Record<string, unknown> {
  for (const [name, value] of Object.entries(members)) members[name] = value ?? null;
  return members;
}

function detailOf(log: RequestLog, redaction: Redaction): Record<string, unknown> {
  const safe = (text: string | undefined): string | null => (text === undefined ? null : redact(text.slice(0, MESSAGE_LIMIT_CHARS), redaction));
  return {
    ...optional({
      client_request_id: log.clientRequestId,
      upstream_model: log.upstreamModel,
      finish_reason: log.finishReason,
      strategy: log.strategy,
    }),
    routing: log.routing === undefined ? null : renderRoutingRecord(log.routing),
    key_name: log.keyName,
    upstream_id: short(log.upstreamId),
    error_message: safe(log.errorMessage),
    raw_finish_reason: short(log.rawFinishReason),
    attempts: log.attempts.map((attempt) => ({ ...renderAttempt(attempt), error_message: safe(attempt.errorMessage) })),
    candidates: log.candidates.map(renderCandidate),
    parameters: log.parameters.map(({ parameter, action, detail }) => ({ parameter, action, detail: detail ?? null })),
    timings: renderTimings(log.timings),
    usage: log.usage === undefined ? null : renderUsage(log.usage),
    usage_estimated: log.usageEstimated,
    cost_lines: log.chargeLines.map(renderLine),
    client_retries: log.clientRetries,
    user_agent: safe(log.userAgent?.slice(0, NAME_LIMIT_CHARS)),
    client_ip: log.clientIp ?? null,
    drift: log.drift.slice(0, TAG_LIMIT).map((word) => word.slice(0, NAME_LIMIT_CHARS)),
    config_hash: log.configHash,
  };
}

function renderAttempt(attempt: AttemptLog): Record<string, unknown> {
  return {
    number: attempt.number,
    kind: attempt.kind,
    provider: attempt.provider,
    upstream_model: attempt.upstreamModel,
    deployment: attempt.deployment,
    credential: attempt.credential,
    zone: attempt.zone ?? null,
    outcome: attempt.outcome,
    status: attempt.status ?? null,
    error_code: attempt.errorCode ?? null,
    started_at: new Date(attempt.startedAtMs).toISOString(),
    connect_ms: roundMs(attempt.connectMs) ?? null,
    first_byte_ms: roundMs(attempt.firstByteMs) ?? null,
    total_ms: roundMs(attempt.totalMs),
  };
}

function renderCandidate({ deployment, model, place, excluded, reasons }: ConsideredDeployment): Record<string, unknown> {
  return {
    provider: deployment.provider.id,
    model: model.id,
    upstream_model: deployment.upstreamModel,
    deployment: deployment.id,
    zone: deployment.provider.zones.join(',') || null,
    place: place ?? null,
    excluded: excluded ?? null,
    reasons,
  };
}

function renderTimings(timings: StageTimings): Record<string, number> {
  const rendered: Record<string, number> = {};
  for (const [stage, ms] of Object.entries(timings) as [string, number | undefined][]) if (ms !== undefined) rendered[snake(stage)] = roundMs(ms);
  return rendered;
}

function renderUsage(usage: Usage): Record<string, number> {
  const classes: Record<string, number> = {};
  for (const name of TOKEN_CLASSES) classes[snake(name)] = usage[name];
  return {
    ...classes,
    prompt_tokens: promptTokens(usage),
    completion_tokens: completionTokens(usage),
    total_tokens: promptTokens(usage) + completionTokens(usage),
  };
}

function renderLine(line: ChargeLine): Record<string, unknown> {
  return { class: line.class, quantity: line.quantity, unit: line.unit, price_nano_usd: line.priceNanoUsd };
}

/** The few names of stages and token classes, turned once each. */
const SNAKES = new Map<string, string>();

function snake(name: string): string {
  let turned = SNAKES.get(name);
  if (turned === undefined) SNAKES.set(name, (turned = name.replace(/[A-Z]|\d+/g, (part) => `_${part.toLowerCase()}`)));
  return turned;
}

const short = (text: string | undefined): string | null => text?.slice(0, NAME_LIMIT_CHARS) ?? null;

/** Hundredths of a millisecond. */
function roundMs(ms: number): number;
function roundMs(ms: number | undefined): number | undefined;
function roundMs(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.round(ms * 100) / 100;
}
