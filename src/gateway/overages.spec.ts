import type { LedgerRequests, RequestMoney } from '../billing/index.js';
import type { Settlement } from '../core/ledger/settlement.js';
import { Overages } from './overages.js';

const settlement = (costNanoUsd: bigint, chargedNanoUsd: bigint): Settlement => ({ state: 'completed', costNanoUsd, chargedNanoUsd }) as Settlement;
const ledger = (find: () => Promise<Partial<RequestMoney> | null>): LedgerRequests => ({ find }) as unknown as LedgerRequests;

describe('what was charged beyond the hold', () => {
  it('is not asked when the hold covered the answer', async () => {
    const overages = new Overages(ledger(() => Promise.reject(new Error('asked'))));
    expect(overages.posted('r', settlement(5n, 5n))).toMatchObject({ chargedNanoUsd: 5n });
  });

  it('is what the ledger posted, once it has', async () => {
    const answers: (Partial<RequestMoney> | null)[] = [null, { endedAtMs: null, chargedNanoUsd: 0n }, { endedAtMs: 1, chargedNanoUsd: 8n }];
    const overages = new Overages(ledger(async () => answers.shift() ?? null));
    expect(await overages.posted('r', settlement(9n, 5n))).toMatchObject({ costNanoUsd: 9n, chargedNanoUsd: 8n });
  });

  it.each<[string, () => Promise<null>]>([
    ['fails', () => Promise.reject(new Error('down'))],
    ['hangs', () => new Promise(() => undefined)],
    ['never posts', () => Promise.resolve(null)],
  ])('is the hold when the ledger %s, after less than a second', async (_how, find) => {
    const startedMs = performance.now();
    expect(await new Overages(ledger(find)).posted('r', settlement(9n, 5n))).toMatchObject({ chargedNanoUsd: 5n });
    expect(performance.now() - startedMs).toBeLessThan(1_000);
  });
});
