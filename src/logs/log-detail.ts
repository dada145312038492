import { completionTokens, promptTokens, TOKEN_CLASSES, type Usage } from '../core/chat/usage.js';
import type { ChargeLine } from '../core/ledger/settlement.js';
import type { AttemptLog, ConsideredDeployment, RequestLog, StageTimings } from '../core/request-log/request-log.js';
import { renderRoutingRecord } from '../core/routing/index.js';
import { redact, type Redaction } from './redact.js';
import { storableJson } from './storable-json.js';

/** What is shown of a request but never searched, in the words of the API. */
export type LogDetail = Record<string, unknown>;

/** What a member is when the stored text leaves it out; most are, in most requests, and the text is what a log row costs. */
type Usual = Readonly<Record<string, unknown>>;

const NONE: readonly unknown[] = [];
const DETAIL: Usual = {
  client_request_id: null, upstream_model: null, finish_reason: null, strategy: null, routing: null, key_name: null, upstream_id: null, error_message: null,
  raw_finish_reason: null, attempts: NONE, candidates: NONE, parameters: NONE, usage: null, usage_estimated: false, cost_lines: NONE, client_retries: 0,
  user_agent: null, client_ip: null, drift: NONE,
};
const ROUTING: Usual = {
  endpoint: 'chat', needs: NONE, choices: 1, max_output_tokens: null, no_fallback: false, allow_degraded: false, affinity: null, history_origin: null,
  arm: null, explored: false,
};
const ATTEMPT: Usual = {
  number: 1, kind: 'first', zone: null, outcome: 'ok', status: 200, error_code: null, connect_ms: null, first_byte_ms: null, error_message: null,
};
const CANDIDATE: Usual = { zone: null, place: null, excluded: null };
const PARAMETER: Usual = { detail: null };
const LINE_UNIT = 'per_million_tokens';

export const MESSAGE_LIMIT_CHARS = 4_096;
export const NAME_LIMIT_CHARS = 512;
export const TAG_LIMIT = 32;

/** JSON without what is as usual. Everything a client or provider may have written is bounded and redacted. */
export function encodeDetail(log: RequestLog, redaction: Redaction): string {
  const safe = (text: string | undefined): string | null => (text === undefined ? null : redact(text.slice(0, MESSAGE_LIMIT_CHARS), redaction));
  const detail: LogDetail = {
    client_request_id: log.clientRequestId,
    upstream_model: log.upstreamModel,
    finish_reason: log.finishReason,
    strategy: log.strategy,
    routing: log.routing === undefined ? null : lean(renderRoutingRecord(log.routing), ROUTING),
    key_name: log.keyName,
    upstream_id: short(log.upstreamId),
    error_message: safe(log.errorMessage),
    raw_finish_reason: short(log.rawFinishReason),
    attempts: log.attempts.map((attempt) => lean({ ...renderAttempt(attempt), error_message: safe(attempt.errorMessage) }, ATTEMPT)),
    candidates: log.candidates.map((candidate) => lean(renderCandidate(candidate), CANDIDATE)),
    parameters: log.parameters.map(({ parameter, action, detail: made }) => ({ parameter, action, detail: made })),
    timings: renderTimings(log.timings),
    usage: log.usage === undefined ? null : encodeUsage(log.usage),
    usage_estimated: log.usageEstimated,
    cost_lines: log.chargeLines.map(encodeLine),
    client_retries: log.clientRetries,
    user_agent: safe(log.userAgent?.slice(0, NAME_LIMIT_CHARS)),
    client_ip: log.clientIp ?? null,
    drift: log.drift.slice(0, TAG_LIMIT).map((word) => word.slice(0, NAME_LIMIT_CHARS)),
    config_hash: log.configHash,
  };
  return storableJson(lean(detail, DETAIL));
}

/** The detail as it is shown, from this form and from the older one that left nothing out. */
export function decodeDetail(text: string): LogDetail {
  const detail = whole(JSON.parse(text), DETAIL);
  const { routing, usage } = detail;
  return {
    ...detail,
    routing: routing === null ? null : whole(routing, ROUTING),
    attempts: eachOf(detail, 'attempts', ATTEMPT),
    candidates: eachOf(detail, 'candidates', CANDIDATE),
    parameters: eachOf(detail, 'parameters', PARAMETER),
    usage: usage === null ? null : renderUsage(decodeUsage(usage as Record<string, number>)),
    cost_lines: (detail['cost_lines'] as unknown[]).map(decodeLine),
  };
}

/** JSON leaves out what is undefined. In place: the object keeps its shape, and nothing is copied. */
function lean(rendered: LogDetail, usual: Usual): LogDetail {
  for (const name in usual) {
    const value = rendered[name];
    if (value === usual[name] || (Array.isArray(value) && value.length === 0)) rendered[name] = undefined;
  }
  return rendered;
}

function whole(stored: unknown, usual: Usual): LogDetail {
  return { ...usual, ...(stored as LogDetail) };
}

function eachOf(detail: LogDetail, name: string, usual: Usual): LogDetail[] {
  return (detail[name] as unknown[]).map((stored) => whole(stored, usual));
}

function renderAttempt(attempt: AttemptLog): LogDetail {
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

function renderCandidate({ deployment, model, place, excluded, reasons }: ConsideredDeployment): LogDetail {
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

/** The classes that were used; sums are made when it is read. */
function encodeUsage(usage: Usage): Record<string, number> {
  const used: Record<string, number> = {};
  for (const name of TOKEN_CLASSES) if (usage[name] !== 0) used[snake(name)] = usage[name];
  return used;
}

function decodeUsage(stored: Record<string, number>): Usage {
  return Object.fromEntries(TOKEN_CLASSES.map((name) => [name, stored[snake(name)] ?? 0])) as unknown as Usage;
}

function renderUsage(usage: Usage): Record<string, number> {
  return {
    ...Object.fromEntries(TOKEN_CLASSES.map((name) => [snake(name), usage[name]])),
    prompt_tokens: promptTokens(usage),
    completion_tokens: completionTokens(usage),
    total_tokens: promptTokens(usage) + completionTokens(usage),
  };
}

/** Class, quantity, price; the unit where it is not tokens. */
function encodeLine({ class: name, quantity, priceNanoUsd, unit }: ChargeLine): unknown[] {
  return unit === LINE_UNIT ? [name, quantity, priceNanoUsd] : [name, quantity, priceNanoUsd, unit];
}

function decodeLine(stored: unknown): LogDetail {
  if (!Array.isArray(stored)) return stored as LogDetail;
  const [name, quantity, price, unit = LINE_UNIT] = stored as unknown[];
  return { class: name, quantity, unit, price_nano_usd: price };
}

/** The few names of stages and token classes, turned once each. */
const SNAKES = new Map<string, string>();

function snake(name: string): string {
  let turned = SNAKES.get(name);
  if (turned === undefined) SNAKES.set(name, (turned = name.replace(/[A-Z]|\d+/g, (part) => `_${part.toLowerCase()}`)));
  return turned;
}

export function short(text: string | undefined): string | null {
  return text?.slice(0, NAME_LIMIT_CHARS) ?? null;
}

/** Hundredths of a millisecond. */
export function roundMs(ms: number): number;
export function roundMs(ms: number | undefined): number | undefined;
export function roundMs(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.round(ms * 100) / 100;
}
