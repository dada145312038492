import { ERROR_CATALOGUE, type CatalogueEntry, type ErrorCode } from './catalogue.js';

export interface GatewayErrorDetails {
  /** JSON path of the offending parameter: `messages[2].content`. */
  param?: string | null;
  retryAfterMs?: number;
  /** Replaces the catalogue's status (sandbox errors that simulate a provider's very status). */
  status?: number;
  headers?: Record<string, string>;
  /** Shown to the owner of the key: the provider's own body and the like. */
  metadata?: Record<string, unknown>;
  cause?: unknown;
}

/** The one error that ends a request. Its message is shown to the client: no secrets, no internal hosts. */
export class GatewayError extends Error {
  readonly code: ErrorCode;
  readonly param: string | null;
  readonly retryAfterMs: number | undefined;
  readonly headers: Record<string, string>;
  readonly metadata: Record<string, unknown> | undefined;
  private readonly statusOverride: number | undefined;

  constructor(code: ErrorCode, message: string, details: GatewayErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'GatewayError';
    this.code = code;
    this.param = details.param ?? null;
    this.retryAfterMs = details.retryAfterMs;
    this.headers = details.headers ?? {};
    this.metadata = details.metadata;
    this.statusOverride = details.status;
  }

  get entry(): CatalogueEntry {
    return ERROR_CATALOGUE[this.code];
  }

  get status(): number {
    return this.statusOverride ?? this.entry.status;
  }
}

/** 400 `invalid_request` that names the JSON path. */
export function invalidRequest(param: string, message: string): GatewayError {
  return new GatewayError('invalid_request', message, { param });
}
