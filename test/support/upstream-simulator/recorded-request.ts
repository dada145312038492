import type { IncomingMessage } from 'node:http';
import { readCall, type Call } from './call.js';

/** One request as it arrived, and what became of it. Times are milliseconds of `performance.now()`. */
export class RecordedRequest {
  readonly method: string;
  readonly url: string;
  /** Names and values in turn, as they were written. */
  readonly rawHeaders: readonly string[];
  readonly headers: IncomingMessage['headers'];
  readonly call: Call;
  /** Undefined when the body is no JSON. */
  readonly json: unknown;
  /** When the body had arrived. */
  readonly receivedAtMs: number;
  headSentAtMs: number | undefined;
  firstContentAtMs: number | undefined;
  finishedAtMs: number | undefined;
  /** The caller closed before the answer was complete. */
  abortedAtMs: number | undefined;
  /** We broke it off on purpose. */
  diedAtMs: number | undefined;
  sentBytes = 0;
  sentPieces = 0;
  /** Kept back until `release()`. */
  held = false;

  constructor(
    request: IncomingMessage,
    readonly body: Buffer,
    /** Number of the connection it came on, from 1. */
    readonly connection: number,
    /** Number of the request, from 1. */
    readonly number: number,
  ) {
    this.method = request.method ?? '';
    this.url = request.url ?? '';
    this.rawHeaders = request.rawHeaders;
    this.headers = request.headers;
    this.json = parsed(body);
    this.call = readCall(this.url, this.json);
    this.receivedAtMs = performance.now();
  }

  get open(): boolean {
    return this.finishedAtMs === undefined && this.abortedAtMs === undefined && this.diedAtMs === undefined;
  }
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}
