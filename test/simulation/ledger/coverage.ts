import type { HoldPart } from '../../../src/core/ledger/index.js';
import { assert } from './server.js';
import { leaseKeyOf, type Tables } from './stored.js';
import type { Truth } from './traffic.js';

/**
 * While a request runs, a committed lease of its engine covers it on every ceiling (invariants I11 and I34), unless the engine was
 * swept: then it has no leases, and what it delivers is posted late.
 */
export class Coverage {
  readonly #tables: Tables;
  /** Σ running holds by lease. */
  readonly #running = new Map<string, { engineId: number; number: number; amountNanoUsd: bigint }>();
  readonly #carved = new Map<string, { engineId: number; parts: readonly HoldPart[] }>();

  constructor(tables: Tables) {
    this.#tables = tables;
  }

  begin({ hold, request }: Truth): void {
    const { engineId, parts } = (hold as unknown as { fold: { admitted: { engineId: number; parts: readonly HoldPart[] } } }).fold.admitted;
    const state = this.#tables.engines.get(engineId)?.state;
    assert(state === 'live', `I11: ${request.requestId} was admitted by engine ${engineId}, which is ${state}`);
    this.#carved.set(request.requestId, { engineId, parts });
    this.#change(engineId, parts, 1n);
  }

  end({ request }: Truth): void {
    const carved = this.#carved.get(request.requestId);
    if (carved === undefined) return;
    this.#carved.delete(request.requestId);
    this.#change(carved.engineId, carved.parts, -1n);
  }

  check(): void {
    for (const [key, { engineId, amountNanoUsd }] of this.#running) {
      if (this.#tables.engines.get(engineId)?.state !== 'live') continue;
      const leased = this.#tables.leases.get(key)?.amount ?? 0n;
      assert(leased >= amountNanoUsd, `I11: lease ${key} is ${leased}, its running requests hold ${amountNanoUsd}`);
    }
  }

  #change(engineId: number, parts: readonly HoldPart[], sign: bigint): void {
    for (const { leaseNumber, amountNanoUsd } of parts) {
      if (amountNanoUsd === 0n) continue;
      const key = leaseKeyOf(engineId, leaseNumber);
      const sum = (this.#running.get(key)?.amountNanoUsd ?? 0n) + sign * amountNanoUsd;
      if (sum === 0n) this.#running.delete(key);
      else this.#running.set(key, { engineId, number: leaseNumber, amountNanoUsd: sum });
    }
  }
}
