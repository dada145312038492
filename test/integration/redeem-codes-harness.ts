import { register } from 'prom-client';
import { Accounts } from '../../src/billing/accounts/accounts.service.js';
import { Credits } from '../../src/billing/accounts/credits.service.js';
import { AttemptGate } from '../../src/billing/redeem-codes/attempt-gate.js';
import { RedeemBatches, type NewBatch } from '../../src/billing/redeem-codes/batches.service.js';
import { CodeMaker } from '../../src/billing/redeem-codes/code-maker.js';
import { RedeemDeliveries } from '../../src/billing/redeem-codes/delivery.service.js';
import { GuessLimits } from '../../src/billing/redeem-codes/guess-limits.js';
import { RedeemCodes, type Redemption } from '../../src/billing/redeem-codes/redeem-codes.service.js';
import type { RedeemMetrics, RedeemResult } from '../../src/billing/redeem-codes/redeem-metrics.js';
import { RedeemSettings } from '../../src/billing/redeem-codes/redeem-settings.js';
import { RedeemRevocations } from '../../src/billing/redeem-codes/revocation.service.js';
import type { Database } from '../../src/platform/database/index.js';
import { Secrets } from '../../src/platform/secrets/index.js';

export const USD = 1_000_000_000n;

/** The services over one database, as one process has them. */
export class RedeemBench {
  readonly results: RedeemResult[] = [];
  readonly batches: RedeemBatches;
  readonly codes: RedeemCodes;
  readonly guesses: GuessLimits;
  readonly deliveries: RedeemDeliveries;
  readonly revocations: RedeemRevocations;
  readonly accounts: Accounts;

  constructor(
    private readonly database: Database,
    overrides: Partial<RedeemSettings> = {},
  ) {
    const secrets = new Secrets('22'.repeat(32));
    const settings = new RedeemSettings(overrides);
    const maker = new CodeMaker(secrets);
    const metrics = { attempt: (result: RedeemResult) => this.results.push(result) } as unknown as RedeemMetrics;
    this.guesses = new GuessLimits(database, secrets, settings);
    this.batches = new RedeemBatches(database, maker, settings);
    this.codes = new RedeemCodes(new AttemptGate(database, settings, metrics), this.guesses, maker, new Credits(database));
    this.deliveries = new RedeemDeliveries(database, secrets, maker, settings);
    this.revocations = new RedeemRevocations(maker, settings);
    this.accounts = new Accounts(database);
    register.clear();
  }

  async create(input: Partial<NewBatch> = {}): Promise<{ id: string; codes: string[] }> {
    const { batch, codes } = await this.database.transaction((transaction) =>
      this.batches.create({ codeCount: 1, amountNanoUsd: 5n * USD, ...input }, transaction),
    );
    return { id: batch.id, codes: codes ?? [] };
  }

  redeem(organizationId: string, code: unknown, clientIp = '127.0.0.1'): Promise<Redemption> {
    return this.codes.redeem({ organizationId, code, keyId: 'key_test', clientIp });
  }

  /** How each of these ended: `redeemed`, or the error's code. */
  async outcomes(attempts: readonly Promise<Redemption>[]): Promise<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const settled of await Promise.allSettled(attempts)) {
      const outcome = settled.status === 'fulfilled' ? 'redeemed' : String((settled.reason as { code?: string }).code ?? settled.reason);
      counts[outcome] = (counts[outcome] ?? 0) + 1;
    }
    return counts;
  }

  async balance(organizationId: string): Promise<bigint> {
    return (await this.accounts.get(organizationId)).balanceNanoUsd;
  }
}
