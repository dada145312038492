import type { StreamRenderer } from '../core/protocols/protocol.js';
import type { Patience } from '../core/routing/index.js';
import type { Candidate } from '../core/routing/plan.js';
import type { DrainSlots } from './drain-slots.js';
import type { AdmittedExchange } from './exchange.js';
import type { Ticking } from './stream-ticker.js';

export interface AttemptOptions {
  candidate: Candidate;
  /** 1 for the first call of the request. */
  number: number;
  /** Asked beside another one that takes long. */
  hedges?: boolean;
  /** Another deployment is asked when this one has said nothing for so long. */
  patience?: Patience | null;
  renderer?: StreamRenderer;
  /** Client and upstream speak the same protocol, so frames may be passed on patched. */
  sameProtocol: boolean;
  host: AttemptHost;
}

export interface HostedAttempt extends Ticking {
  readonly candidate: Candidate;
}

/** Who runs attempts: what all of them share. */
export interface AttemptHost {
  readonly drains: DrainSlots;
  /** Fires when a stop has no more patience: what still runs ends in-band. */
  readonly shutdown: AbortSignal;
  /** Response headers that name who serves. */
  headersOf(exchange: AdmittedExchange): Record<string, string>;
  /** It has ended, one way or another: what it holds is free. Its outcome is heard of a moment later. */
  ended(attempt: HostedAttempt): void;
}
