import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BillingSettings } from '../../src/billing/billing-settings.js';
import { LedgerEngine } from '../../src/billing/holds/ledger-engine.js';
import { LedgerRepository } from '../../src/billing/posting/ledger.repository.js';
import { Successor } from '../../src/billing/recovery/successor.js';
import { Sweeper } from '../../src/billing/recovery/sweeper.js';
import { NO_USAGE, type Usage } from '../../src/core/chat/usage.js';
import type { BudgetCeiling, Ending, Hold, HoldRequest } from '../../src/core/ledger/index.js';
import { parsePrice } from '../../src/core/pricing/index.js';
import { SystemClock } from '../../src/platform/clock/index.js';
import type { Database } from '../../src/platform/database/index.js';
import { newId } from '../../src/platform/ids/index.js';
import { TURN_STAGES } from '../../src/platform/turn/index.js';

/** 1 USD per million tokens: one token is 1000 nano-USD. */
export const PRICE = parsePrice({ input: '1', output: '1' }, 'price');
export const COST = parsePrice({ input: '0.5', output: '0.5' }, 'cost');
export const TOKEN_NANO_USD = 1_000n;
export const QUICK = { heartbeatMs: 200, deadAfterMs: 1_000, fenceMs: 700, unknownLeaseAgeMs: 300, runningRowAfterMs: 30 };

export interface TestLedger {
  readonly engine: LedgerEngine;
  readonly successor: Successor;
  readonly sweeper: Sweeper;
  readonly problems: string[];
}

export function temporaryDirectory(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'og-ledger-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

export async function startLedger(database: Database, dataDirectory: string, overrides: Partial<BillingSettings> = {}): Promise<TestLedger> {
  const settings = new BillingSettings({ ...QUICK, ...overrides });
  const clock = new SystemClock();
  const repository = new LedgerRepository(database);
  const problems: string[] = [];
  const engine = new LedgerEngine({
    database, repository, clock, settings, zone: 'local', dataDirectory, turnEnd: TURN_STAGES.journaled,
    observer: {
      onError: (where, error) => problems.push(`${where}: ${error.message}`),
      onPoison: ({ admitted }, error) => problems.push(`poison ${admitted.requestId}: ${error.message}`),
      onBatch: () => undefined,
    },
  });
  const successor = new Successor({ database, repository, clock, settings, observer: {
    onTaken: (_directory, figures) => problems.push(`taken ${JSON.stringify(figures)}`),
    onSkipped: (_directory, reason) => problems.push(`skipped: ${reason}`),
    onPoison: ({ admitted }, error) => problems.push(`poison ${admitted.requestId}: ${error.message}`),
  } });
  const sweeper = new Sweeper({ database, repository, clock, settings, observer: {
    onSwept: (_engineId, count) => problems.push(`swept ${count}`),
    onError: (error) => problems.push(`sweeper: ${error.message}`),
  } });
  await engine.start();
  return { engine, successor, sweeper, problems };
}

/** A hold whose refusal is a rejection, whether the engine decides at once or later. */
export async function holdOn(engine: LedgerEngine, request: HoldRequest): Promise<Hold> {
  return engine.hold(request);
}

export function holdRequest(organizationId: string, tokens: number, more: { budgets?: readonly BudgetCeiling[]; timezone?: string; strict?: boolean } = {}): HoldRequest {
  return {
    requestId: newId('req'),
    organizationId,
    projectId: 'project',
    keyId: 'key',
    budgets: more.budgets ?? [],
    model: 'sandbox/echo',
    amountNanoUsd: BigInt(tokens) * TOKEN_NANO_USD,
    receivedAtMs: Date.now(),
    timezone: more.timezone ?? 'UTC',
    strict: more.strict ?? true,
  };
}

export function ending(tokens: number, more: Partial<Ending> = {}): Ending {
  const usage: Usage = { ...NO_USAGE, output: tokens };
  return {
    end: 'completed', price: PRICE, cost: COST, usage, delivered: usage, hadHeaders: true, hadContent: tokens > 0, billPartial: true,
    requests: 1, images: 0, seconds: 0, suspenseNanoUsd: 0n, attempts: 1, provider: 'p', upstreamModel: 'm', servedModel: 'sandbox/echo',
    endedAtMs: Date.now(), ...more,
  };
}

export async function until(condition: () => boolean | Promise<boolean>, patienceMs = 10_000): Promise<void> {
  const deadline = Date.now() + patienceMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited ${patienceMs} ms in vain`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
