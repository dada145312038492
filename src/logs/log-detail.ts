import { completionTokens, promptTokens, type Usage } from '../core/chat/usage.js';
import { PRICE_FIELDS } from '../core/pricing/index.js';
import { USUAL_ROUTING, wordsOfUsualPlace, type UsualPlace } from '../core/routing/index.js';

/** What is shown of a request but never searched, in the words of the API. */
export type LogDetail = Record<string, unknown>;

/** What a member is when `writeDetail` leaves it out; most are, in most requests, and the text is what a log row costs. */
type Usual = Readonly<Record<string, unknown>>;

const NONE: readonly unknown[] = [];
const DETAIL: Usual = {
  client_request_id: null, upstream_model: null, finish_reason: null, strategy: null, routing: null, key_name: null, upstream_id: null, error_message: null,
  raw_finish_reason: null, attempts: NONE, candidates: NONE, parameters: NONE, usage: null, usage_estimated: false, cost_lines: NONE, client_retries: 0,
  user_agent: null, client_ip: null, drift: NONE,
};
const ATTEMPT: Usual = {
  number: 1, kind: 'first', zone: null, outcome: 'ok', status: 200, error_code: null, connect_ms: null, first_byte_ms: null, error_message: null,
};
const CANDIDATE: Usual = { zone: null, place: null, excluded: null };
const PARAMETER: Usual = { detail: null };
export const LINE_UNIT = 'per_million_tokens';

/** The detail as it is shown, from this form and from the older ones, which left less out. */
export function decodeDetail(text: string): LogDetail {
  const detail = whole(JSON.parse(text), DETAIL);
  const { routing, usage, timings } = detail;
  const candidates = eachOf(detail, 'candidates', CANDIDATE).map(decodeCandidate);
  return {
    ...detail,
    timings: Array.isArray(timings) ? decodeTimings(timings) : timings,
    routing: routing === null ? null : whole(routing, USUAL_ROUTING),
    attempts: eachOf(detail, 'attempts', ATTEMPT).map((attempt) => decodeAttempt(attempt, candidates)),
    candidates,
    parameters: eachOf(detail, 'parameters', PARAMETER),
    usage: usage === null ? null : renderUsage(decodeUsage(usage as Record<string, number>)),
    cost_lines: (detail['cost_lines'] as unknown[]).map(decodeLine),
  };
}

function whole(stored: unknown, usual: Usual): LogDetail {
  return { ...usual, ...(stored as LogDetail) };
}

function eachOf(detail: LogDetail, name: string, usual: Usual): LogDetail[] {
  return (detail[name] as unknown[]).map((stored) => whole(stored, usual));
}

/** As `writeDetail` has them. */
const TIMING_NAMES = ['total_ms', 'auth_ms', 'parse_ms', 'policy_ms', 'limits_ms', 'routing_ms', 'hold_ms', 'connect_ms', 'ttft_ms', 'generation_ms', 'settle_ms'];

function decodeTimings(durations: readonly unknown[]): LogDetail {
  return Object.fromEntries(TIMING_NAMES.map((name, place) => [name, durations[place] ?? null]).filter(([, ms]) => ms !== null));
}

function decodeCandidate({ usual_place: usual, ...candidate }: LogDetail): LogDetail {
  return Array.isArray(usual) ? { ...candidate, reasons: wordsOfUsualPlace(usual as unknown as UsualPlace) } : candidate;
}

function decodeAttempt({ candidate: place, ...attempt }: LogDetail, candidates: readonly LogDetail[]): LogDetail {
  const candidate = typeof place === 'number' ? candidates[place] : undefined;
  if (candidate === undefined) return attempt;
  const { provider, upstream_model, deployment, zone } = candidate;
  return { ...attempt, provider, upstream_model, deployment, zone };
}

function decodeUsage(stored: Record<string, number>): Usage {
  return Object.fromEntries(PRICE_FIELDS.map(([name, tokenClass]) => [tokenClass, stored[name] ?? 0])) as unknown as Usage;
}

function renderUsage(usage: Usage): Record<string, number> {
  return {
    ...Object.fromEntries(PRICE_FIELDS.map(([name, tokenClass]) => [name, usage[tokenClass]])),
    prompt_tokens: promptTokens(usage),
    completion_tokens: completionTokens(usage),
    total_tokens: promptTokens(usage) + completionTokens(usage),
  };
}

function decodeLine(stored: unknown): LogDetail {
  if (!Array.isArray(stored)) return stored as LogDetail;
  const [name, quantity, price, unit = LINE_UNIT] = stored as unknown[];
  return { class: name, quantity, unit, price_nano_usd: price };
}
