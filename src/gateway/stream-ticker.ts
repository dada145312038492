import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { Roster, type Placed } from '../core/collections/roster.js';
import { Drain } from '../platform/health/index.js';

/** Something that wants to look at the time about once a second while it lives. */
export interface Ticking extends Placed {
  /** `nowMs` is monotonic. */
  tick(nowMs: number): void;
}

const TICK_MS = 1000;

/**
 * One coarse timer for all open streams: heartbeats, checkpoints and stall deadlines are seconds long, and a timer per
 * stream and purpose would be re-armed at every event.
 */
@Injectable()
export class StreamTicker implements OnModuleDestroy {
  private readonly streams = new Roster<Ticking>();
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly drain: Drain) {}

  /** Fires when a stop has no more patience: what still runs ends in-band at its next tick. */
  get shutdown(): AbortSignal {
    return this.drain.expired;
  }

  add(stream: Ticking): void {
    this.streams.add(stream);
    this.timer ??= setInterval(() => this.tickAll(), TICK_MS).unref();
  }

  /** The timer stays for the next one; it ends with the first tick that finds nobody. */
  remove(stream: Ticking): void {
    this.streams.delete(stream);
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private tickAll(): void {
    const nowMs = performance.now();
    for (const stream of this.streams) stream.tick(nowMs);
    if (this.streams.size === 0) this.onModuleDestroy();
  }
}
