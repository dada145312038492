import fc from 'fast-check';
import { NO_USAGE } from '../chat/usage.js';
import { NO_UNITS } from '../pricing/index.js';
import { planPostings, type AccountKind, type EndedRecord, type LedgerView, type LedgerWrites, type RequestFold } from './index.js';

const ACCOUNT = 1;
const MONEY = fc.bigInt({ min: 0n, max: 1_000n });
const OUTCOME = fc.record({ worthNanoUsd: MONEY, providerCostNanoUsd: MONEY, suspenseNanoUsd: MONEY });

function endOf(money: { worthNanoUsd: bigint; providerCostNanoUsd: bigint; suspenseNanoUsd: bigint }): EndedRecord {
  const outcome = { state: 'completed' as const, ...money, estimated: false, priceId: null, usage: NO_USAGE, units: NO_UNITS };
  return { type: 'ended', requestId: 'r', outcome: outcome as EndedRecord['outcome'], attempts: 1, provider: 'p', upstreamModel: 'm', servedModel: 'm', forwardedAtMs: 0, firstTokenAtMs: null, endedAtMs: 1 };
}

function foldOf(ended: EndedRecord): RequestFold {
  const parts = [{ ceilingId: ACCOUNT, kind: 'account' as const, leaseNumber: 1, amountNanoUsd: 500n }];
  const admitted = { type: 'admitted' as const, requestId: 'r', engineId: 1, organizationId: 'o', projectId: 'p', keyId: 'k', model: 'm', holdNanoUsd: 500n, expectedCostNanoUsd: 0n, parts, receivedAtMs: 0, admittedAtMs: 0 };
  return { admitted, forwarded: null, checkpoint: null, ended };
}

function postedOn(writes: readonly LedgerWrites[], account: AccountKind): bigint {
  const postings = writes.flatMap(({ transactions }) => transactions.flatMap(({ postings: all }) => all));
  return postings.filter((posting) => posting.account === account).reduce((sum, { amountNanoUsd }) => sum + amountNanoUsd, 0n);
}

describe('a request that was settled by its checkpoint and turns up late', () => {
  it('has entries for all that its row says, its cost included', () => {
    fc.assert(
      fc.property(OUTCOME, OUTCOME, MONEY, (first, last, credit) => {
        const view: LedgerView = {
          ceilings: new Map([[ACCOUNT, { id: ACCOUNT, postedNanoUsd: 500n + credit, leasedNanoUsd: 500n, overdraftNanoUsd: 0n }]]),
          leases: new Map([['1/1', { engineId: 1, number: 1, ceilingId: ACCOUNT, amountNanoUsd: 500n, exact: true }]]),
          grants: new Map([[ACCOUNT, [{ id: 1, remainingNanoUsd: 500n + credit, priority: 0, expiresAtMs: null, createdAtMs: 0 }]]]),
          rows: new Map(),
        };
        const writes = [planPostings(view, [foldOf(endOf(first))], 'checkpoint'), planPostings(view, [foldOf(endOf(last))], 'engine')];
        const row = view.rows.get('r');
        expect([postedOn(writes, 'provider_cost'), postedOn(writes, 'suspense')]).toEqual([row?.providerCostNanoUsd, row?.suspenseNanoUsd]);
        expect(postedOn(writes, 'revenue') + postedOn(writes, 'loss')).toBe(row?.accountedNanoUsd);
        for (const { postings } of writes.flatMap(({ transactions }) => transactions)) {
          expect(postings.reduce((sum, { amountNanoUsd }) => sum + amountNanoUsd, 0n)).toBe(0n);
        }
        // What is not worth more than was settled already changes nothing.
        expect(writes[1]?.rows.length).toBe(last.worthNanoUsd > first.worthNanoUsd ? 1 : 0);
      }),
      { seed: 20261130 },
    );
  });
});
