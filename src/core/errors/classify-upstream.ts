import type { Capabilities } from '../catalog/model.js';
import type { ResponseDialect } from '../protocols/dialect.js';
import type { ErrorCode } from './catalogue.js';
import { redactProviderWords } from './redact-secrets.js';
import { clampRetryAfterMs, retryAfterOfHeaders, retryAfterOfMessage } from './retry-after.js';
import { statusOfCode } from './status-of-code.js';
import type { FailureKind, HealthEffect, UpstreamErrorFacts, UpstreamFailure } from './upstream-failure.js';
import * as wording from './upstream-wording.js';

const BODY_LIMIT_CHARS = 8_192;
const MESSAGE_LIMIT_CHARS = 4_096;

/** What surrounds an error body. Everything but `kind` may be left out. */
export interface UpstreamErrorContext {
  /** `http`: an error status · `stream-error`: inside a stream · `invalid`: an error body (or nonsense) inside a 200. */
  kind: Extract<FailureKind, 'http' | 'stream-error' | 'invalid'>;
  /** The HTTP status. */
  status?: number;
  /** Lower-case names. */
  headers?: Readonly<Record<string, string>>;
  /** For `retry-after` given as a date. */
  nowMs?: number;
  dialect?: ResponseDialect;
  /** What the catalogue says the model can do: an error that denies it is drift, and another deployment is tried. */
  capabilities?: Capabilities;
  /** The body as text, for the log. */
  body?: string;
  /** The upstream lives in this process (sandbox): only such a one may simulate a status for the client. */
  inProcess?: boolean;
}

/** Code, whether another deployment may answer, and what it says about health: three of the four answers. */
interface Verdict {
  code: ErrorCode;
  elsewhere: boolean;
  health: HealthEffect;
  param?: string | null;
}

const verdict = (code: ErrorCode, elsewhere: boolean, health: HealthEffect, param?: string | null): Verdict => ({ code, elsewhere, health, param });

/**
 * CONTRACT section 6, second table, and the four answers of routing.md section 4, for an error that the provider stated itself.
 * `facts` is what the protocol's parseError read (null: the body was no error of a known shape). Pure.
 */
export function classifyUpstreamError(facts: UpstreamErrorFacts | null, context: UpstreamErrorContext): UpstreamFailure {
  const words = wording.wordingOf(facts);
  const status = effectiveStatus(facts, context);
  const judged = mapped(words, context.dialect) ?? denied(words, status, context.capabilities) ?? judge(words, status, context.kind);
  const failure: UpstreamFailure = {
    kind: context.kind,
    code: judged.code,
    message: messageOf(facts, context, status),
    param: judged.param ?? words.param,
    rawCode: rawCodeOf(facts),
    tryElsewhere: judged.elsewhere,
    health: judged.health,
    // An error that the provider states is not billed (routing.md section 4); what was delivered before it is metered anyway.
    maybeBilled: false,
  };
  if (status !== undefined) failure.status = status;
  const retryAfterMs = waitOf(facts, context, judged);
  if (retryAfterMs !== undefined) failure.retryAfterMs = retryAfterMs;
  if (context.body !== undefined) failure.body = redactProviderWords(context.body.slice(0, BODY_LIMIT_CHARS));
  if (judged.health === 'drift') failure.drift = wording.capabilityDenied(words) ?? 'model';
  return isSimulated(context) ? { ...failure, health: 'none', simulated: true } : failure;
}

const rawCodeOf = (facts: UpstreamErrorFacts | null): string | null => facts?.rawCode ?? facts?.rawType ?? null;

function isSimulated({ inProcess, headers }: UpstreamErrorContext): boolean {
  return inProcess === true && headers?.['x-og-simulated'] === 'true';
}

/** HTTP's own error status wins: bodies have been seen to state another one (MiniMax `http_code`, litellm issue 38318). */
function effectiveStatus(facts: UpstreamErrorFacts | null, context: UpstreamErrorContext): number | undefined {
  if (context.status !== undefined && context.status >= 300) return context.status;
  return facts?.status ?? statusOfCode(facts?.rawCode) ?? statusOfCode(facts?.rawType) ?? undefined;
}

function mapped(words: wording.Wording, dialect: ResponseDialect | undefined): Verdict | null {
  if (dialect?.errorMap === undefined && dialect?.errorHealth === undefined) return null;
  const lower = (table: Readonly<Record<string, unknown>> | undefined) => Object.entries(table ?? {}).find(([raw]) => words.codes.has(raw.toLowerCase()))?.[1];
  const code = lower(dialect.errorMap) as ErrorCode | undefined;
  const health = lower(dialect.errorHealth) as HealthEffect | undefined;
  if (code === undefined) return null;
  const usual = BY_CODE[code] ?? verdict(code, true, 'failure');
  return { ...usual, health: health ?? usual.health };
}

