import fc from 'fast-check';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ManualClock } from '../../platform/clock/index.js';
import { KeptLimitStore } from './kept-limit-store.js';
import type { LimitSubject } from './limit-store.js';
import { SlidingWindow } from './sliding-window.js';

const key: LimitSubject = { scope: 'key', id: 'key_1', limits: { rpd: 3, tpm: 100 } };
const demand = { subjects: [key], minimumTokens: 10, reserveTokens: 10 };

describe('KeptLimitStore', () => {
  let directory: string;
  let path: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'og-limits-'));
    path = join(directory, 'data', 'limits.json');
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  it('goes on where the process before it ended, and forgets in time', async () => {
    const clock = new ManualClock();
    const first = new KeptLimitStore(path, clock);
    for (let index = 0; index < 3; index += 1) expect(first.admit(demand).admitted).toBe(true);
    first.close();
    expect(statSync(path).mode & 0o777).toBe(0o600);
    // Another process: its monotonic clock begins anew.
    const later = new ManualClock(clock.nowMs() + 30_000);
    const second = new KeptLimitStore(path, later);
    expect((await second.observe([key])).map(({ limit, usedCount }) => [limit, usedCount])).toEqual([['rpd', 3], ['tpm', 30]]);
    const refused = second.admit(demand);
    expect(refused).toMatchObject({ admitted: false, retryAfterMs: 86_400_000 - 30_000 });
    later.advance(86_400_000 - 30_000);
    expect(second.admit(demand).admitted).toBe(true);
    second.close();
  });

  it('saves by itself only what changed', async () => {
    const store = new KeptLimitStore(path, new ManualClock(), 60_000);
    await store.save();
    expect(() => readFileSync(path)).toThrow('ENOENT');
    store.admit(demand);
    await store.save();
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ format: 1, subjects: { 'key:key_1': { rpd: [[0, 1]], tpm: [[0, 10]] } } });
    store.close();
  });

  it.each(['', '{', 'null', '[]', '{"format":2}', '{"format":1,"saved_at_ms":1,"subjects":{"a":{"rpm":[[-5,1]]}}}', '{"format":1,"saved_at_ms":1,"subjects":[]}'])(
    'starts empty from a file that it cannot read: %s',
    (text) => {
      new KeptLimitStore(path, new ManualClock()).close();
      writeFileSync(path, text);
      const store = new KeptLimitStore(path, new ManualClock());
      expect(store.admit(demand).admitted).toBe(true);
      store.close();
    },
  );

  it('never lets a window count for less than it did', () => {
    const adds = fc.array(fc.record({ waitMs: fc.integer({ min: 0, max: 9_000 }), amount: fc.integer({ min: 1, max: 9 }) }), { maxLength: 40 });
    fc.assert(
      fc.property(adds, fc.integer({ min: 0, max: 70_000 }), (run, laterMs) => {
        const before = new SlidingWindow(60_000, 250);
        let nowMs = 0;
        for (const { waitMs, amount } of run) before.add((nowMs += waitMs), amount);
        const after = new SlidingWindow(60_000, 250);
        after.restore(0, before.dump(nowMs, 5_000));
        expect(after.used(0)).toBe(before.used(nowMs));
        expect(after.used(laterMs)).toBeGreaterThanOrEqual(before.used(nowMs + laterMs));
      }),
    );
  });
});
