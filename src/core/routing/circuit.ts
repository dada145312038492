const CONSECUTIVE_FAILURES = 5;
const MIN_WINDOW_SAMPLES = 10;
const FIRST_OPEN_MS = 10_000;
const MAX_OPEN_MS = 300_000;
/** A share of the open time, so that replicas and deployments do not probe in step. */
const JITTER = 0.2;
/** A canary that was planned but never sent (no credit, say) gives its place back after this. */
const CANARY_LEASE_MS = 30_000;
const SLOW_START_MS = 30_000;
const SLOW_START_FLOOR = 0.1;

export type CircuitState = 'closed' | 'open' | 'half-open';

/**
 * One deployment's circuit (routing.md section 3): opens at 5 consecutive failures or more than half of at least 10 recent
 * samples; half-open after 10 s, doubling to 5 min, with one canary; closed again it takes its share back over 30 s.
 */
export class Circuit {
  private untilMs: number | null = null;
  private openings = 0;
  private consecutive = 0;
  private canarySinceMs: number | null = null;
  private closedAtMs: number | null = null;

  /** `open` also while the one canary is on its way. */
  state(nowMs: number): CircuitState {
    if (this.untilMs === null) return 'closed';
    if (nowMs < this.untilMs || this.canaryIsOut(nowMs)) return 'open';
    return 'half-open';
  }

  /** When the next canary may be sent; undefined when closed. */
  retryAtMs(nowMs: number): number | undefined {
    if (this.untilMs === null) return undefined;
    return this.canaryIsOut(nowMs) ? (this.canarySinceMs ?? nowMs) + CANARY_LEASE_MS : this.untilMs;
  }

  get consecutiveFailures(): number {
    return this.consecutive;
  }

  slowStartWeight(nowMs: number): number {
    if (this.closedAtMs === null) return 1;
    const share = (nowMs - this.closedAtMs) / SLOW_START_MS;
    return share >= 1 ? 1 : Math.max(SLOW_START_FLOOR, share);
  }

  /** Takes the one place of a canary. A panic's probe takes it too, although the circuit is still open. */
  claimCanary(nowMs: number): boolean {
    if (this.untilMs === null || this.canaryIsOut(nowMs)) return false;
    this.canarySinceMs = nowMs;
    return true;
  }

  /** The canary said nothing about the provider (the client left, or asked for something impossible). */
  releaseCanary(): void {
    this.canarySinceMs = null;
  }

  /** True when this success closed the circuit: the caller empties its window. `startedAtMs`: when that call began. */
  succeed(nowMs: number, startedAtMs: number): boolean {
    this.consecutive = 0;
    if (this.untilMs === null || !this.isCanary(startedAtMs)) return false;
    this.close(nowMs);
    return true;
  }

  /** How often it opened in a row; the wait doubles with it. */
  get openingCount(): number {
    return this.openings;
  }

  /** Another replica's circuit opened: this one follows. False when it was open already. */
  adoptOpen(untilMs: number, openings: number): boolean {
    const wasClosed = this.untilMs === null;
    this.openings = Math.max(this.openings, openings);
    this.untilMs = Math.max(this.untilMs ?? 0, untilMs);
    if (wasClosed) this.closedAtMs = null;
    return wasClosed;
  }

  /** Another replica's canary was answered. False when it was closed already. */
  adoptClosed(nowMs: number): boolean {
    if (this.untilMs === null) return false;
    this.close(nowMs);
    return true;
  }

  /** True when this failure opened it (again). `jitter` in [0, 1). */
  fail(facts: { nowMs: number; startedAtMs: number; samples: number; failures: number; jitter: number }): boolean {
    this.consecutive += 1;
    if (this.untilMs !== null) {
      // A straggler of the time before says nothing new; only the canary's failure doubles the wait.
      if (!this.isCanary(facts.startedAtMs)) return false;
      this.open(facts.nowMs, facts.jitter);
      return true;
    }
    const tooMany = this.consecutive >= CONSECUTIVE_FAILURES || (facts.samples >= MIN_WINDOW_SAMPLES && facts.failures > facts.samples / 2);
    if (tooMany) this.open(facts.nowMs, facts.jitter);
    return tooMany;
  }

  private close(nowMs: number): void {
    this.untilMs = null;
    this.openings = 0;
    this.consecutive = 0;
    this.canarySinceMs = null;
    this.closedAtMs = nowMs;
  }

  private open(nowMs: number, jitter: number): void {
    const waitMs = Math.min(MAX_OPEN_MS, FIRST_OPEN_MS * 2 ** this.openings);
    this.openings = Math.min(this.openings + 1, 8);
    this.untilMs = nowMs + waitMs * (1 + JITTER * (jitter - 0.5));
    this.canarySinceMs = null;
    this.closedAtMs = null;
  }

  private canaryIsOut(nowMs: number): boolean {
    return this.canarySinceMs !== null && nowMs < this.canarySinceMs + CANARY_LEASE_MS;
  }

  private isCanary(startedAtMs: number): boolean {
    // A millisecond of slack: the start is reckoned back from a duration.
    return this.canarySinceMs !== null && startedAtMs >= this.canarySinceMs - 1;
  }
}
