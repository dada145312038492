import type { StreamItem } from '../core/chat/event.js';
import type { ChatResponse } from '../core/chat/response.js';
import { transportFailure } from '../core/errors/transport-failure.js';
import type { UpstreamFailure } from '../core/errors/upstream-failure.js';
import type { TransportFailure, UpstreamCall, UpstreamHandler, UpstreamHead, UpstreamRequest, UpstreamTransport } from '../core/upstream/upstream.js';
import { ErrorReader, SuccessReader, type AnswerContext, type AnswerReader, type AnswerSink } from './answer-reader.js';
import type { CallObserver, PreparedCall, UpstreamExchange } from './exchange.js';
import { responseDialectOf, type Lane } from './prepare-call.js';
import { scrubFailure } from './upstream-auth/scrub.js';

/** After the protocol's end the HTTP body usually ends at once, usage at the most before it; longer is not waited. */
const LINGER_MS = 500;

interface CallEnvironment {
  nowMs(): number;
  defect(error: Error): void;
}

/** One call: turns what the transport brings into canonical form for its observer. */
export class UpstreamExchangeCall implements UpstreamCall, UpstreamHandler, AnswerSink {
  #transportCall: UpstreamCall | null = null;
  #reader: AnswerReader | null = null;
  /** The observer has been told how it ended. */
  #told = false;
  /** The transport has ended. */
  #ended = false;
  #abortWanted = false;
  /** The protocol's own end was seen. */
  #complete = false;
  #hadHeaders = false;
  #linger: NodeJS.Timeout | null = null;

  constructor(
    private readonly prepared: PreparedCall,
    private readonly lane: Lane,
    private readonly observer: CallObserver,
    private readonly environment: CallEnvironment,
  ) {}

  start(transport: UpstreamTransport, request: UpstreamRequest): void {
    const call = transport.dispatch(request, this);
    this.#transportCall = call;
    if (this.#abortWanted) call.abort();
  }

  abort(): void {
    if (this.#ended) return;
    // Everything was received: the connection gets a moment to finish its last frame, so that it can be used again.
    if (this.#complete) return this.#startLingering();
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
    this.#hadHeaders = true;
    const context = new CallContext(this.prepared.exchange, this.lane, head, this.environment);
    const finish = (failure: UpstreamFailure | null) => this.#tell(failure);
    this.#reader = head.status >= 200 && head.status < 300 ? new SuccessReader(context, this, finish) : new ErrorReader(context, finish);
    this.observer.onHeaders?.(head);
  }

  onData(chunk: Uint8Array): void {
    const reader = this.#reader;
    if (this.#told || reader === null) return;
    try {
      this.observer.onPiece?.();
      reader.push(chunk);
      if (!this.#told && reader.complete === true) this.#startLingering();
    } catch (error) {
      this.#blame(error as Error);
    }
  }

  onEnd(): void {
    this.#ended = true;
    this.#stopLingering();
    if (!this.#told) this.#guarded((reader) => reader.end());
  }

  onFailure(failure: TransportFailure): void {
    this.#ended = true;
    this.#stopLingering();
    if (this.#told) return;
    if (failure.kind !== 'aborted' && this.#readEnough()) return this.#guarded((reader) => reader.end());
    const { deadlines } = this.prepared.request;
    this.#tell(transportFailure(failure, { streaming: this.prepared.exchange.request.stream, hadHeaders: this.#hadHeaders, deadlines }));
  }

  #guarded(read: (reader: AnswerReader) => void): void {
    try {
      if (this.#reader !== null) read(this.#reader);
    } catch (error) {
      this.#blame(error as Error);
    }
  }

  /** Our own mistake ends this call alone, is logged, and does not count against the provider. */
  #blame(error: Error): void {
    this.environment.defect(error);
    const message = 'The gateway failed while it read the provider’s answer.';
    this.#tell({ kind: 'invalid', code: 'internal_error', message, tryElsewhere: false, health: 'none', maybeBilled: true });
  }

  /** The status of an error is known although its body broke off, and an answer that had its terminator is whole. */
  #readEnough(): boolean {
    return this.#reader instanceof ErrorReader || this.#reader?.complete === true;
  }

  #tell(failure: UpstreamFailure | null): void {
    if (this.#told) return;
    this.#told = true;
    if (!this.#ended) this.#finishTransport(failure);
    if (failure === null) this.observer.onEnd?.();
    else this.observer.onFailure(scrubFailure(failure, this.prepared.exchange.deployment.credential));
  }

  #finishTransport(failure: UpstreamFailure | null): void {
    if (failure === null) return this.#startLingering();
    this.#abortWanted = true;
    this.#transportCall?.abort();
  }

  #startLingering(): void {
    if (this.#linger !== null) return;
    this.#linger = setTimeout(() => this.#stopWaiting(), LINGER_MS);
    this.#linger.unref();
  }

  /** What was received is all there is. */
  #stopWaiting(): void {
    if (!this.#told) this.#guarded((reader) => reader.end());
    this.#transportCall?.abort();
  }

  #stopLingering(): void {
    if (this.#linger !== null) clearTimeout(this.#linger);
    this.#linger = null;
  }

  /** Looked at before the observer sees it, which may call `abort` from there. */
  onItem(item: StreamItem): void {
    const last = item.events.at(-1)?.type;
    if (last === 'end') this.#complete = true;
    this.observer.onItem?.(last === 'error' ? this.#scrub(item) : item);
  }

  onResponse(response: ChatResponse, raw: Record<string, unknown>): void {
    this.observer.onResponse?.(response, raw);
  }

  #scrub(item: StreamItem): StreamItem {
    const { credential } = this.prepared.exchange.deployment;
    return {
      ...item,
      raw: undefined,
      events: item.events.map((event) => (event.type === 'error' ? { ...event, failure: scrubFailure(event.failure, credential) } : event)),
    };
  }
}

/** What an answer is read with; the time and most headers are asked for by errors only. */
class CallContext implements AnswerContext {
  readonly protocol: AnswerContext['protocol'];
  readonly parse: AnswerContext['parse'];
  readonly streaming: boolean;
  readonly status: number;
  readonly capabilities: AnswerContext['capabilities'];
  readonly inProcess: boolean;

  constructor(
    exchange: UpstreamExchange,
    lane: Lane,
    private readonly head: UpstreamHead,
    private readonly environment: CallEnvironment,
  ) {
    const { deployment, request } = exchange;
    this.protocol = lane.protocol;
    this.parse = { dialect: responseDialectOf(exchange, lane), choices: request.sampling.n ?? 1 };
    this.streaming = request.stream;
    this.status = head.status;
    this.capabilities = deployment.capabilities;
    this.inProcess = deployment.provider.inProcess;
  }

  get headers(): AnswerContext['headers'] {
    return this.head.headers;
  }

  get nowMs(): number {
    return this.environment.nowMs();
  }
}
