import { Injectable } from '@nestjs/common';
import { GatewayError, invalidRequest } from '../../core/errors/gateway-error.js';
import { isCurrency, type ExchangeRate } from '../../core/pricing/index.js';
import { Database, type Queryable } from '../../platform/database/index.js';

interface RateRow extends Record<string, unknown> {
  currency: string;
  nano_per_usd: string;
  effective_from: Date;
  source: string;
}

const COLUMNS = 'currency, nano_per_usd, effective_from, source';

/** Rates that the operator stores: for views of amounts, never for money of record. */
@Injectable()
export class ExchangeRates {
  constructor(private readonly database: Database) {}

  /** Throws 400 for what is no currency, 409 when another rate begins at that moment; the same one again is harmless. */
  async add(rate: ExchangeRate, on: Queryable = this.database): Promise<ExchangeRate> {
    if (!isCurrency(rate.currency) || rate.currency === 'USD') throw unknownCurrency(rate.currency);
    const values = [rate.currency, rate.nanoPerUsd, new Date(rate.effectiveFromMs), rate.source];
    await on.query('INSERT INTO exchange_rates (currency, nano_per_usd, effective_from, source) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING', values);
    const { rows } = await on.query<RateRow>(`SELECT ${COLUMNS} FROM exchange_rates WHERE currency = $1 AND effective_from = $2`, [values[0], values[2]]);
    if (BigInt(rows[0]?.nano_per_usd ?? 0) === rate.nanoPerUsd) return rateOf(rows[0] as RateRow);
    throw new GatewayError('conflict', `Another rate of ${rate.currency} begins at that moment; rates are never changed, set one with a later effective_from.`, { param: 'effective_from' });
  }

  /** The rate in force at a moment; null when there is none. */
  async find(currency: string, atMs: number): Promise<ExchangeRate | null> {
    const { rows } = await this.database.query<RateRow>(
      `SELECT ${COLUMNS} FROM exchange_rates WHERE currency = $1 AND effective_from <= $2 ORDER BY effective_from DESC LIMIT 1`,
      [currency, new Date(atMs)],
    );
    return rows[0] === undefined ? null : rateOf(rows[0]);
  }

  /** Null for USD, which needs none. Throws 400 `currency` for an unknown currency, and for one without a rate at that moment. */
  async get(currency: string, atMs: number): Promise<ExchangeRate | null> {
    if (currency === 'USD') return null;
    if (!isCurrency(currency)) throw unknownCurrency(currency);
    const found = await this.find(currency, atMs);
    if (found !== null) return found;
    throw invalidRequest('currency', `No exchange rate of ${currency} is stored for that time; an operator sets one with POST /admin/v1/exchange-rates.`);
  }

  /** Newest first, at most `limit`. */
  async list(currency: string | null, limit: number): Promise<ExchangeRate[]> {
    const { rows } = await this.database.query<RateRow>(
      `SELECT ${COLUMNS} FROM exchange_rates WHERE $1::text IS NULL OR currency = $1 ORDER BY effective_from DESC, currency LIMIT $2`,
      [currency, limit],
    );
    return rows.map(rateOf);
  }
}

function unknownCurrency(code: string): Error {
  return invalidRequest('currency', `currency must be an ISO 4217 code such as KRW or JPY, not ${JSON.stringify(code.slice(0, 16))}.`);
}

function rateOf(row: RateRow): ExchangeRate {
  return { currency: row.currency, nanoPerUsd: BigInt(row.nano_per_usd), effectiveFromMs: row.effective_from.getTime(), source: row.source };
}
