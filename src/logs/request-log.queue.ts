import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { RequestLogs, type RequestLog } from '../core/request-log/request-log.js';
import { forgetValues, isDatabaseUnavailable, type RowValues } from '../platform/database/index.js';
import { LogMetrics, type DropReason } from './logs.metrics.js';
import { encodeLog, type EncodedLog } from './log-row.js';
import { RequestLogWriter } from './request-log.writer.js';

const FLUSH_AFTER_MS = 200;
const BATCH_COUNT = 1_500;
/** A batch with large payloads ends earlier: one statement must stay well within its deadline. */
const BATCH_BYTES = 8_000_000;
const MAX_QUEUE_COUNT = 20_000;
/** Payloads beyond this are dropped before records are. */
const MAX_QUEUE_BYTES = 64_000_000;
const FIRST_BACKOFF_MS = 200;
const MAX_BACKOFF_MS = 5_000;
const SHUTDOWN_MS = 5_000;

/**
 * Finished requests on their way to the database: a bounded queue of rows, written in batches off the hot path: full ones at once, others
 * when their time has come, because any batch costs the database half a millisecond before its first row. While the database is
 * down it fills, then payloads and at last whole records are dropped and counted; serving is never affected.
 */
@Injectable()
export class RequestLogQueue extends RequestLogs implements OnApplicationShutdown {
  private readonly logger = new Logger('RequestLogs');
  private queue: EncodedLog[] = [];
  private payloadBytes = 0;
  /** Rows that have left the queue. */
  private goneCount = 0;
  /** So many rows are to have left it without waiting for a full batch: more may come while they are written. */
  private wantedCount = 0;
  private timer: NodeJS.Timeout | null = null;
  private flushing: Promise<void> | null = null;
  private backoffMs = 0;
  /** Halved while writes fail: what timed out may have been too much at once. */
  private batchCount = BATCH_COUNT;
  private closed = false;

  constructor(
    private readonly writer: RequestLogWriter,
    private readonly metrics: LogMetrics,
  ) {
    super();
    metrics.watch(() => this.queue.length);
  }

  override record(log: RequestLog): void {
    if (this.closed) return this.metrics.dropped('shutdown');
    if (this.queue.length >= MAX_QUEUE_COUNT) return this.metrics.dropped('queue_full');
    const encoded = this.encode(log);
    if (encoded === null) return;
    this.push(encoded);
    if (this.queue.length >= BATCH_COUNT && this.backoffMs === 0) void this.writeDue();
    else this.schedule(Math.max(FLUSH_AFTER_MS, this.backoffMs));
  }

  /** Resolves when everything recorded before has been written or given up, or the database proved to be down. */
  flush(): Promise<void> {
    this.wantedCount = this.goneCount + this.queue.length;
    return this.writeDue();
  }

  private writeDue(): Promise<void> {
    this.stopTimer();
    this.flushing ??= this.drain().finally(() => {
      this.flushing = null;
      if (this.queue.length > 0) this.schedule(Math.max(FLUSH_AFTER_MS, this.backoffMs));
    });
    return this.flushing;
  }

  /** After the last request has ended, before the database is closed. */
  async onApplicationShutdown(): Promise<void> {
    this.closed = true;
    const deadline = Date.now() + SHUTDOWN_MS;
    do {
      await this.flush();
      if (this.queue.length > 0) await new Promise((resolve) => setTimeout(resolve, FIRST_BACKOFF_MS));
    } while (this.queue.length > 0 && Date.now() < deadline);
    this.stopTimer();
    if (this.queue.length > 0) this.drop('shutdown', this.queue.length);
    this.queue = [];
  }

  /** Now, while what it is made of is at hand and may go. */
  private encode(log: RequestLog): EncodedLog | null {
    try {
      return encodeLog(log);
    } catch (error) {
      this.giveUp(log.requestId, error);
      return null;
    }
  }

  private push(log: EncodedLog): void {
    const bytes = payloadBytesOf(log);
    if (bytes > 0 && this.payloadBytes + bytes > MAX_QUEUE_BYTES) {
      this.metrics.dropped('queue_full');
      forgetValues(log.payload as RowValues);
      this.queue.push({ ...log, payload: undefined });
    } else {
      this.payloadBytes += bytes;
      this.queue.push(log);
    }
  }

  private async drain(): Promise<void> {
    while (this.queue.length >= BATCH_COUNT || this.goneCount < this.wantedCount) {
      const batch = this.nextBatch();
      if (!(await this.write(batch))) return this.backOff(batch.length);
      this.backoffMs = 0;
      this.batchCount = Math.min(BATCH_COUNT, this.batchCount * 2);
      this.queue.splice(0, batch.length);
      this.goneCount += batch.length;
      for (const log of batch) this.forget(log);
    }
  }

  /** It has been written, or given up. */
  private forget(log: EncodedLog): void {
    this.payloadBytes -= payloadBytesOf(log);
    forgetValues(log.values);
    if (log.payload !== undefined) forgetValues(log.payload);
  }

  private nextBatch(): EncodedLog[] {
    const batch: EncodedLog[] = [];
    let bytes = 0;
    for (const log of this.queue) {
      bytes += payloadBytesOf(log);
      if (batch.length > 0 && (batch.length >= this.batchCount || bytes > BATCH_BYTES)) break;
      batch.push(log);
    }
    return batch;
  }

  /** False when the database is down. A record that it cannot take is found by halving and given up; the others are written. */
  private async write(batch: readonly EncodedLog[]): Promise<boolean> {
    const startedMs = performance.now();
    try {
      await this.writer.write(batch);
      this.metrics.wrote((performance.now() - startedMs) / 1_000);
      return true;
    } catch (error) {
      if (isDatabaseUnavailable(error)) return false;
      const half = Math.floor(batch.length / 2);
      if (half > 0) return (await this.write(batch.slice(0, half))) && (await this.write(batch.slice(half)));
      this.giveUp(batch[0]?.requestId, error);
      return true;
    }
  }

  private giveUp(requestId: string | undefined, error: unknown): void {
    this.metrics.dropped('unreadable');
    this.logger.error({ message: 'A request log cannot be written', request_id: requestId, err: error });
  }

  private backOff(triedCount: number): void {
    this.batchCount = Math.max(1, Math.floor(triedCount / 2));
    this.backoffMs = this.backoffMs === 0 ? FIRST_BACKOFF_MS : Math.min(MAX_BACKOFF_MS, this.backoffMs * 2);
  }

  private drop(reason: DropReason, count: number): void {
    this.metrics.dropped(reason, count);
    this.logger.error(`${count} request logs were dropped: ${reason}`);
  }

  private schedule(delayMs: number): void {
    if (this.timer !== null || this.flushing !== null) return;
    this.timer = setTimeout(() => void this.flush(), delayMs);
    this.timer.unref();
  }

  private stopTimer(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
  }
}

const payloadBytesOf = ({ payload }: EncodedLog): number => payload?.bytes.length ?? 0;
