import type { Deployment, Model, Snapshot } from '../../core/catalog/model.js';
import { parsePricePlan, planOf, parsePrice } from '../../core/pricing/index.js';
import { SnapshotStore } from './snapshot-store.js';

const NOON = Date.parse('2026-11-29T12:00:00Z');
const PLAN = parsePricePlan([{ input: '1', output: '1', windows: [{ from: '12:01', to: '12:02', input: '2', output: '2' }] }, { input: '3', output: '3', effective_from: '2026-11-29T12:02:30Z' }], 'price');

function snapshotOf(timed: Deployment['timed']): Snapshot {
  const model = { id: 'm', deployments: [{ id: 'd', price: null, cost: null, timed } as unknown as Deployment], price: null } as unknown as Model;
  return { version: 1, hash: 'h', providers: new Map(), models: new Map([['m', model]]), aliases: new Map(), routes: [], leases: true };
}

describe('the snapshot in force', () => {
  const inputOf = (store: SnapshotStore): bigint => (store.current().models.get('m')?.deployments[0]?.price?.tokens.input ?? 0n) / 1_000_000_000n;

  it('changes its prices when their time comes, and is otherwise the very same', () => {
    let nowMs = NOON;
    const store = new SnapshotStore(snapshotOf({ price: PLAN, cost: null }), () => nowMs);
    const first = store.current();
    expect([inputOf(store), store.current() === first]).toEqual([1n, true]);
    nowMs += 60_000;
    expect([inputOf(store), first.models.get('m')?.price?.tokens.input]).toEqual([2n, 1_000_000_000n]);
    nowMs += 60_000;
    expect(inputOf(store)).toBe(1n);
    nowMs += 30_000;
    expect([inputOf(store), store.current().models.get('m')?.price?.tokens.input]).toEqual([3n, 3_000_000_000n]);
    expect(store.current() === store.current()).toBe(true);
  });

  it('goes by the database’s clock, not by a wrong one of this machine', () => {
    const store = new SnapshotStore(snapshotOf({ price: PLAN, cost: planOf(parsePrice({ input: '1', output: '1' }, 'cost')) }), () => NOON - 86_400_000);
    expect(inputOf(store)).toBe(1n);
    store.alignClock(NOON + 60_000);
    expect(inputOf(store)).toBe(2n);
    store.alignClock(NOON);
    expect(inputOf(store)).toBe(1n);
  });
});
