import { formatUsd } from '../core/pricing/index.js';
import { decodeDetail } from './log-detail.js';

/** What pg returns: int8 as text, timestamps as Date. */
export interface SummaryRow {
  request_id: string;
  received_at: Date;
  ended_at: Date;
  organization_id: string;
  project_id: string;
  key_id: string;
  key_name?: string | null;
  zone: string;
  endpoint: string;
  protocol: string;
  requested_model: string;
  served_model: string | null;
  provider: string | null;
  stream: boolean;
  state: string;
  status: number;
  error_code: string | null;
  fallback: string | null;
  route: string | null;
  arm: string | null;
  session_id: string | null;
  tags: string[];
  attempt_count: number;
  total_ms: number;
  ttft_ms: number | null;
  prompt_tokens: string;
  completion_tokens: string;
  cached_tokens: string;
  hold_nano_usd: string;
  charged_nano_usd: string;
  provider_cost_nano_usd: string;
  cache_saved_nano_usd: string;
}

export interface DetailRow extends SummaryRow {
  /** `writeDetail`. */
  detail: string;
  has_payload: boolean;
  request_body: string | null;
  request_truncated: boolean | null;
  response_body: string | null;
  response_truncated: boolean | null;
}

export const SUMMARY_COLUMNS = `request_id, received_at, ended_at, organization_id, project_id, key_id, detail::json->>'key_name' AS key_name, zone, endpoint, protocol,
  requested_model, served_model, provider, stream, state, status, error_code, fallback, route, arm, session_id, tags, attempt_count, total_ms, ttft_ms,
  prompt_tokens, completion_tokens, cached_tokens, hold_nano_usd, charged_nano_usd, provider_cost_nano_usd, cache_saved_nano_usd`;

/** One line of the list. `cost_usd` is what the customer was charged. */
export function renderSummary(row: SummaryRow): Record<string, unknown> {
  return {
    id: row.request_id,
    request_id: row.request_id,
    object: 'request',
    received_at: row.received_at.toISOString(),
    ended_at: row.ended_at.toISOString(),
    organization_id: row.organization_id,
    project_id: row.project_id,
    key_id: row.key_id,
    key_name: row.key_name ?? null,
    zone: row.zone,
    endpoint: row.endpoint,
    protocol: row.protocol,
    model: row.requested_model,
    served_model: row.served_model,
    provider: row.provider,
    stream: row.stream,
    state: row.state,
    status: row.status,
    error_code: row.error_code,
    fallback: row.fallback,
    route: row.route,
    arm: row.arm,
    session_id: row.session_id,
    tags: row.tags,
    attempt_count: row.attempt_count,
    total_ms: row.total_ms,
    ttft_ms: row.ttft_ms,
    prompt_tokens: Number(row.prompt_tokens),
    completion_tokens: Number(row.completion_tokens),
    cached_tokens: Number(row.cached_tokens),
    hold_usd: formatUsd(BigInt(row.hold_nano_usd)),
    cost_usd: formatUsd(BigInt(row.charged_nano_usd)),
    provider_cost_usd: formatUsd(BigInt(row.provider_cost_nano_usd)),
    cache_saved_usd: formatUsd(BigInt(row.cache_saved_nano_usd)),
  };
}

/** The whole record: attempts, candidates, parameter report, timings, usage, the arithmetic of the cost, payload where stored. */
export function renderDetail(row: DetailRow): Record<string, unknown> {
  const { cost_lines: lines, ...detail } = decodeDetail(row.detail);
  return {
    ...renderSummary({ ...row, key_name: (detail['key_name'] as string | undefined) ?? null }),
    ...detail,
    cost_details: { lines: (lines as Record<string, unknown>[]).map(renderLine), rounding: 'the sum is rounded up once to a whole nano-USD' },
    payload: row.has_payload
      ? { request: row.request_body, request_truncated: row.request_truncated, response: row.response_body, response_truncated: row.response_truncated }
      : null,
  };
}

function renderLine(line: Record<string, unknown>): Record<string, unknown> {
  const { price_nano_usd: price, ...rest } = line;
  return { ...rest, price_usd: formatUsd(BigInt(String(price))) };
}
