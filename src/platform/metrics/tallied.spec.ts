import fc from 'fast-check';
import { Counter, Histogram, Registry } from 'prom-client';
import { TalliedCounter, TalliedHistogram } from './index.js';

const NAMES = ['zone', 'model'];
const labelSets = fc.record({ zone: fc.constantFrom('kr', 'jp'), model: fc.constantFrom('a', 'b"\\', 'c\n') });

/** In prom-client's own text format, both ways. */
async function textOf(metric: object): Promise<string[]> {
  const registry = new Registry();
  registry.registerMetric(metric as Counter);
  return (await registry.metrics()).split('\n').sort();
}

describe('tallied metrics', () => {
  it('say the same as prom-client’s counter', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(labelSets, fc.nat(1_000))), async (counted) => {
        const plain = new Counter({ name: 'c', help: 'h', labelNames: NAMES, registers: [] });
        const tallied = new TalliedCounter({ name: 'c', help: 'h', labelNames: NAMES });
        for (const [labels, by] of counted) {
          plain.inc(labels, by);
          tallied.series(labels).value += by;
        }
        expect(await textOf(tallied)).toEqual(await textOf(plain));
      }),
      { numRuns: 50 },
    );
  });

  it('say the same as prom-client’s histogram', async () => {
    const buckets = [0.001, 0.01, 0.5, 2];
    const values = fc.oneof(fc.constantFrom(0, ...buckets), fc.integer({ min: 0, max: 40 }).map((n) => n / 8));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(labelSets, values)), async (observed) => {
        const plain = new Histogram({ name: 'h', help: 'h', labelNames: NAMES, buckets, registers: [] });
        const tallied = new TalliedHistogram({ name: 'h', help: 'h', labelNames: NAMES, buckets });
        for (const [labels, value] of observed) {
          plain.observe(labels, value);
          tallied.series(labels).observe(value);
        }
        expect(await textOf(tallied)).toEqual(await textOf(plain));
      }),
      { numRuns: 50 },
    );
  });
});
