import { readdirSync, readFileSync } from 'node:fs';
import { setPriority } from 'node:os';

const THREADS = '/proc/self/task';
/** As V8's platform names the threads that compile and collect garbage beside the event loop (Node 22 and later). */
const WORKER_NAME = 'V8Worker';
/** A tenth of a share beside the event loop's 0. */
const NICENESS = 10;

/**
 * On a core of one's own, compiling and concurrent marking take turns with the event loop and hold answers up for tens of
 * milliseconds (p99 at 1,000/s, docs/performance.md, 2026-11-30): those threads give way to it. What they do not get to, V8 does on the
 * event loop's thread as it always could. Linux only; elsewhere, and for threads without names, nothing happens.
 */
export function yieldToEventLoop(): void {
  try {
    for (const id of readdirSync(THREADS)) {
      if (readFileSync(`${THREADS}/${id}/comm`, 'utf8').trim() === WORKER_NAME) setPriority(Number(id), NICENESS);
    }
  } catch {
    // No such system, or no such right.
  }
}
