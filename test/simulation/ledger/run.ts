/**
 * The whole simulation: `npm run simulate -- [seeds] [requests]` (20 seeds of 10,000 requests, strict and with leases). One line per
 * run; ends with 1 when one of them found a violation, whose seed tells it again.
 */
import { simulate } from './simulation.js';

const [seedCount = 20, requestCount = 10_000] = process.argv.slice(2).map(Number);

for (const strict of [true, false]) {
  for (let seed = 1; seed <= seedCount; seed += 1) {
    const startedMs = performance.now();
    try {
      const result = await simulate({ seed, requestCount, strict });
      const figures = Object.entries(result).map(([name, count]) => `${name.replace('Count', '')} ${String(count)}`);
      console.log(`${strict ? 'strict' : 'leases'} seed ${seed}: ${figures.join(', ')} (${((performance.now() - startedMs) / 1_000).toFixed(1)} s)`);
    } catch (error) {
      console.error(`${strict ? 'strict' : 'leases'} seed ${seed}: ${(error as Error).message}`);
      process.exitCode = 1;
    }
  }
}
