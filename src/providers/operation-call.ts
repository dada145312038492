import { classifyUpstreamError } from '../core/errors/classify-upstream.js';
import { transportFailure, unreadableFailure } from '../core/errors/transport-failure.js';
import type { UpstreamFailure } from '../core/errors/upstream-failure.js';
import type { OperationResult } from '../core/operations/index.js';
import { UnreadableAnswer } from '../core/protocols/protocol.js';
import type { TransportFailure, UpstreamCall, UpstreamHandler, UpstreamHead, UpstreamRequest, UpstreamTransport } from '../core/upstream/upstream.js';
import type { OperationObserver, PreparedOperation } from './exchange.js';
import type { Lane } from './prepare-call.js';
import { statedError } from './stated-error.js';
import { scrubFailure } from './upstream-auth/scrub.js';

/** A whole answer: generated images as base64, minutes of sound. */
const MAX_ANSWER_BYTES = 64 * 1_048_576;
const MAX_ERROR_BYTES = 65_536;
const LOGGED_CHARS = 8_192;

/** One call of an operation: reads one whole answer, bounded, and tells its observer once how it ended. */
export class OperationCall implements UpstreamCall, UpstreamHandler {
  #transportCall: UpstreamCall | null = null;
  #abortWanted = false;
  #told = false;
  #ended = false;
  #status = 0;
  #headers: UpstreamHead['headers'] = {};
  #chunks: Uint8Array[] = [];
  #bytes = 0;

  constructor(
    private readonly prepared: PreparedOperation,
    private readonly lane: Lane,
    private readonly observer: OperationObserver,
    private readonly environment: { nowMs(): number; defect(error: Error): void },
  ) {}

  start(transport: UpstreamTransport, request: UpstreamRequest): void {
    const call = transport.dispatch(request, this);
    this.#transportCall = call;
    if (this.#abortWanted) call.abort();
  }

  abort(): void {
    if (this.#ended) return;
    this.#abortWanted = true;
    this.#transportCall?.abort();
  }

  pause(): void {
    this.#transportCall?.pause();
  }

  resume(): void {
    this.#transportCall?.resume();
  }

  onSent(): void {
    this.observer.onSent?.();
  }

  onHeaders(head: UpstreamHead): void {
    this.#status = head.status;
    this.#headers = head.headers;
    this.observer.onHeaders?.(head);
  }

  onData(chunk: Uint8Array): void {
    if (this.#told) return;
    const limit = this.#succeeded ? MAX_ANSWER_BYTES : MAX_ERROR_BYTES;
    if (this.#bytes + chunk.length <= limit) {
      this.#bytes += chunk.length;
      // A copy: the transport reuses the memory behind a chunk once this call has returned.
      this.#chunks.push(Buffer.from(chunk));
    } else if (this.#succeeded) {
      this.#fail(unreadableFailure('The provider’s answer is larger than the gateway reads.'));
    } else {
      this.#fail(this.#statedFailure());
    }
  }

  onEnd(): void {
    this.#ended = true;
    if (this.#told) return;
    if (this.#succeeded) this.#deliver();
    else this.#fail(this.#statedFailure());
  }

  onFailure(failure: TransportFailure): void {
    this.#ended = true;
    if (this.#told) return;
    const hadHeaders = this.#status !== 0;
    // The status of an error is known although its body broke off.
    if (hadHeaders && !this.#succeeded && failure.kind !== 'aborted') return this.#fail(this.#statedFailure());
    this.#fail(transportFailure(failure, { streaming: false, hadHeaders, deadlines: this.prepared.request.deadlines }));
  }

  get #succeeded(): boolean {
    return this.#status >= 200 && this.#status < 300;
  }

  #deliver(): void {
    const result = this.#read();
    if (result === null) return;
    this.#told = true;
    this.observer.onResult(result);
  }

  #read(): OperationResult | null {
    const { wire, operationRequest } = this.prepared;
    const contentType = (this.#headers['content-type'] ?? '').toLowerCase();
    try {
      return wire.parse({ contentType, bytes: Buffer.concat(this.#chunks, this.#bytes) }, operationRequest);
    } catch (error) {
      this.#fail(error instanceof UnreadableAnswer ? this.#unreadable(error) : this.#defect(error as Error));
      return null;
    }
  }

  /** An error body inside a 200 is the provider's error; anything else cannot be read. */
  #unreadable(error: UnreadableAnswer): UpstreamFailure {
    const stated = this.lane.protocol.parseError(this.#json(), this.#headers);
    return stated === null ? unreadableFailure(error.message, this.#text().slice(0, LOGGED_CHARS)) : this.#statedFailure();
  }

  #defect(error: Error): UpstreamFailure {
    this.environment.defect(error);
    const message = 'The gateway failed while it read the provider’s answer.';
    return { kind: 'invalid', code: 'internal_error', message, tryElsewhere: false, health: 'none', maybeBilled: true };
  }

  #statedFailure(): UpstreamFailure {
    const { deployment } = this.prepared;
    const said = { text: this.#text(), body: this.#json(), headers: this.#headers };
    return classifyUpstreamError(statedError(said, this.lane.protocol, !this.#succeeded), {
      kind: this.#succeeded ? 'invalid' : 'http',
      status: this.#status,
      headers: this.#headers,
      nowMs: this.environment.nowMs(),
      dialect: deployment.provider.responseDialect,
      capabilities: deployment.capabilities,
      body: this.#text().slice(0, LOGGED_CHARS),
      inProcess: deployment.provider.inProcess,
    });
  }

  #text(): string {
    return Buffer.concat(this.#chunks, this.#bytes).toString('utf8').replace(/^\uFEFF/, '');
  }

  #json(): unknown {
    try {
      return JSON.parse(this.#text()) as unknown;
    } catch {
      return undefined;
    }
  }

  #fail(failure: UpstreamFailure): void {
    this.#told = true;
    this.abort();
    this.observer.onFailure(scrubFailure(failure, this.prepared.deployment.credential));
  }
}
