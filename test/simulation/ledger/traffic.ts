import { NO_USAGE } from '../../../src/core/chat/usage.js';
import type { BudgetCeiling, Ending, Hold, HoldRequest, Settlement } from '../../../src/core/ledger/index.js';
import { parsePrice } from '../../../src/core/pricing/index.js';
import type { Process } from './process.js';
import type { World } from './world.js';

/** 1 USD per million tokens: a token is 1,000 nano-USD. */
export const TOKEN = 1_000n;
const PRICE = parsePrice({ input: '1', output: '1' }, 'price');
const COST = parsePrice({ input: '0.5', output: '0.5' }, 'cost');
const ENDS = ['completed', 'completed', 'completed', 'failed', 'canceled'] as const;

/** What the outside knows of a request. */
export interface Truth {
  readonly request: HoldRequest;
  readonly process: Process;
  hold: Hold | null;
  /** Written to the client. */
  deliveredTokens: number;
  /** Its end was journaled before the client saw it. */
  settlement: Settlement | null;
  refusal: string | null;
  /** Without waiting for anything. */
  immediate: boolean;
}

export interface TrafficEvents {
  admitted(truth: Truth): void;
  settled(truth: Truth): void;
  /** Neither served nor refused as the contract allows. */
  trouble(message: string): void;
}

const REFUSALS = new Set(['insufficient_credits', 'budget_exceeded', 'service_unavailable', 'overloaded', 'server_shutdown']);

/** Customers: each request streams a while, is checkpointed now and then, and ends in one of many ways, or never. */
export class Traffic {
  readonly truths = new Map<string, Truth>();
  readonly #world: World;
  readonly #events: TrafficEvents;
  readonly #strict: boolean;

  constructor(world: World, strict: boolean, events: TrafficEvents) {
    this.#world = world;
    this.#strict = strict;
    this.#events = events;
  }

  async serve(process: Process): Promise<void> {
    const truth: Truth = { request: this.#request(), process, hold: null, deliveredTokens: 0, settlement: null, refusal: null, immediate: false };
    this.truths.set(truth.request.requestId, truth);
    const askedMs = this.#world.nowMs;
    try {
      truth.hold = await process.engine.hold(truth.request);
    } catch (error) {
      truth.refusal = (error as { code?: string }).code ?? (error as Error).message;
      if (!REFUSALS.has(truth.refusal)) this.#events.trouble(`hold: ${(error as Error).message}`);
      return;
    }
    truth.immediate = this.#world.nowMs === askedMs;
    this.#events.admitted(truth);
    await this.#stream(truth, truth.hold);
    const settlement = truth.hold.settle(this.#ending(truth));
    this.#events.settled(truth);
    await process.engine.written()?.catch(() => undefined);
    truth.settlement = settlement;
  }

  #request(): HoldRequest {
    const world = this.#world;
    const dice = world.random(10);
    const organizationId = dice < 6 ? 'rich' : dice < 8 ? 'poor' : 'seasonal';
    const layers: BudgetCeiling[] = [
      { scope: 'project', id: 'p', amountNanoUsd: 6_000n * TOKEN, period: 'day' },
      { scope: 'key', id: 'k', amountNanoUsd: 90_000n * TOKEN, period: 'total' },
    ];
    const budgets = organizationId === 'rich' && world.chance(300) ? layers.slice(0, world.between(1, 2)) : [];
    const tokens = world.chance(30) ? world.between(2_000, 20_000) : world.chance(20) ? 0 : world.between(20, 400);
    return {
      requestId: `r${this.truths.size}`, organizationId, projectId: 'p', keyId: 'k', budgets, model: 'm', amountNanoUsd: BigInt(tokens) * TOKEN,
      receivedAtMs: world.nowMs, timezone: 'UTC', strict: this.#strict,
    };
  }

  /** Delivered first, journaled after: a checkpoint counts only what the client has. */
  async #stream(truth: Truth, hold: Hold): Promise<void> {
    const world = this.#world;
    if (world.chance(50)) return;
    hold.forwarded({ provider: 'p', upstreamModel: 'm', number: 1, atMs: world.nowMs });
    try {
      await truth.process.engine.written();
    } catch {
      return;
    }
    const chunkCount = world.chance(200) ? world.between(5, 40) : world.between(0, 4);
    for (let chunk = 0; chunk < chunkCount; chunk += 1) {
      await world.sleep(world.between(1, 120));
      truth.deliveredTokens += world.between(1, 30);
      if (world.chance(400)) hold.checkpoint({ ...NO_USAGE, output: truth.deliveredTokens }, PRICE);
    }
    await world.sleep(world.between(0, 50));
    // Sometimes far above the hold: the provider ignored max_tokens.
    truth.deliveredTokens += world.between(0, world.chance(50) ? 4_000 : 60);
  }

  #ending(truth: Truth): Ending {
    const world = this.#world;
    const delivered = { ...NO_USAGE, output: truth.deliveredTokens };
    const end = truth.deliveredTokens === 0 ? 'canceled' : (ENDS[world.random(ENDS.length)] ?? 'completed');
    return {
      end, price: PRICE, cost: COST, usage: end === 'completed' ? delivered : undefined, delivered, hadHeaders: truth.deliveredTokens > 0,
      hadContent: truth.deliveredTokens > 0, billPartial: world.chance(800), requests: 1, images: 0, seconds: 0,
      suspenseNanoUsd: BigInt(world.random(2)) * TOKEN, attempts: 1, provider: 'p', upstreamModel: 'm', servedModel: 'm', endedAtMs: Date.now(),
    };
  }
}
