import type { Model } from '../catalog/model.js';
import type { Deadlines } from '../upstream/upstream.js';

/** How long a deployment's answers lately took to begin, and how long they paused at most; undefined with too few of them. */
export interface ObservedTails {
  firstByteP99Ms?: number;
  gapP99Ms?: number;
}

/** How long a deployment is waited for before another one is asked; only where there is another, and only before the first content. */
export interface Patience {
  firstByteMs: number;
  idleMs: number;
}

/** Fewer answers have no tail to speak of. */
export const MIN_TAIL_SAMPLES = 50;
/** So many times the 99th percentile is no slow answer any more, it is none. */
const TAIL_FACTOR = 3;

/**
 * Deadlines from what was observed, within the configured bounds: never longer than `first_byte` and `idle`, never shorter than
 * `first_byte_min` and `idle_min`. Null when nothing is shorter than what is configured.
 */
export function patienceOf(deadlines: Deadlines, tails: ObservedTails): Patience | null {
  const firstByteMs = within(tails.firstByteP99Ms, deadlines.firstByteMinMs, deadlines.firstByteMs);
  const idleMs = within(tails.gapP99Ms, deadlines.idleMinMs, deadlines.idleMs);
  return firstByteMs < deadlines.firstByteMs || idleMs < deadlines.idleMs ? { firstByteMs, idleMs } : null;
}

function within(tailMs: number | undefined, leastMs: number | undefined, mostMs: number): number {
  if (tailMs === undefined || leastMs === undefined) return mostMs;
  return Math.min(mostMs, Math.max(leastMs, Math.round(tailMs * TAIL_FACTOR)));
}

/** The operator's word, else whether it thinks before it speaks: what beginnings of answers have in common. */
export function modelClassOf({ class: name, capabilities }: Model): string {
  return name ?? (capabilities.reasoning === true ? 'reasoning' : 'standard');
}
