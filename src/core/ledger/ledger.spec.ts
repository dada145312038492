import fc from 'fast-check';
import { NO_USAGE, type Usage } from '../chat/usage.js';
import { parsePrice } from '../pricing/index.js';
import { burnGrants, burnOrder, DEFAULT_POLICY, endByCheckpoint, expirableNanoUsd, isEnded, isLegalEdge, LeaseBook, mayCarve, refundBurns, settle, SETTLEMENT_TABLE, type Ending, type Grant, type SettlementPolicy } from './index.js';
import type { RequestFold } from './records.js';
import { basisOf } from './settlement-table.js';
import type { RequestState } from './settlement.js';

const PRICE = parsePrice({ input: '1', output: '10', request: '0.001' }, 'price');
const DELIVERED: Usage = { ...NO_USAGE, input: 100, output: 50 };
const USAGE: Usage = { ...NO_USAGE, input: 90, cacheRead: 20, output: 60 };
const PROMPT_ONLY = 100_000n;
const ALL_DELIVERED = 100_000n + 500_000n + 1_000_000n;

function ending(more: Partial<Ending>): Ending {
  return {
    end: 'completed', price: PRICE, cost: null, usage: USAGE, delivered: DELIVERED, hadHeaders: true, hadContent: true, billPartial: true,
    requests: 1, images: 0, seconds: 0, suspenseNanoUsd: 0n, attempts: 1, endedAtMs: 0, ...more,
  };
}

describe('states', () => {
  it('have exactly the edges of the specification', () => {
    const states: RequestState[] = ['received', 'admitted', 'forwarded', 'streaming', 'completed', 'failed', 'canceled', 'compensated'];
    const legal = states.flatMap((from) => states.filter((to) => isLegalEdge(from, to)).map((to) => `${from}>${to}`));
    expect(legal).toEqual([
      'received>admitted', 'admitted>forwarded', 'admitted>completed', 'admitted>failed', 'admitted>canceled', 'forwarded>streaming', 'forwarded>completed',
      'forwarded>failed', 'forwarded>canceled', 'streaming>completed', 'streaming>failed', 'streaming>canceled', 'completed>compensated',
      'failed>compensated', 'canceled>compensated',
    ]);
    expect(states.filter(isEnded)).toEqual(['completed', 'failed', 'canceled', 'compensated']);
  });
});