/** What each catalogue code means for the other two answers, when a dialect maps to it. */
const BY_CODE: Partial<Record<ErrorCode, Verdict>> = {
  invalid_request: verdict('invalid_request', false, 'none'),
  unsupported_parameter: verdict('unsupported_parameter', false, 'none'),
  context_length_exceeded: verdict('context_length_exceeded', false, 'none'),
  content_policy_violation: verdict('content_policy_violation', false, 'none'),
  request_too_large: verdict('request_too_large', false, 'none'),
  upstream_auth_failed: verdict('upstream_auth_failed', true, 'credential'),
  upstream_rate_limited: verdict('upstream_rate_limited', true, 'rate-limit'),
};

/** "400 that names a capability the catalogue says exists": the catalogue is wrong or the provider is; ask another, note the drift. */
function denied(words: wording.Wording, status: number | undefined, capabilities: Capabilities | undefined): Verdict | null {
  if (status !== 400 && status !== 422) return null;
  const capability = wording.capabilityDenied(words);
  if (capability === null || capabilities?.[capability] !== true) return null;
  return verdict('unsupported_parameter', true, 'drift', wording.parameterNamed(words));
}

function judge(words: wording.Wording, status: number | undefined, kind: UpstreamErrorContext['kind']): Verdict {
  if (status === undefined) return withoutStatus(words, kind);
  return (JUDGES[status] ?? byStatus)(words, status);
}

type Judge = (words: wording.Wording, status: number) => Verdict;

const unlessNamed: Judge = (words) => (wording.namesRequest(words) ? requestFault(words) : verdict('upstream_error', true, 'failure'));

/** Statuses whose meaning depends on the words. */
const JUDGES: Readonly<Record<number, Judge>> = {
  400: requestFault,
  401: refused,
  402: refused,
  403: refused,
  404: (words) => verdict('upstream_error', true, wording.namesStoredObject(words) ? 'none' : 'failure'),
  409: unlessNamed,
  422: requestFault,
  424: unlessNamed,
};

function byStatus(words: wording.Wording, status: number): Verdict {
  switch (status) {
    case 413:
      return verdict('request_too_large', false, 'none');
    case 429:
      // Money that has run out does not come back by waiting: the credential is set aside, not just slowed (OpenAI `insufficient_quota`).
      return verdict('upstream_rate_limited', true, wording.namesExhaustedQuota(words) ? 'credential' : 'rate-limit');
    case 408:
    case 504:
      return verdict('upstream_timeout', true, 'failure');
    case 508:
      // Another gateway of our kind found the loop: everyone on the way passes it back, or each would try again.
      return verdict('loop_detected', false, 'none');
    case 503:
    case 529:
      return verdict('upstream_overloaded', true, 'failure');
    default:
      // llama.cpp answers 500 to "image input is not supported" (recorded 2025): a client's wish must not open a circuit.
      return verdict('upstream_error', true, wording.namesUnsupported(words) ? 'none' : 'failure');
  }
}

function requestFault(words: wording.Wording): Verdict {
  if (wording.namesCredential(words)) return verdict('upstream_auth_failed', true, 'credential');
  if (wording.namesContent(words)) return verdict('content_policy_violation', false, 'none');
  if (wording.namesContextLength(words)) return verdict('context_length_exceeded', false, 'none', words.param ?? 'messages');
  if (wording.namesUnsupported(words)) return verdict('unsupported_parameter', false, 'none', wording.parameterNamed(words));
  // A 400 for a model the provider does not have (Bedrock, xAI, OpenRouter): another deployment may have it. Drift, not failure:
  // 400s echo the client's words, and those must not open a circuit.
  if (wording.namesModel(words)) return verdict('invalid_request', true, 'drift');
  return verdict('invalid_request', false, 'none');
}

function refused(words: wording.Wording, status: number): Verdict {
  if (status === 403 && wording.namesContent(words)) return verdict('content_policy_violation', false, 'none');
  // The key works, only not for this model: setting the credential aside would take its other models down with it.
  if (status === 403 && wording.namesModel(words)) return verdict('upstream_auth_failed', true, 'failure');
  return verdict('upstream_auth_failed', true, 'credential');
}

function withoutStatus(words: wording.Wording, kind: UpstreamErrorContext['kind']): Verdict {
  const fault = requestFault(words);
  if (fault.code !== 'invalid_request') return fault;
  return verdict(kind === 'invalid' ? 'upstream_invalid_response' : 'upstream_error', true, 'failure');
}

function messageOf(facts: UpstreamErrorFacts | null, context: UpstreamErrorContext, status: number | undefined): string {
  const words = (facts?.message ?? '').trim();
  if (words !== '') return redactProviderWords(words.slice(0, MESSAGE_LIMIT_CHARS));
  if (context.kind === 'stream-error') return 'The provider reported an error inside its stream without saying which.';
  if (status === undefined) return 'The provider answered something that cannot be read.';
  return `The provider answered ${status} without a readable error.`;
}

function waitOf(facts: UpstreamErrorFacts | null, context: UpstreamErrorContext, judged: Verdict): number | undefined {
  if (judged.code !== 'upstream_rate_limited' && judged.code !== 'upstream_overloaded') return undefined;
  const stated = retryAfterOfHeaders(context.headers ?? {}, context.nowMs) ?? clampRetryAfterMs(facts?.retryAfterMs);
  return stated ?? retryAfterOfMessage(facts?.message ?? '');
}
