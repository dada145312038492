import type { Usage } from '../chat/usage.js';
import type { Price } from '../pricing/price.js';

/** States of a request in the ledger (spec ledger.md section 2); `received` and live progress are memory only. */
export type RequestState = 'received' | 'admitted' | 'forwarded' | 'streaming' | 'completed' | 'failed' | 'canceled' | 'compensated';

/** What must be known to hold money for a request. Money is bigint nano-USD. */
export interface HoldRequest {
  requestId: string;
  organizationId: string;
  projectId: string;
  keyId: string;
  /** Budget ceilings that apply besides the account, narrowest last. */
  budgets: readonly BudgetCeiling[];
  model: string;
  /** Upper bound: the dearest candidate's price of (estimate × 1.1 + max output × n). */
  amountNanoUsd: bigint;
  receivedAtMs: number;
  timezone: string;
  /** Strict: one durable commit per hold (shared with its neighbours). */
  strict: boolean;
}

export interface BudgetCeiling {
  scope: 'organization' | 'project' | 'key';
  id: string;
  amountNanoUsd: bigint;
  period: 'total' | 'day' | 'week' | 'month';
}

/** Flags of a provider (CONTRACT section 3); the defaults are the table of the ledger's specification. */
export interface SettlementPolicy {
  /** An answer without a single token that ended in an error costs nothing. */
  zeroCompletionInsurance: boolean;
  /** A client that left after the upstream's headers and before the first token pays the prompt. */
  chargeCanceledPrompt: boolean;
}

/** What was seen of a request's end; the settlement policy (pure) turns it into money. */
export interface Ending {
  end: 'completed' | 'failed' | 'canceled';
  /** Price frozen at admission, of the deployment that answered; null when none was reached. */
  price: Price | null;
  /** What the provider takes for the same. */
  cost: Price | null;
  /** The provider's usage; undefined when it sent none that can be believed. */
  usage?: Usage;
  /** Our own estimate of what was delivered to the client. */
  delivered: Usage;
  /** Upstream had answered with headers of a success. */
  hadHeaders: boolean;
  /** At least one token reached the client. */
  hadContent: boolean;
  /** `bill_partial` of the provider. */
  billPartial: boolean;
  /** The other flags of the provider; the engine's defaults when it has none. */
  policy?: SettlementPolicy;
  /** Requests, images, seconds for prices that are not per token. */
  requests: number;
  images: number;
  seconds: number;
  /** Expected provider cost of attempts that failed after they may have been worked on. */
  suspenseNanoUsd: bigint;
  attempts: number;
  provider?: string;
  upstreamModel?: string;
  servedModel?: string;
  forwardedAtMs?: number;
  firstTokenAtMs?: number;
  endedAtMs: number;
}

/** The arithmetic of a charge, line by line, exact. */
export interface ChargeLine {
  class: string;
  quantity: number;
  /** Nano-USD per million tokens, or per unit. */
  priceNanoUsd: string;
  unit: 'per_million_tokens' | 'per_request' | 'per_image' | 'per_second';
}

export interface Settlement {
  state: 'completed' | 'failed' | 'canceled';
  /** What the customer pays. */
  chargedNanoUsd: bigint;
  /** What the answer was worth by its usage; more than charged when it exceeded the hold and the ceiling. */
  costNanoUsd: bigint;
  providerCostNanoUsd: bigint;
  /** Usage that was charged. */
  usage: Usage;
  estimated: boolean;
  lines: ChargeLine[];
  priceId: string | null;
}

/** A hold in force: carved from leases, journaled before the first byte goes upstream. Resolves once. */
export interface Hold {
  readonly requestId: string;
  readonly amountNanoUsd: bigint;
  /** Before each attempt's first byte, which waits for `Holds.written`. */
  forwarded(attempt: { provider: string; upstreamModel: string; number: number; atMs: number }): void;
  /** While streaming, every 5 s or 4 kB: what has been written to the client's socket so far. */
  checkpoint(delivered: Usage, price: Price): void;
  /** Journals the end; the last byte to the client waits for `Holds.written`. Idempotent: a second call returns the first result. */
  settle(ending: Ending): Settlement;
}

/** Port of the spine to the ledger. Throws GatewayError `insufficient_credits`, `budget_exceeded` (402) or `service_unavailable` (503). */
export abstract class Holds {
  /** At once when what this process has leased covers it; rejects as it throws. */
  abstract hold(request: HoldRequest): Hold | Promise<Hold>;
  /**
   * Resolves when everything that holds were told so far would survive the death of this process; undefined when it does
   * already. To be waited for before a provider is called and before a client sees its end. Rejects with GatewayError 503.
   */
  abstract written(): Promise<void> | undefined;
}