describe('settlement policy, row by row', () => {
  const flags = (more: Partial<SettlementPolicy>): Partial<Ending> => ({ policy: { zeroCompletionInsurance: true, chargeCanceledPrompt: true, ...more } });
  const EVERY_ROW: readonly (readonly [string, Partial<Ending>, bigint])[] = [
    ['nobody was asked', { end: 'failed', price: null, usage: undefined, hadHeaders: false, hadContent: false }, 0n],
    ['client gone before headers', { end: 'canceled', hadHeaders: false, hadContent: false }, 0n],
    ['client gone before the first token', { end: 'canceled', usage: undefined, hadContent: false }, PROMPT_ONLY],
    ['client gone before the first token', { end: 'canceled', hadContent: false, ...flags({ chargeCanceledPrompt: false }) }, 0n],
    ['client gone, usage complete', { end: 'canceled' }, 1_710_000n],
    ['client gone in mid-stream', { end: 'canceled', usage: undefined }, ALL_DELIVERED],
    ['zero completion insurance', { end: 'failed', usage: undefined, hadContent: false }, 0n],
    ['upstream died in mid-stream', { end: 'failed', usage: undefined, delivered: { ...NO_USAGE, input: 100 }, ...flags({ zeroCompletionInsurance: false }) }, PROMPT_ONLY + 1_000_000n],
    ['refused by the upstream', { end: 'failed', usage: undefined, hadHeaders: false, ...flags({ zeroCompletionInsurance: false }) }, 0n],
    ['partial answers are not billed', { end: 'failed', usage: undefined, billPartial: false }, 0n],
    ['upstream died in mid-stream', { end: 'failed', usage: undefined }, ALL_DELIVERED],
    ['completed', {}, 1_710_000n],
  ];

  it.each(EVERY_ROW)('%s (%#)', (id, more, worthNanoUsd) => {
    const seen = ending(more);
    expect(basisOf(seen, seen.policy ?? DEFAULT_POLICY).row.id).toBe(id);
    expect(settle(seen).worthNanoUsd).toBe(worthNanoUsd);
  });

  it('has a case for every row of the table', () => {
    expect(new Set(EVERY_ROW.map(([id]) => id))).toEqual(new Set(SETTLEMENT_TABLE.map(({ id }) => id)));
  });

  it.each<[string, Partial<Ending>, bigint, boolean]>([
    ['completed with usage', {}, 90_000n + 20_000n + 600_000n + 1_000_000n, false],
    ['completed, usage missing', { usage: undefined }, ALL_DELIVERED, true],
    ['completed, usage invalid', { usage: { ...USAGE, output: -1 } }, ALL_DELIVERED, true],
    ['completed, usage beyond any real amount', { usage: { ...USAGE, output: Number.MAX_SAFE_INTEGER } }, ALL_DELIVERED, true],
    ['completed, an explicit 0 is 0', { usage: { ...NO_USAGE, input: 10 } }, 10_000n + 1_000_000n, false],
    ['refused, nothing sent', { end: 'failed', price: null, usage: undefined, hadHeaders: false, hadContent: false }, 0n, false],
    ['an error without a token of output', { end: 'failed', usage: undefined, delivered: { ...NO_USAGE, input: 100 }, hadContent: false }, 0n, false],
    ['upstream died in mid-stream', { end: 'failed', usage: undefined }, ALL_DELIVERED, true],
    ['the same, its prompt known', { end: 'failed', usage: { ...NO_USAGE, input: 80 } }, 80_000n + 500_000n + 1_000_000n, true],
    ['the same, bill_partial off', { end: 'failed', usage: undefined, billPartial: false }, 0n, false],
    ['client gone before headers', { end: 'canceled', usage: undefined, hadHeaders: false, hadContent: false }, 0n, false],
    ['client gone after headers, before the first token', { end: 'canceled', usage: undefined, hadContent: false }, PROMPT_ONLY, true],
    ['client gone in mid-stream', { end: 'canceled', usage: undefined }, ALL_DELIVERED, true],
    ['the same, with the usage that a stream begins with', { end: 'canceled', usage: { ...NO_USAGE, input: 80, output: 1 } }, 80_000n + 500_000n + 1_000_000n, true],
    ['client gone in mid-stream, drained for usage', { end: 'canceled' }, 1_710_000n, false],
    ['a free price', { price: parsePrice('free', 'p') }, 0n, false],
  ])('%s', (_name, more, worthNanoUsd, estimated) => {
    expect(settle(ending(more))).toMatchObject({ worthNanoUsd, estimated });
  });

  it('keeps what failed attempts may have cost in suspense, whatever the end', () => {
    expect(settle(ending({ end: 'failed', price: null, suspenseNanoUsd: 7n }))).toMatchObject({ worthNanoUsd: 0n, suspenseNanoUsd: 7n });
    expect(settle(ending({ suspenseNanoUsd: 7n, cost: parsePrice({ input: '1', output: '1' }, 'c') }))).toMatchObject({ suspenseNanoUsd: 7n, providerCostNanoUsd: 170_000n });
  });

  it('marks as estimated what was charged at another class’s price', () => {
    expect(settle(ending({ usage: { ...USAGE, audioOut: 5 } })).estimated).toBe(true);
  });

  it('never charges an ending with a failure more than what was delivered', () => {
    const counts = fc.record({ input: fc.nat(500), output: fc.nat(500), reasoning: fc.nat(500) }).map((some): Usage => ({ ...NO_USAGE, ...some }));
    fc.assert(
      fc.property(counts, counts, fc.boolean(), (delivered, usage, billPartial) => {
        const { worthNanoUsd } = settle(ending({ end: 'failed', delivered, usage, billPartial }));
        const most = settle(ending({ delivered: { ...delivered, input: Math.max(delivered.input, usage.input) }, usage: undefined })).worthNanoUsd;
        return worthNanoUsd >= 0n && worthNanoUsd <= most;
      }),
    );
  });

  it('a dead process: its checkpoint, else nothing and the cost in suspense when it had been sent', () => {
    const admitted = {
      type: 'admitted' as const, requestId: 'r', engineId: 1, organizationId: 'o', projectId: 'p', keyId: 'k', model: 'm', holdNanoUsd: 50n,
      expectedCostNanoUsd: 40n, parts: [], receivedAtMs: 0, admittedAtMs: 0,
    };
    const fold: RequestFold = { admitted, forwarded: null, checkpoint: null, ended: null };
    expect(endByCheckpoint(fold, 9).outcome).toMatchObject({ state: 'failed', worthNanoUsd: 0n, suspenseNanoUsd: 0n });
    fold.forwarded = { type: 'forwarded', requestId: 'r', number: 2, provider: 'p', upstreamModel: 'm', atMs: 1 };
    expect(endByCheckpoint(fold, 9)).toMatchObject({ attempts: 2, outcome: { worthNanoUsd: 0n, suspenseNanoUsd: 40n } });
    fold.checkpoint = { type: 'checkpoint', requestId: 'r', sequence: 1, usage: DELIVERED, priceId: 'x', chargeNanoUsd: 30n, atMs: 2 };
    expect(endByCheckpoint(fold, 9).outcome).toMatchObject({ worthNanoUsd: 30n, suspenseNanoUsd: 0n, estimated: true });
  });
});

