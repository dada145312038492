import { Injectable } from '@nestjs/common';
import { ExchangeRates } from '../billing/index.js';
import type { ExchangeRate } from '../core/pricing/index.js';

/** In which other currency a customer sees amounts. */
@Injectable()
export class CurrencyViews {
  constructor(private readonly rates: ExchangeRates) {}

  /** The rate of what was asked for (400 without one), else of the project's currency where the operator has stored one; null: USD alone. */
  find(asked: string | undefined, home: string, atMs: number): Promise<ExchangeRate | null> {
    if (asked !== undefined) return this.rates.get(asked, atMs);
    return home === 'USD' ? Promise.resolve(null) : this.rates.find(home, atMs);
  }
}
