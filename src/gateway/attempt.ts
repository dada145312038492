import { isContent, type ChatEvent, type StreamItem } from '../core/chat/event.js';
import { StreamNormaliser } from '../core/chat/normalise-stream.js';
import { ResponseOfEvents } from '../core/chat/response-of-events.js';
import { NOWHERE } from '../core/collections/roster.js';
import type { ChatResponse } from '../core/chat/response.js';
import type { OperationResult } from '../core/operations/index.js';
import { SHUTDOWN } from '../core/errors/transport-failure.js';
import type { UpstreamFailure } from '../core/errors/upstream-failure.js';
import type { StreamRenderer } from '../core/protocols/protocol.js';
import type { Candidate } from '../core/routing/plan.js';
import type { UpstreamCall, UpstreamHead } from '../core/upstream/upstream.js';
import type { CallObserver, OperationObserver } from '../providers/index.js';
import { failpoint } from '../platform/failpoint/index.js';
import type { AttemptOptions } from './attempt-options.js';
import type { AdmittedExchange } from './exchange.js';
import { maxOutputTokensOf } from './hold-request.js';
import { Meter } from './meter.js';
import { Pauses } from './pauses.js';
import { storesPayload } from './request-log-of.js';
import { StartupFrames } from './startup-frames.js';
import type { Ticking } from './stream-ticker.js';

export type AttemptOutcome =
  | { kind: 'answered'; response?: ChatResponse; raw?: Record<string, unknown>; renderer?: StreamRenderer; result?: OperationResult }
  /** `committed`: content had reached the client, so nobody else may be asked. */
  | { kind: 'failed'; failure: UpstreamFailure; committed: boolean; renderer?: StreamRenderer }
  | { kind: 'canceled' };

/** Without content for so long, a stream answers 200 and keeps the connection alive with comments (CONTRACT section 6). */
export const HEARTBEAT_MS = 15_000;
const CHECKPOINT_MS = 5_000;
const CHECKPOINT_BYTES = 4_096;
/** After the finish reason a client often closes before usage has come: it is waited for this long. */
const USAGE_WAIT_MS = 5_000;
const DRAIN_MS = 30_000;
const DRAIN_CHARS = 2 * 1024 * 1024;
/** A provider that ignores its maximum is cut off; generously, because our estimate of odd texts may be twice the truth. */
const OVERRUN_FACTOR = 2;
const OVERRUN_SLACK_TOKENS = 256;
/** The log keeps at most 1 MB of an answer. */
const MAX_RECORDED_CHARS = 1_000_000;

/** One call to one deployment, from its first byte to its end. Resolves exactly once; knows nothing of other attempts. */
export class Attempt implements CallObserver, OperationObserver, Ticking {
  readonly meter: Meter;
  readonly startedAtMs = Date.now();
  readonly outcome: Promise<AttemptOutcome>;
  // All members have a value from the start, so that attempts keep one hidden class.
  connectMs: number | undefined = undefined;
  firstByteMs: number | undefined = undefined;
  status: number | undefined = undefined;
  place = NOWHERE;
  readonly hedges: boolean;
  private readonly startedMs = performance.now();
  readonly pauses = new Pauses(this.startedMs);
  /** Of streams only, like what follows it. */
  private readonly normaliser: StreamNormaliser | undefined;
  private readonly startup: StartupFrames | undefined;
  private readonly recorder: ResponseOfEvents | undefined;
  private call: UpstreamCall | undefined = undefined;
  private resolve!: (outcome: AttemptOutcome) => void;
  private settled = false;
  private endedMs: number | undefined = undefined;
  private committed = false;
  private draining: { sinceMs: number; limitMs: number; fromChars: number } | undefined = undefined;
  private readonly overrunTokens: number;
  private pieceMs = this.startedMs;
  private lastWriteMs = this.startedMs;
  /** Since the last tick: a clock read for every event would cost more than it tells. */
  private wrote = false;
  private checkpointMs = this.startedMs;
  private checkpointBytes = 0;