describe('grants', () => {
  const grant = fc.record({
    id: fc.integer({ min: 1, max: 1_000 }), remainingNanoUsd: fc.bigInt(0n, 1_000n), priority: fc.integer({ min: 0, max: 3 }),
    expiresAtMs: fc.option(fc.integer({ min: 50, max: 300 })), createdAtMs: fc.integer({ min: 0, max: 150 }),
  });
  const grants = fc.uniqueArray(grant, { selector: ({ id }) => id, maxLength: 8 });

  it('burn what was valid at admission before what was not, each in burn order, whether one suffices or not', () => {
    const rank = ({ createdAtMs, expiresAtMs }: Grant): number => ((expiresAtMs ?? Infinity) <= 100 ? 2 : createdAtMs <= 100 ? 0 : 1);
    fc.assert(
      fc.property(grants, fc.bigInt(0n, 1_500n), (list, amount) => {
        const inOrder = list.map((one) => ({ ...one })).sort((a, b) => rank(a) - rank(b) || burnOrder(a, b));
        let left = amount;
        const expected = inOrder.map(({ id, remainingNanoUsd }) => {
          const taken = remainingNanoUsd < left ? remainingNanoUsd : left;
          left -= taken;
          return { grantId: id as number | null, amountNanoUsd: taken };
        });
        expect(burnGrants(list.map((one) => ({ ...one })), amount, 100)).toEqual([...expected, { grantId: null, amountNanoUsd: left }].filter(({ amountNanoUsd }) => amountNanoUsd > 0n));
      }),
    );
  });

  it('burn exactly the amount, in an order that does not depend on how they are listed', () => {
    fc.assert(
      fc.property(grants, fc.bigInt(0n, 3_000n), fc.integer({ min: 0, max: 1_000 }), (list, amount, rotation) => {
        const copy = (): Grant[] => list.map((one) => ({ ...one }));
        const first = copy();
        const other = copy();
        other.push(...other.splice(0, rotation % (other.length + 1)));
        const burns = burnGrants(first, amount, 100);
        const total = list.reduce((sum, { remainingNanoUsd }) => sum + remainingNanoUsd, 0n);
        const left = first.reduce((sum, { remainingNanoUsd }) => sum + remainingNanoUsd, 0n);
        expect(burnGrants(other, amount, 100)).toEqual(burns);
        expect(burns.reduce((sum, { amountNanoUsd }) => sum + amountNanoUsd, 0n)).toBe(amount);
        expect(total - left).toBe(amount < total ? amount : total);
        expect(first.every(({ remainingNanoUsd }) => remainingNanoUsd >= 0n)).toBe(true);
      }),
    );
  });

  it('prefer those valid at admission, by priority, expiry and id', () => {
    const make = (id: number, more: Partial<Grant>): Grant => ({ id, remainingNanoUsd: 1n, priority: 1, expiresAtMs: null, createdAtMs: 0, ...more });
    const list = [make(1, { expiresAtMs: 99 }), make(2, {}), make(3, { expiresAtMs: 200 }), make(4, { priority: 0, createdAtMs: 101 }), make(5, { priority: 0 }), make(6, {})];
    expect(burnGrants(list, 7n, 100).map(({ grantId }) => grantId)).toEqual([5, 3, 2, 6, 4, 1, null]);
    expect([...list].sort(burnOrder).map(({ id }) => id)).toEqual([4, 5, 1, 3, 2, 6]);
  });

  it('get refunds back in reverse, never more than was burned', () => {
    fc.assert(
      fc.property(grants, fc.bigInt(1n, 3_000n), fc.bigInt(1n, 3_000n), (list, amount, refund) => {
        const burns = burnGrants(list, amount, 100);
        if (refund > amount) return expect(() => refundBurns(burns, refund)).toThrow(RangeError);
        const back = refundBurns(burns, refund);
        expect(back.reduce((sum, { amountNanoUsd }) => sum + amountNanoUsd, 0n)).toBe(refund);
        expect(back[0]?.grantId).toBe(burns.at(-1)?.grantId);
      }),
    );
  });

  it('lose at expiry only what is not leased (I17)', () => {
    fc.assert(fc.property(fc.bigInt(0n, 99n), fc.bigInt(-99n, 99n), (left, free) => {
      const taken = expirableNanoUsd(left, free);
      return taken >= 0n && taken <= left && (taken === 0n || taken <= free);
    }));
  });
});

