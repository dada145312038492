import fc from 'fast-check';
import { FakeCluster } from '../../../test/support/fake-cluster.js';
import { ManualClock } from '../../platform/clock/index.js';
import type { WorkerLink } from '../../platform/cluster/index.js';
import { AllowanceHost } from './allowance-host.js';
import { LimitHost } from './limit-host.js';
import { limitServices } from './limit-services.js';
import type { LimitSubject, Outcome, Reservation } from './limit-store.js';
import { MemoryLimitStore } from './memory-limit-store.js';
import { WorkerLimitStore } from './worker-limit-store.js';

function bed(workers: number) {
  const clock = new ManualClock();
  const cluster = new FakeCluster(limitServices(new MemoryLimitStore(clock), workers));
  const forks = Array.from({ length: workers }, () => cluster.fork());
  return { clock, cluster, forks, stores: forks.map(({ group }) => new WorkerLimitStore(group, clock)) };
}

const SUBJECTS: readonly LimitSubject[] = [
  { scope: 'organization', id: 'o', limits: { rpm: 12, tpm: 900 } },
  { scope: 'project', id: 'p', limits: {} },
  { scope: 'key', id: 'a', limits: { rpm: 5, rpd: 9, concurrency: 2 } },
  { scope: 'key', id: 'b', limits: { tpm: 300, concurrency: 3 } },
];

const STEP = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('admit' as const), worker: fc.nat({ max: 2 }), key: fc.constantFrom(2, 3), tokens: fc.nat({ max: 120 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('end' as const), which: fc.nat({ max: 20 }), tokens: fc.option(fc.nat({ max: 200 })) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.nat({ max: 40_000 }) }) },
);