  constructor(
    private readonly exchange: AdmittedExchange,
    private readonly options: AttemptOptions,
  ) {
    this.hedges = options.hedges === true;
    this.meter = new Meter(exchange.needs.promptTokensEstimate);
    const { stream } = exchange.request;
    this.normaliser = stream ? new StreamNormaliser(exchange.requestId) : undefined;
    this.startup = stream ? new StartupFrames() : undefined;
    this.recorder = stream && storesPayload(exchange) ? new ResponseOfEvents() : undefined;
    this.overrunTokens = OVERRUN_FACTOR * maxOutputTokensOf(exchange.needs, options.candidate.deployment) * exchange.needs.choices + OVERRUN_SLACK_TOKENS;
    this.outcome = new Promise((resolve) => (this.resolve = resolve));
  }

  get candidate(): Candidate {
    return this.options.candidate;
  }

  get number(): number {
    return this.options.number;
  }

  get totalMs(): number {
    return (this.endedMs ?? performance.now()) - this.startedMs;
  }

  /** Undefined before the first content. */
  get ttftMs(): number | undefined {
    return this.meter.firstContentAtMs === undefined ? undefined : this.meter.firstContentAtMs - this.startedMs;
  }

  get hadHeaders(): boolean {
    return this.status !== undefined && this.status < 400;
  }

  get ended(): boolean {
    return this.settled;
  }

  /** Nobody waits for it any more, or it must not be sent: the upstream is closed at once. Without effect on a call that has ended. */
  cancel(): void {
    this.settle({ kind: 'canceled' });
  }

  start(call: UpstreamCall): void {
    this.call = call;
    if (this.settled) return call.abort();
    this.exchange.reply.feed(call);
    this.exchange.reply.onGone(() => this.onClientGone());
  }

  onSent(): void {
    this.connectMs ??= this.totalMs;
    failpoint('request-sent');
  }

  onHeaders({ status }: UpstreamHead): void {
    this.status = status;
    const nowMs = performance.now();
    this.firstByteMs ??= nowMs - this.startedMs;
    this.pauses.begin(nowMs);
    failpoint('upstream-headers');
  }

  /** One look at the clock for all events that came together. */
  onPiece(): void {
    this.pieceMs = performance.now();
  }

  onItem(item: StreamItem): void {
    if (this.settled || this.normaliser === undefined) return;
    const { item: normal, native: untouched } = this.normaliser.push(item);
    const native = untouched && this.options.sameProtocol;
    const nowMs = this.pieceMs;
    this.pauses.note(nowMs);
    let content = false;
    for (const event of normal.events) {
      this.meter.observe(event, nowMs);
      this.record(event);
      if (event.type === 'error') return this.fail(event.failure);
      content ||= !this.committed && isContent(event);
      if (event.type === 'end') return this.finish(normal, native);
    }
    this.pass(normal, native, content);
  }

  onResponse(response: ChatResponse, raw: Record<string, unknown>): void {
    this.meter.observeWhole(response, this.pieceMs);
    this.settle({ kind: 'answered', response, raw });
  }

  onResult(result: OperationResult): void {
    this.settle({ kind: 'answered', result });
  }

  onFailure(failure: UpstreamFailure): void {
    this.fail(failure);
  }

  tick(nowMs: number): void {
    if (this.settled) return;
    if (this.options.host.shutdown.aborted) return this.fail(SHUTDOWN);
    if (this.draining !== undefined) return this.tickDrain(nowMs);
    if (this.isOutOfPatience(nowMs)) return;
    const { reply } = this.exchange;
    if (reply.isStalled(nowMs)) return reply.destroy();
    if (this.wrote) this.lastWriteMs = nowMs;
    this.wrote = false;
    if (nowMs - this.lastWriteMs >= HEARTBEAT_MS) this.beat(nowMs);
    this.checkpoint(nowMs);
  }

  /** Before the commit point the tails of earlier answers decide how long is waited; true when this one is given up. */
  private isOutOfPatience(nowMs: number): boolean {
    const { patience } = this.options;
    if (patience === undefined || patience === null || this.committed) return false;
    const failure = this.pauses.failureOf(patience, nowMs, this.connectMs !== undefined);
    if (failure !== null) this.fail(failure);
    return failure !== null;
  }

  /** What a stream added up to, for the log of keys that store payloads; bounded. Undefined when nothing was recorded. */
  recorded(): ChatResponse | undefined {
    return this.recorder?.response();
  }

