import { eventsOfResponse } from '../../core/chat/events-of-response.js';
import type { StreamItem } from '../../core/chat/event.js';
import type { ChatResponse } from '../../core/chat/response.js';
import type { UpstreamFailure } from '../../core/errors/upstream-failure.js';
import type { CallObserver } from '../../providers/index.js';
import { Meter } from '../meter.js';

/** How a copy ended. */
export interface ShadowEnd {
  failure: UpstreamFailure | null;
  ttftMs?: number;
  totalMs: number;
}

/** Reads a copy's answer only to measure it; keeps none of it. */
export class ShadowCall implements CallObserver {
  readonly meter: Meter;
  readonly end: Promise<ShadowEnd>;
  private readonly startedMs = performance.now();
  private settle!: (end: ShadowEnd) => void;

  constructor(promptTokensEstimate: number) {
    this.meter = new Meter(promptTokensEstimate);
    this.end = new Promise((resolve) => (this.settle = resolve));
  }

  onItem(item: StreamItem): void {
    const nowMs = performance.now();
    for (const event of item.events) {
      this.meter.observe(event, nowMs);
      if (event.type === 'error') this.finish(event.failure);
      else if (event.type === 'end') this.finish(null);
    }
  }

  onResponse(response: ChatResponse): void {
    const nowMs = performance.now();
    for (const event of eventsOfResponse(response)) this.meter.observe(event, nowMs);
    this.finish(null);
  }

  onEnd(): void {
    this.finish(null);
  }

  onFailure(failure: UpstreamFailure): void {
    this.finish(failure);
  }

  private finish(failure: UpstreamFailure | null): void {
    const { firstContentAtMs } = this.meter;
    const totalMs = performance.now() - this.startedMs;
    this.settle({ failure, totalMs, ...(firstContentAtMs !== undefined && { ttftMs: firstContentAtMs - this.startedMs }) });
  }
}
