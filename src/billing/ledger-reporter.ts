import { Injectable, Logger } from '@nestjs/common';
import type { RequestFold } from '../core/ledger/index.js';
import { Config } from '../platform/config/index.js';
import { BillingMetrics } from './billing-metrics.js';
import type { LedgerObserver } from './holds/ledger-engine.js';
import { setAside } from './journal/set-aside.js';
import type { SuccessorObserver } from './recovery/successor.js';
import type { SweeperObserver } from './recovery/sweeper.js';

/** What happens in the ledger, as an operator sees it: metrics, and lines of the log for what needs eyes. */
@Injectable()
export class LedgerReporter implements LedgerObserver, SuccessorObserver {
  readonly #logger = new Logger('Ledger');

  constructor(
    private readonly config: Config,
    private readonly metrics: BillingMetrics,
  ) {}

  onError(where: string, error: Error): void {
    this.metrics.error(where);
    this.#logger.warn({ message: `Ledger: ${where} failed`, err: error });
  }

  onPoison(fold: RequestFold, error: Error): void {
    this.metrics.poison();
    this.#logger.error({ message: 'A request cannot be posted and was set aside', requestId: fold.admitted.requestId, err: error });
    try {
      setAside(this.config.dataDirectory, fold);
    } catch (cause) {
      this.onError('journal', cause as Error);
    }
  }

  onBatch(count: number, durationMs: number): void {
    this.metrics.batch(count, durationMs);
  }

  onTaken(directory: string, figures: { endedCount: number; unfinishedCount: number; damagedCount: number }): void {
    this.metrics.recovered('successor', figures.endedCount + figures.unfinishedCount);
    const line = { message: 'Took over the journal of a process that is gone', directory, ...figures };
    if (figures.damagedCount > 0) this.#logger.error(line);
    else this.#logger.log(line);
  }

  onSkipped(directory: string, reason: string): void {
    this.#logger.warn({ message: 'A journal was left alone', directory, reason });
  }

  /** The sweeper's view of this observer. */
  readonly sweeper: SweeperObserver = {
    onSwept: (engineId, unfinishedCount) => {
      this.metrics.recovered('sweeper', unfinishedCount);
      this.#logger.warn({ message: 'Swept a dead engine', engineId, unfinishedCount });
    },
    onError: (error) => this.onError('sweeper', error),
  };
}
