import { transportFailure } from '../core/errors/transport-failure.js';
import type { UpstreamFailure } from '../core/errors/upstream-failure.js';
import type { Patience } from '../core/routing/index.js';

/** How long a provider kept quiet, from the call to its first byte and between the pieces of its answer. Times are monotonic. */
export class Pauses {
  longestMs = 0;
  private lastMs: number;
  private hasBegun = false;

  constructor(startedMs: number) {
    this.lastMs = startedMs;
  }

  /** Headers are there: what counts as a pause begins. */
  begin(nowMs: number): void {
    this.hasBegun = true;
    this.lastMs = nowMs;
  }

  note(nowMs: number): void {
    const pauseMs = nowMs - this.lastMs;
    if (pauseMs > this.longestMs) this.longestMs = pauseMs;
    this.lastMs = nowMs;
  }

  /** What ends a call that has kept quiet for longer than it is waited for; null before that. `sent`: the provider may be working on it. */
  failureOf(patience: Patience, nowMs: number, sent: boolean): UpstreamFailure | null {
    const deadline = this.hasBegun ? 'idle' : 'first_byte';
    if (nowMs - this.lastMs < (this.hasBegun ? patience.idleMs : patience.firstByteMs)) return null;
    const deadlines = { ...patience, connectMs: 0, totalMs: 0 };
    // Another deployment is there to be asked, or there would be no patience.
    return transportFailure({ kind: 'timeout', deadline, message: 'given up', sent }, { streaming: true, deadlines });
  }
}
