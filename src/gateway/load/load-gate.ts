import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { InjectMetric, makeCounterProvider, makeGaugeProvider } from '@willsoto/nestjs-prometheus';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Counter, Gauge } from 'prom-client';
import { GatewayError } from '../../core/errors/gateway-error.js';
import { Metrics } from '../../platform/metrics/index.js';
import type { Exchange } from '../exchange.js';
import { AdaptiveLimit } from './adaptive-limit.js';

/** Requests of one process, streams included: memory and sockets are finite. */
export const MAX_RUNNING = 10_000;
const WINDOW_MS = 100;
const RESOLUTION_MS = 10;
/** A turn of the event loop that took long counts for so many windows at most: one long pause alone must not close the gate. */
const MAX_WINDOWS = 3;
const RETRY_AFTER_MS = 1_000;
const NANO_PER_MS = 1e6;

export const LOAD_METRIC_PROVIDERS = [
  makeCounterProvider({ name: 'og_requests_shed_total', help: 'Requests refused with 503 overloaded before any work was done', labelNames: ['reason'] }),
  makeGaugeProvider({ name: 'og_admission_limit', help: 'Requests that may be on their way to a provider at once; falls while the event loop is late' }),
  makeGaugeProvider({ name: 'og_admission_in_progress', help: 'Requests read but not yet sent to a provider' }),
];

/**
 * Admission under load. Counted is the work of this process on a request, from its body to its first upstream call, not the
 * time a provider takes: 5,000 idle streams are no load, 100 prompts being parsed are. What is begun and done within one turn of the
 * event loop counts for that turn, for the others wait in their sockets meanwhile. Costs a few additions a request.
 */
@Injectable()
export class LoadGate implements OnModuleInit, OnModuleDestroy {
  @InjectMetric('og_requests_shed_total')
  private readonly shed!: Counter<'reason'>;

  @InjectMetric('og_admission_limit')
  private readonly limitGauge!: Gauge;

  @InjectMetric('og_admission_in_progress')
  private readonly workingGauge!: Gauge;

  private readonly limit = new AdaptiveLimit();
  private delays: ReturnType<typeof monitorEventLoopDelay> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private runningCount = 0;
  private workingCount = 0;
  private begunThisTurn = 0;
  private adaptedMs = performance.now();

  constructor(private readonly metrics: Metrics) {}

  onModuleInit(): void {
    this.delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    this.delays.enable();
    this.timer = setInterval(() => this.adapt(), WINDOW_MS).unref();
    this.metrics.beforeScrape(() => {
      this.limitGauge.set(this.limit.count);
      this.workingGauge.set(this.workingCount);
    });
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
    this.delays?.disable();
  }

  /** Throws GatewayError 503 `overloaded` while there is no room; nothing has been read yet. */
  refuseWhenFull(): void {
    if (this.runningCount >= MAX_RUNNING) throw this.refusal('running', `This server is serving ${MAX_RUNNING} requests, as many as it can.`);
    if (Math.max(this.workingCount, this.begunThisTurn) >= this.limit.count) throw this.refusal('event_loop', 'This server has more requests than it can work on.');
  }

  opened(): void {
    this.runningCount += 1;
  }

  /** The body is there and the work begins. Throws as above: many may have come in at once while there was room. */
  begin(exchange: Exchange): void {
    this.refuseWhenFull();
    exchange.isWorkedOn = true;
    this.workingCount += 1;
    if (this.begunThisTurn === 0) setImmediate(() => (this.begunThisTurn = 0));
    this.begunThisTurn += 1;
  }

  /** The first call to a provider is made: from here on somebody else works. */
  forwarded(exchange: Exchange): void {
    if (exchange.isWorkedOn !== true) return;
    exchange.isWorkedOn = false;
    this.workingCount -= 1;
  }

  closed(exchange: Exchange): void {
    this.forwarded(exchange);
    this.runningCount -= 1;
  }

  private adapt(): void {
    const { delays } = this;
    if (delays === undefined || delays.count === 0) return;
    const nowMs = performance.now();
    const windows = Math.min(MAX_WINDOWS, Math.max(1, Math.round((nowMs - this.adaptedMs) / WINDOW_MS)));
    this.adaptedMs = nowMs;
    const delayMs = Math.max(0, delays.mean / NANO_PER_MS - RESOLUTION_MS);
    for (let window = 0; window < windows; window += 1) this.limit.observe(delayMs);
    delays.reset();
  }

  private refusal(reason: string, words: string): GatewayError {
    this.shed.inc({ reason });
    return new GatewayError('overloaded', `${words} Try again shortly.`, { retryAfterMs: RETRY_AFTER_MS });
  }
}