  private record(event: ChatEvent): void {
    if (this.recorder === undefined || this.meter.contentChars > MAX_RECORDED_CHARS) return;
    this.recorder.push(event);
  }

  /** `content`: it has some; asked before the commit point only. */
  private pass(item: StreamItem, native: boolean, content: boolean): void {
    if (this.draining !== undefined) return;
    if (!this.committed && !content && this.startup?.keep(item, native) === true) return;
    this.commit();
    this.write(this.options.renderer?.render(item, native) ?? '');
    if (this.meter.estimatedVisibleTokens > this.overrunTokens) this.cutOff();
  }

  /** A provider without end would run on at the customer's cost until the total deadline. */
  private cutOff(): void {
    this.onItem({ events: [{ type: 'finish', choice: 0, reason: 'length', raw: null }, { type: 'end' }] });
  }

  private finish(item: StreamItem, native: boolean): void {
    if (this.draining === undefined) {
      this.commit();
      this.write(this.options.renderer?.render(item, native) ?? '');
      this.exchange.reply.awaitEnd();
    }
    this.settle(this.exchange.reply.gone ? { kind: 'canceled' } : { kind: 'answered', renderer: this.options.renderer });
  }

  /** The commit point: from here on this attempt's text is the answer, whole or broken. */
  private commit(): void {
    if (this.committed) return;
    this.committed = true;
    this.exchange.reply.startStream(this.options.host.headersOf(this.exchange));
    for (const { item, native } of this.startup?.take() ?? []) this.write(this.options.renderer?.render(item, native) ?? '');
  }

  private write(text: string): void {
    if (text === '') return;
    this.wrote = true;
    this.exchange.reply.write(text);
  }

  private beat(nowMs: number): void {
    if (this.options.renderer === undefined) return;
    this.exchange.reply.startStream(this.options.host.headersOf(this.exchange));
    this.exchange.reply.write(this.options.renderer.heartbeat());
    this.lastWriteMs = nowMs;
  }

  private checkpoint(nowMs: number): void {
    const { price } = this.options.candidate.deployment;
    const bytes = this.exchange.reply.deliveredBytes;
    if (!this.committed || price === null || bytes === this.checkpointBytes) return;
    if (nowMs - this.checkpointMs < CHECKPOINT_MS && bytes - this.checkpointBytes < CHECKPOINT_BYTES) return;
    this.checkpointMs = nowMs;
    this.checkpointBytes = bytes;
    this.exchange.hold?.checkpoint(this.meter.delivered(this.exchange.reply.deliveredShare()), price);
  }

  /** Reads on for usage where that is allowed, otherwise closes the upstream at once. */
  private onClientGone(): void {
    if (this.settled) return;
    const limitMs = this.drainLimitMs();
    if (limitMs === 0 || !this.options.host.drains.take()) return this.settle({ kind: 'canceled' });
    this.draining = { sinceMs: performance.now(), limitMs, fromChars: this.meter.contentChars };
  }

  private drainLimitMs(): number {
    if (this.options.renderer === undefined) return 0;
    if (this.meter.finished) return USAGE_WAIT_MS;
    return this.options.candidate.deployment.provider.drainOnAbort ? DRAIN_MS : 0;
  }

  private tickDrain(nowMs: number): void {
    const drain = this.draining as NonNullable<typeof this.draining>;
    if (nowMs - drain.sinceMs >= drain.limitMs || this.meter.contentChars - drain.fromChars > DRAIN_CHARS) this.settle({ kind: 'canceled' });
  }

  private fail(failure: UpstreamFailure): void {
    if (this.exchange.reply.gone) return this.settle({ kind: 'canceled' });
    this.settle({ kind: 'failed', failure, committed: this.committed, renderer: this.options.renderer });
  }

  private settle(outcome: AttemptOutcome): void {
    if (this.settled) return;
    this.settled = true;
    this.endedMs = performance.now();
    if (this.draining !== undefined) this.options.host.drains.give();
    this.exchange.reply.feed(undefined);
    // Ends the call when the client left or the stream broke; without effect on a call that has ended.
    this.call?.abort();
    this.options.host.ended(this);
    this.resolve(outcome);
  }
}