describe('limits counted by the primary', () => {
  it('judge and count like one store that sees every request, whichever worker it came to', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(STEP, { maxLength: 40 }), async (steps) => {
        const { clock, stores } = bed(3);
        const plain = new MemoryLimitStore(clock);
        const running: [Reservation, Reservation][] = [];
        for (const step of steps) {
          if (step.kind === 'wait') clock.advance(step.ms);
          else if (step.kind === 'end') await end(running.splice(step.which % (running.length || 1), 1)[0], step.tokens);
          else {
            const demand = { subjects: [0, 1, step.key].map((place) => SUBJECTS[place] as LimitSubject), minimumTokens: step.tokens, reserveTokens: step.tokens * 2 };
            const [told, known] = [await (stores[step.worker] as WorkerLimitStore).admit(demand), plain.admit(demand)];
            expect(shown(told)).toEqual(shown(known));
            if (told.admitted && known.admitted) running.push([told.reservation, known.reservation]);
          }
          expect(rounded(await (stores[1] as WorkerLimitStore).observe(SUBJECTS))).toEqual(rounded(await plain.observe(SUBJECTS)));
        }
      }),
      { numRuns: 100 },
    );
  });

  it('frees what a dead worker had running', async () => {
    const { cluster, forks, stores } = bed(2);
    const demand = { subjects: [SUBJECTS[2] as LimitSubject], minimumTokens: 0, reserveTokens: 0 };
    const [first, second] = stores as [WorkerLimitStore, WorkerLimitStore];
    expect((await first.admit(demand)).admitted && (await first.admit(demand)).admitted).toBe(true);
    expect((await second.admit(demand)).admitted).toBe(false);
    cluster.kill(forks[0]?.id as number);
    expect((await second.admit(demand)).admitted).toBe(true);
  });

  it('finds the slot free that another worker told of before its client could ask again, whichever of the two is heard first', async () => {
    const { forks, stores } = bed(2);
    const demand = { subjects: [{ scope: 'key', id: 'one', limits: { concurrency: 1 } } as LimitSubject], minimumTokens: 0, reserveTokens: 0 };
    const [first, second] = stores as [WorkerLimitStore, WorkerLimitStore];
    const running = await first.admit(demand);
    expect([running.admitted, (await second.admit(demand)).admitted]).toEqual([true, false]);
    const late: (() => void)[] = [];
    const { group } = forks[0] as (typeof forks)[number];
    const tell = group.tellPrimary.bind(group);
    group.tellPrimary = (topic, payload) => late.push(() => tell(topic, payload));
    expect(first.told()).toBeUndefined();
    if (running.admitted) running.reservation.settle(0);
    await first.told();
    // It is on the channel, and the next question is heard before it.
    expect(late).toHaveLength(1);
    const asked = second.admit(demand);
    setImmediate(() => late[0]?.());
    expect((await asked).admitted).toBe(true);
  });

  it('looks again at the same subjects, although the worker gives their numbers anew meanwhile', async () => {
    const clock = new ManualClock();
    const counted = new MemoryLimitStore(clock);
    const host = new LimitHost(counted, new AllowanceHost(counted, 2));
    const [one, other] = ['one', 'other'].map((id): LimitSubject => ({ scope: 'key', id, limits: { concurrency: 1 } })) as [LimitSubject, LimitSubject];
    const worker = { id: 1 } as WorkerLink;
    const ask = (forget: boolean, subject: LimitSubject, id: number) => host.asked({ forget, define: [[0, subject]], admit: [[id, 0, 0, 0]], observe: [] }, worker);
    await ask(false, one, 1);
    const again = ask(false, one, 2);
    await ask(true, other, 3);
    host.told([[1, 0]], 1);
    expect((await again).admitted).toHaveLength(1);
    expect(counted.statesOf([one, other]).map(({ usedCount }) => usedCount)).toEqual([1, 1]);
  });

  it('refuses when the primary does not answer, and speaks of subjects anew afterwards', async () => {
    const { forks, stores } = bed(1);
    const [{ group }, store] = [forks[0] as (typeof forks)[number], stores[0] as WorkerLimitStore];
    const demand = { subjects: [SUBJECTS[2] as LimitSubject], minimumTokens: 0, reserveTokens: 0 };
    const ask = group.askPrimary.bind(group);
    group.askPrimary = () => Promise.reject(new Error('no answer'));
    await expect(store.admit(demand)).rejects.toMatchObject({ code: 'service_unavailable' });
    group.askPrimary = ask;
    expect((await store.admit(demand)).admitted).toBe(true);
    expect((await store.observe([SUBJECTS[2] as LimitSubject]))[0]).toMatchObject({ limit: 'rpm', usedCount: 1 });
  });

  it('knows more subjects than it has numbers for at once', async () => {
    const { stores } = bed(1);
    const store = stores[0] as WorkerLimitStore;
    const admit = async (id: string): Promise<Outcome> => store.admit({ subjects: [{ scope: 'key', id, limits: { rpm: 1 } }], minimumTokens: 0, reserveTokens: 0 });
    for (let round = 0; round < 25; round += 1) await Promise.all(Array.from({ length: 1_000 }, (_, index) => admit(`${round}/${index}`)));
    expect([(await admit('24/7')).admitted, (await admit('new')).admitted]).toEqual([false, true]);
  });
});

/** Both end, the worker's in the next turn of the event loop. */
async function end(pair: [Reservation, Reservation] | undefined, tokens: number | null): Promise<void> {
  for (const reservation of pair ?? []) {
    if (tokens === null) reservation.cancel();
    else reservation.settle(tokens);
  }
  await new Promise((resolve) => setImmediate(resolve));
}

function shown(outcome: Outcome): unknown {
  if (outcome.admitted) return { reserved: outcome.reservation.reservedTokens, windows: rounded(outcome.reservation.windows()) };
  return { ...outcome, binding: rounded([outcome.binding]), windows: rounded(outcome.windows) };
}

/** What goes through the channel is rounded up to milliseconds. */
function rounded(windows: readonly { resetMs: number }[]): unknown[] {
  return windows.map((window) => ({ ...window, resetMs: Math.ceil(window.resetMs) }));
}
