import fc from 'fast-check';
import { ManualClock } from '../../platform/clock/index.js';
import type { LimitSubject } from './limit-store.js';
import { MemoryLimitStore } from './memory-limit-store.js';

const subject = (scope: LimitSubject['scope'], limits: LimitSubject['limits'], id = `${scope}_1`): LimitSubject => ({ scope, id, limits });
const demand = (subjects: LimitSubject[], tokens = 0, reserveTokens = tokens) => ({ subjects, minimumTokens: tokens, reserveTokens });

describe('MemoryLimitStore', () => {
  it('admits exactly the limit, and one more when the time it named has passed', () => {
    const clock = new ManualClock();
    const store = new MemoryLimitStore(clock);
    const key = subject('key', { rpm: 10 });
    const outcomes = Array.from({ length: 100 }, () => store.admit(demand([key])));
    expect(outcomes.filter(({ admitted }) => admitted)).toHaveLength(10);
    const refused = outcomes.at(-1);
    if (refused === undefined || refused.admitted) throw new Error('must be refused');
    expect(refused.retryAfterMs).toBe(60_000);
    clock.advance((refused.retryAfterMs ?? 0) - 1);
    expect(store.admit(demand([key])).admitted).toBe(false);
    clock.advance(1);
    expect(store.admit(demand([key])).admitted).toBe(true);
  });

  it('takes nothing anywhere when one window refuses', async () => {
    const store = new MemoryLimitStore(new ManualClock());
    const layers = [subject('organization', { rpm: 100, tpm: 1_000 }), subject('project', { concurrency: 1 }), subject('key', { rpm: 5 })];
    store.admit(demand(layers, 10));
    const before = await store.observe(layers);
    const refused = store.admit(demand(layers, 10));
    expect(refused).toMatchObject({ admitted: false, binding: { scope: 'project', limit: 'concurrency' } });
    expect(await store.observe(layers)).toEqual(before);
  });

  it('reserves open-ended requests as far as there is room, and corrects at the end', async () => {
    const clock = new ManualClock();
    const store = new MemoryLimitStore(clock);
    const key = subject('key', { tpm: 1_000 });
    const used = async (): Promise<number> => (await store.observe([key]))[0]?.usedCount ?? -1;
    const open = store.admit(demand([key], 10, 64_000));
    if (!open.admitted) throw new Error('must be admitted');
    expect(open.reservation.reservedTokens).toBe(1_000);
    expect(store.admit(demand([key], 1)).admitted).toBe(false);
    open.reservation.settle(300);
    open.reservation.settle(0);
    expect(await used()).toBe(300);
    const second = store.admit(demand([key], 50));
    if (second.admitted) second.reservation.settle(900);
    expect(await used()).toBe(1_200);
    expect(store.admit(demand([key], 1))).toMatchObject({ admitted: false });
  });

  it('says when waiting never helps', () => {
    const store = new MemoryLimitStore(new ManualClock());
    const key = subject('key', { tpm: 100, rpm: 1 });
    store.admit(demand([key], 1));
    expect(store.admit(demand([key], 101))).toMatchObject({ admitted: false, retryAfterMs: null, binding: { limit: 'tpm' } });
  });

  it('frees slots on every ending, once', async () => {
    const store = new MemoryLimitStore(new ManualClock());
    const key = subject('key', { concurrency: 2 });
    for (let round = 0; round < 1_000; round += 1) {
      const outcome = store.admit(demand([key]));
      if (!outcome.admitted) throw new Error('a slot leaked');
      if (round % 2 === 0) outcome.reservation.settle(0);
      outcome.reservation.cancel();
      outcome.reservation.settle(0);
    }
    expect((await store.observe([key]))[0]?.usedCount).toBe(0);
  });

  it('forgets a canceled request wholly', async () => {
    const store = new MemoryLimitStore(new ManualClock());
    const key = subject('key', { rpm: 1, rpd: 1, tpm: 10, concurrency: 1 });
    const outcome = store.admit(demand([key], 10));
    if (outcome.admitted) outcome.reservation.cancel();
    expect((await store.observe([key])).map(({ usedCount }) => usedCount)).toEqual([0, 0, 0, 0]);
    expect(store.admit(demand([key], 10)).admitted).toBe(true);
  });

  it('holds every limit of every layer over random traffic', () => {
    const step = fc.record({ waitMs: fc.integer({ min: 0, max: 9_000 }), key: fc.constantFrom('a', 'b'), tokens: fc.integer({ min: 1, max: 40 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const clock = new ManualClock(0);
        const store = new MemoryLimitStore(clock);
        const project = subject('project', { rpm: 7, tpm: 100 });
        const admitted: { atMs: number; key: string; tokens: number }[] = [];
        for (const { waitMs, key, tokens } of steps) {
          clock.advance(waitMs);
          const outcome = store.admit(demand([project, subject('key', { rpm: 4 }, key)], tokens));
          if (outcome.admitted) admitted.push({ atMs: clock.monotonicMs(), key, tokens });
          else expect(outcome.retryAfterMs).toBeGreaterThan(0);
        }
        for (const { atMs } of admitted) {
          const inside = admitted.filter((other) => other.atMs >= atMs && other.atMs < atMs + 60_000);
          expect(inside.length).toBeLessThanOrEqual(7);
          expect(inside.filter(({ key }) => key === 'a').length).toBeLessThanOrEqual(4);
          expect(inside.reduce((sum, { tokens }) => sum + tokens, 0)).toBeLessThanOrEqual(100);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('forgets idle subjects', () => {
    const clock = new ManualClock();
    const store = new MemoryLimitStore(clock);
    for (let index = 0; index < 9_999; index += 1) {
      const outcome = store.admit(demand([subject('key', { rpm: 5 }, `key_${index}`)]));
      if (outcome.admitted) outcome.reservation.settle(0);
    }
    expect(store.subjectCount).toBe(9_999);
    clock.advance(60_001);
    store.admit(demand([subject('key', { rpm: 5 }, 'last')]));
    expect(store.subjectCount).toBe(1);
  });

  it('takes a part of each limit when engines must go on alone', () => {
    const store = new MemoryLimitStore(new ManualClock());
    const key = subject('key', { rpm: 10 });
    expect(Array.from({ length: 10 }, () => store.admit(demand([key]), 3)).filter(({ admitted }) => admitted)).toHaveLength(3);
  });
});
