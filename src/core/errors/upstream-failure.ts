import type { ErrorCode } from './catalogue.js';

/** How an attempt failed, before any judgement. */
export type FailureKind =
  /** No connection: DNS, TCP, TLS, connect deadline. Nothing was sent. */
  | 'connect'
  /** The connection broke after the request was sent, before headers. */
  | 'reset'
  /** One of our deadlines passed: `deadline` says which. */
  | 'timeout'
  /** An HTTP status that is an error. */
  | 'http'
  /** A 200 that cannot be read: wrong content type, invalid JSON, an error body. */
  | 'invalid'
  /** An error reported inside the stream. */
  | 'stream-error'
  /** The stream ended without the protocol's own end. */
  | 'interrupted'
  /** Not sent: the gateway has as many calls to this provider open as it allows. */
  | 'bulkhead';

export type Deadline = 'connect' | 'first_byte' | 'idle' | 'total';

/** Does it count against the deployment's health? */
export type HealthEffect = 'failure' | 'none' | 'rate-limit' | 'credential' | 'drift';

/**
 * One failed attempt with its four answers in one place (spec routing.md section 4):
 * what the client gets, whether another deployment may be tried, what it says about health, whether it is billed.
 */
export interface UpstreamFailure {
  kind: FailureKind;
  /** The upstream's HTTP status, when there was one. */
  status?: number;
  deadline?: Deadline;
  /** What the client gets when this was the last attempt. */
  code: ErrorCode;
  /** The provider's own words, without secrets. */
  message: string;
  param?: string | null;
  /** The provider's own code or type, as received. */
  rawCode?: string | null;
  retryAfterMs?: number;
  tryElsewhere: boolean;
  health: HealthEffect;
  /** True when the upstream may have worked on the request (its cost goes to suspense). */
  maybeBilled: boolean;
  /** The upstream's body, for the log (bounded to 8 kB). */
  body?: string;
  /** The provider denied something the catalogue says the model can (`vision`): recorded as drift. */
  drift?: string;
  /** A sandbox model simulates this very status: the client gets it as it is, marked `x-og-simulated`. */
  simulated?: boolean;
}

/** What a protocol's parseError reads out of an error body; `classify` turns it into an UpstreamFailure. */
export interface UpstreamErrorFacts {
  message: string;
  /** The provider's own code (`context_length_exceeded`, `RESOURCE_EXHAUSTED`, `overloaded_error`). */
  rawCode: string | null;
  rawType?: string | null;
  param?: string | null;
  /** A status the body states when it differs from or lacks an HTTP one (errors inside a 200). */
  status?: number;
  /** From the body (Gemini `RetryInfo.retryDelay`); headers are read by the adapter. */
  retryAfterMs?: number;
}
