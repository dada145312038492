import { Injectable } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { LedgerRequests } from '../billing/index.js';
import type { Settlement } from '../core/ledger/settlement.js';

/** A posting takes some 20 ms; a database that is slower than this must not keep the client from the end of its answer. */
const PATIENCE_MS = 750;
const POLL_MS = 20;

/**
 * A provider that used more than was held for (hidden reasoning, another tokenizer) is charged beyond the hold as far as the
 * credit allows, and the database alone knows how far. Asked only then, so that answer and log say what the ledger says.
 */
@Injectable()
export class Overages {
  constructor(private readonly ledger: LedgerRequests) {}

  /** The same settlement, and a promise of it only beyond the hold: with what was really taken, or unchanged when the ledger does not say in time. Never rejects. */
  posted(requestId: string, settlement: Settlement): Settlement | Promise<Settlement> {
    return settlement.costNanoUsd <= settlement.chargedNanoUsd ? settlement : this.asked(requestId, settlement);
  }

  private async asked(requestId: string, settlement: Settlement): Promise<Settlement> {
    const untilMs = performance.now() + PATIENCE_MS;
    const late = sleep(PATIENCE_MS, null, { ref: false });
    const chargedNanoUsd = await Promise.race([this.charged(requestId, untilMs).catch(() => null), late]);
    return chargedNanoUsd === null ? settlement : { ...settlement, chargedNanoUsd };
  }

  private async charged(requestId: string, untilMs: number): Promise<bigint | null> {
    while (performance.now() < untilMs) {
      await sleep(POLL_MS);
      const money = await this.ledger.find(requestId);
      if (money !== null && money.endedAtMs !== null) return money.chargedNanoUsd;
    }
    return null;
  }
}
