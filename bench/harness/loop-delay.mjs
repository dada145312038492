/**
 * Loaded before every Node subject (`--import`): tells the harness, when it asks, how late the event loop was since it last asked.
 * A timer of 10 ms, and nothing else until then.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';

const RESOLUTION_MS = 10;
const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
delay.enable();

process.on('message', (message) => {
  if (message !== 'loop-delay') return;
  process.send({ p50Ms: past(delay.percentile(50)), p99Ms: past(delay.percentile(99)), maxMs: past(delay.max) });
  delay.reset();
});
// A harness that was killed leaves no subject behind.
process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
process.channel?.unref();

/** What the histogram holds includes the timer's own interval. */
function past(nanoseconds) {
  return Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS);
}
