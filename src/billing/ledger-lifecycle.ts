import { Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { NANO_PER_USD } from '../core/pricing/index.js';
import { Boot, BOOT_ORDER } from '../platform/boot/index.js';
import { Config } from '../platform/config/index.js';
import { Credits } from './accounts/credits.service.js';
import { Recovery } from './recovery/recovery.js';

const DEMO_CREDIT_NANO_USD = 100n * NANO_PER_USD;
const DEFAULT_ORGANIZATION = 'default';

/** What the ledger does when the process begins and ends. */
@Injectable()
export class LedgerLifecycle implements OnModuleInit, OnApplicationShutdown {
  constructor(
    private readonly config: Config,
    private readonly boot: Boot,
    private readonly recovery: Recovery,
    private readonly credits: Credits,
  ) {}

  onModuleInit(): void {
    this.boot.register({ name: 'default account', order: BOOT_ORDER.foundation, run: () => this.credits.ensureAccount(DEFAULT_ORGANIZATION) });
    if (this.config.runs('engine')) {
      this.boot.register({ name: 'ledger recovery', order: BOOT_ORDER.recovery, run: () => this.recovery.start() });
    }
    if (this.config.demo) this.boot.register({ name: 'demo credit', order: BOOT_ORDER.demo, run: () => this.#grantDemoCredit() });
  }

  onApplicationShutdown(): Promise<void> {
    return this.recovery.stop();
  }

  /** Once per database: the idempotency key sees to it. */
  async #grantDemoCredit(): Promise<void> {
    await this.credits.grant({
      organizationId: DEFAULT_ORGANIZATION,
      amountNanoUsd: DEMO_CREDIT_NANO_USD,
      reason: 'demo credit',
      source: 'demo',
      idempotencyKey: 'demo-credit',
    });
  }
}