describe('leases of an engine', () => {
  const lease = (number: number, amountNanoUsd: bigint, exact = false, validUntilMs = Infinity) => ({ number, ceilingId: number, amountNanoUsd, heldNanoUsd: 0n, exact, validUntilMs });
  const needs = [{ ceilingId: 1, kind: 'account' as const }, { ceilingId: 2, kind: 'budget' as const }];

  it('carve on every ceiling or on none, and never more than they have (I03)', () => {
    fc.assert(
      fc.property(fc.array(fc.bigInt(1n, 40n), { maxLength: 20 }), (amounts) => {
        const book = new LeaseBook();
        book.open(lease(1, 100n));
        book.open(lease(2, 60n));
        let carved = 0n;
        for (const amount of amounts) if (book.carve(needs, amount, 0) !== null) carved += amount;
        return carved <= 60n && book.get(1)?.heldNanoUsd === carved && book.get(2)?.heldNanoUsd === carved;
      }),
    );
  });

  it('of exact size, or of a period that is over, have nothing to carve', () => {
    const book = new LeaseBook();
    book.open(lease(1, 100n, true));
    book.open(lease(2, 100n, false, 50));
    expect(book.carve([needs[0] as never], 1n, 0)).toBeNull();
    expect(book.carve([needs[1] as never], 1n, 50)).toBeNull();
    expect(book.carve([needs[1] as never], 1n, 49)).toMatchObject([{ leaseNumber: 2, amountNanoUsd: 1n }]);
    expect(book.carve(needs, 0n, 99)).toMatchObject([{ leaseNumber: 0 }, { leaseNumber: 0 }]);
  });

  it('are spendable again when a hold was posted, and gone when the database closed them', () => {
    const book = new LeaseBook();
    book.open(lease(1, 100n));
    const [part] = book.carve([needs[0] as never], 100n, 0) ?? [];
    expect(book.carve([needs[0] as never], 1n, 0)).toBeNull();
    book.posted(1, 40n);
    book.settle(part as never);
    expect(book.carve([needs[0] as never], 41n, 0)).toBeNull();
    expect(book.carve([needs[0] as never], 40n, 0)).not.toBeNull();
    book.posted(1, 0n);
    expect(book.numbers()).toEqual([]);
  });

  it('are behind the fence once the last acknowledged heartbeat is too old', () => {
    expect([mayCarve(null, 0, 15), mayCarve(0, 14.9, 15), mayCarve(0, 15, 15)]).toEqual([false, true, false]);
  });
});
