import { Injectable } from '@nestjs/common';
import type { Usage } from '../../core/chat/usage.js';
import type { AccountKind, ChargeLine, StoredState, TransactionKind } from '../../core/ledger/index.js';
import { chargeFor, parsePrice, type Price } from '../../core/pricing/index.js';
import { Database } from '../../platform/database/index.js';
import { readUnits, readUsage } from '../posting/request-rows.js';

/** The money of one request, of record. Nano-USD; times in milliseconds since 1970. */
export interface RequestMoney {
  readonly requestId: string;
  readonly organizationId: string;
  readonly state: StoredState;
  readonly holdNanoUsd: bigint;
  /** Captured from the hold and posted beyond it. */
  readonly chargedNanoUsd: bigint;
  readonly refundedNanoUsd: bigint;
  readonly lossNanoUsd: bigint;
  readonly providerCostNanoUsd: bigint;
  readonly suspenseNanoUsd: bigint;
  readonly estimated: boolean;
  readonly attempts: number;
  readonly priceId: string | null;
  readonly usage: Usage;
  /** The arithmetic of the charge, from the stored usage and price version. */
  readonly lines: ChargeLine[];
  readonly receivedAtMs: number;
  readonly admittedAtMs: number;
  readonly forwardedAtMs: number | null;
  readonly firstTokenAtMs: number | null;
  readonly endedAtMs: number | null;
}

export interface LedgerEntry {
  readonly transactionId: number;
  readonly kind: TransactionKind;
  readonly account: AccountKind;
  readonly grantId: number | null;
  readonly amountNanoUsd: bigint;
  readonly createdAtMs: number;
}

interface MoneyRow extends Record<string, unknown> {
  request_id: string;
  organization_id: string;
  state: StoredState;
  hold: string;
  charged: string;
  refunded: string;
  loss: string;
  provider_cost: string;
  suspense: string;
  estimated: boolean;
  attempts: number;
  price_id: string | null;
  price: unknown;
  usage: Record<string, number> | null;
  units: Record<string, number> | null;
  received_at: Date;
  admitted_at: Date;
  forwarded_at: Date | null;
  first_token_at: Date | null;
  ended_at: Date | null;
}

const MAX_IDS = 1_000;

/** What the ledger knows of requests, for the request log and the operator. */
@Injectable()
export class LedgerRequests {
  constructor(private readonly database: Database) {}

  /** Null when the ledger has no row (yet): refused requests never have one. */
  async find(requestId: string): Promise<RequestMoney | null> {
    return (await this.findMany([requestId])).get(requestId) ?? null;
  }

  /** At most 1,000 ids. */
  async findMany(requestIds: readonly string[]): Promise<ReadonlyMap<string, RequestMoney>> {
    const { rows } = await this.database.query<MoneyRow>(
      `SELECT r.request_id, r.organization_id, r.state, r.hold, r.captured + r.overage AS charged, r.refunded, r.loss, r.provider_cost, r.suspense,
         r.estimated, r.attempts, r.price_id, p.document AS price, r.usage, r.units, r.received_at, r.admitted_at, r.forwarded_at, r.first_token_at, r.ended_at
       FROM ledger_requests r LEFT JOIN ledger_prices p ON p.id = r.price_id WHERE r.request_id = ANY ($1::text[])`,
      [requestIds.slice(0, MAX_IDS)],
    );
    return new Map(rows.map((row) => [row.request_id, requestMoney(row)]));
  }

  /** In the order they were posted. */
  async listEntries(requestId: string): Promise<LedgerEntry[]> {
    const { rows } = await this.database.query<Record<string, string> & { created_at: Date }>(
      `SELECT transaction_id, kind, account, grant_id, amount, created_at FROM ledger_entries WHERE request_id = $1 ORDER BY transaction_id, position`,
      [requestId],
    );
    return rows.map((row) => ({
      transactionId: Number(row['transaction_id']),
      kind: row['kind'] as TransactionKind,
      account: row['account'] as AccountKind,
      grantId: row['grant_id'] === null ? null : Number(row['grant_id']),
      amountNanoUsd: BigInt(row['amount'] ?? '0'),
      createdAtMs: row.created_at.getTime(),
    }));
  }

  /** A price version by its content digest. */
  async findPrice(id: string): Promise<Price | null> {
    const { rows } = await this.database.query<{ document: unknown }>('SELECT document FROM ledger_prices WHERE id = $1', [id]);
    return rows[0] === undefined ? null : parsePrice(rows[0].document, 'price');
  }
}

function requestMoney(row: MoneyRow): RequestMoney {
  const usage = readUsage(row.usage);
  const price = row.price === null ? null : parsePrice(row.price, 'price');
  return {
    requestId: row.request_id,
    organizationId: row.organization_id,
    state: row.state,
    holdNanoUsd: BigInt(row.hold),
    chargedNanoUsd: BigInt(row.charged),
    refundedNanoUsd: BigInt(row.refunded),
    lossNanoUsd: BigInt(row.loss),
    providerCostNanoUsd: BigInt(row.provider_cost),
    suspenseNanoUsd: BigInt(row.suspense),
    estimated: row.estimated,
    attempts: row.attempts,
    priceId: row.price_id,
    usage,
    lines: price === null ? [] : chargeFor(usage, price, readUnits(row.units)).lines,
    receivedAtMs: row.received_at.getTime(),
    admittedAtMs: row.admitted_at.getTime(),
    forwardedAtMs: row.forwarded_at?.getTime() ?? null,
    firstTokenAtMs: row.first_token_at?.getTime() ?? null,
    endedAtMs: row.ended_at?.getTime() ?? null,
  };
}
