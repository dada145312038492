import { NO_USAGE } from '../../../src/core/chat/usage.js';
import { endByCheckpoint, foldRecord, isEnded, leaseKey, settle, type Ending, type HoldPart, type RequestFold, type RequestRecord } from '../../../src/core/ledger/index.js';
import { parsePrice } from '../../../src/core/pricing/index.js';
import { checkInvariants, type Truth } from './invariants.js';
import { MemoryLedger, type PlantedBug } from './memory-ledger.js';

const PRICE = parsePrice({ input: '1', output: '1' }, 'price');
const TOKEN = 1_000n;
const ACCOUNTS = [1, 2];
const BUDGET = 3;

interface Engine {
  id: number;
  /** Survives a crash; lost with the machine. */
  journal: RequestRecord[];
  open: RequestFold[];
  unposted: RequestFold[];
  leaseNumber: number;
}

export interface SimulationResult {
  requestCount: number;
  refusedCount: number;
  crashCount: number;
}

/** mulberry32: a small generator whose whole state is one number, so that a seed tells the whole story. */
function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * below >>> 0;
  };
}

/** Several engines on two accounts and a budget, with every fault the ledger must survive; invariants after every step. */
export function simulate(seed: number, stepCount: number, bug: PlantedBug = null): SimulationResult {
  return new Simulation(seed, bug).run(stepCount);
}

class Simulation {
  readonly #random: (below: number) => number;
  readonly #ledger: MemoryLedger;
  readonly #truth = new Map<string, Truth>();
  readonly #opening = new Map<number, bigint>();
  readonly #bug: PlantedBug;
  #engines: Engine[] = [];
  /** Journals of engines that died, not taken over yet. */
  #journals: { engineId: number; records: RequestRecord[] }[] = [];
  #nextEngine = 1;
  readonly #result: SimulationResult = { requestCount: 0, refusedCount: 0, crashCount: 0 };

  constructor(seed: number, bug: PlantedBug) {
    this.#random = randomOf(seed);
    this.#bug = bug;
    this.#ledger = new MemoryLedger(bug);
    for (const id of ACCOUNTS) this.#open(id, 40_000n * TOKEN, 'account');
    this.#open(BUDGET, 15_000n * TOKEN, 'budget');
    for (let index = 0; index < 3; index += 1) this.#startEngine();
  }

  run(stepCount: number): SimulationResult {
    for (let step = 0; step < stepCount; step += 1) {
      this.#step();
      this.#check();
    }
    this.#settleEverything();
    this.#check();
    if (this.#ledger.leases.size > 0) throw new Error(`I18: ${this.#ledger.leases.size} leases are left`);
    for (const [requestId, row] of this.#ledger.rows) if (!isEnded(row.state)) throw new Error(`I04: ${requestId} never ended`);
    return this.#result;
  }

  #check(): void {
    checkInvariants(this.#ledger, this.#opening, this.#truth);
    for (const { open } of this.#engines) {
      for (const { admitted } of open) {
        const covered = admitted.parts.every((part) => {
          const lease = this.#ledger.leases.get(leaseKey(admitted.engineId, part.leaseNumber));
          return lease !== undefined && lease.amountNanoUsd >= part.amountNanoUsd;
        });
        if (!covered) throw new Error(`I11: ${admitted.requestId} runs without a lease that covers it`);
      }
    }
  }

  #step(): void {
    const engine = this.#engines[this.#random(this.#engines.length)];
    if (engine === undefined) return;
    const dice = this.#random(100);
    if (dice < 40) this.#hold(engine);
    else if (dice < 60) this.#checkpoint(engine);
    else if (dice < 80) this.#end(engine);
    else if (dice < 92) this.#flush(engine);
    else if (dice < 95) this.#crash(engine);
    else if (dice < 97) this.#takeOver(this.#random(2) === 0);
    else this.#sweep(engine.id);
  }

  #hold(engine: Engine): void {
    const count = 1 + this.#random(5);
    const asked = Array.from({ length: count }, () => {
      const accountId = ACCOUNTS[this.#random(ACCOUNTS.length)] ?? 1;
      const ceilingIds = this.#random(3) === 0 ? [accountId, BUDGET] : [accountId];
      const amountNanoUsd = BigInt(1 + this.#random(2_000)) * TOKEN;
      return { ceilingIds, amountNanoUsd, leaseNumbers: ceilingIds.map(() => (engine.leaseNumber += 1)) };
    });
    const granted = this.#ledger.admit(engine.id, asked);
    // The acknowledgement may be lost: then nobody holds what was leased, until the engine's end or its heartbeat returns it.
    if (this.#random(50) === 0) return;
    asked.forEach((question, index) => {
      this.#result.requestCount += 1;
      if (granted[index] === true) this.#admitted(engine, question);
      else this.#result.refusedCount += 1;
    });
  }

  #admitted(engine: Engine, { ceilingIds, amountNanoUsd, leaseNumbers }: { ceilingIds: number[]; amountNanoUsd: bigint; leaseNumbers: number[] }): void {
    const requestId = `r${this.#result.requestCount}`;
    const parts = ceilingIds.map((ceilingId, index): HoldPart => ({
      ceilingId, kind: ceilingId === BUDGET ? 'budget' : 'account', leaseNumber: leaseNumbers[index] ?? 0, amountNanoUsd,
    }));
    const fold: RequestFold = {
      admitted: {
        type: 'admitted', requestId, engineId: engine.id, organizationId: 'o', projectId: 'p', keyId: 'k', model: 'm', holdNanoUsd: amountNanoUsd,
        expectedCostNanoUsd: amountNanoUsd, parts, receivedAtMs: 1, admittedAtMs: 1,
      },
      forwarded: null, checkpoint: null, ended: null,
    };
    this.#truth.set(requestId, { deliveredNanoUsd: 0n, ended: false });
    engine.journal.push(fold.admitted);
    engine.open.push(fold);
    if (this.#random(2) === 0) this.#record(engine, fold, { type: 'forwarded', requestId, number: 1, provider: 'p', upstreamModel: 'm', atMs: 1 });
  }

  #record(engine: Engine, fold: RequestFold, record: RequestRecord): void {
    engine.journal.push(record);
    foldRecord(fold, record);
  }

  /** Delivered first, journaled after: a checkpoint counts only what the client has. */
  #checkpoint(engine: Engine): void {
    const fold = engine.open[this.#random(engine.open.length)];
    const truth = fold === undefined ? undefined : this.#truth.get(fold.admitted.requestId);
    if (fold === undefined || truth === undefined) return;
    truth.deliveredNanoUsd += BigInt(1 + this.#random(100)) * TOKEN;
    if (this.#random(3) === 0) return;
    const usage = { ...NO_USAGE, output: Number(truth.deliveredNanoUsd / TOKEN) };
    const sequence = (fold.checkpoint?.sequence ?? 0) + 1;
    this.#record(engine, fold, {
      type: 'checkpoint', requestId: fold.admitted.requestId, sequence, usage, priceId: PRICE.id, chargeNanoUsd: truth.deliveredNanoUsd, atMs: 1,
    });
  }

  #end(engine: Engine): void {
    const index = this.#random(engine.open.length);
    const fold = engine.open[index];
    const truth = fold === undefined ? undefined : this.#truth.get(fold.admitted.requestId);
    if (fold === undefined || truth === undefined) return;
    // Sometimes far above the hold: the provider ignored max_tokens.
    truth.deliveredNanoUsd += BigInt(this.#random(this.#random(10) === 0 ? 20_000 : 300)) * TOKEN;
    truth.ended = true;
    engine.open.splice(index, 1);
    this.#record(engine, fold, this.#ended(fold, truth));
    engine.unposted.push(fold);
  }

  #ended(fold: RequestFold, truth: Truth): RequestRecord {
    const delivered = { ...NO_USAGE, output: Number(truth.deliveredNanoUsd / TOKEN) };
    const end = (['completed', 'completed', 'failed', 'canceled'] as const)[this.#random(4)] ?? 'completed';
    const ending: Ending = {
      end, price: PRICE, cost: PRICE, usage: end === 'completed' ? delivered : undefined, delivered, hadHeaders: true, hadContent: delivered.output > 0,
      billPartial: this.#random(2) === 0, requests: 1, images: 0, seconds: 0, suspenseNanoUsd: BigInt(this.#random(2)) * TOKEN, attempts: 1, endedAtMs: 2,
    };
    const outcome = settle(ending);
    if (this.#bug === 'charges-the-hold') outcome.worthNanoUsd = fold.admitted.holdNanoUsd;
    return {
      type: 'ended', requestId: fold.admitted.requestId, outcome, attempts: 1, provider: 'p', upstreamModel: 'm', servedModel: 'm',
      forwardedAtMs: 1, firstTokenAtMs: 1, endedAtMs: 2,
    };
  }

  /** The commit may happen without being acknowledged (posted again later), in any grouping, running requests among them. */
  #flush(engine: Engine): void {
    const batch = engine.unposted.filter(() => this.#random(4) > 0);
    const running = engine.open.filter(() => this.#random(4) === 0);
    if (this.#random(10) === 0) return;
    this.#ledger.post([...running, ...batch], 'engine');
    if (this.#random(5) > 0) engine.unposted = engine.unposted.filter((fold) => !batch.includes(fold));
  }

  #crash(engine: Engine): void {
    this.#result.crashCount += 1;
    this.#engines = this.#engines.filter((other) => other !== engine);
    // One in three takes its machine with it.
    if (this.#random(3) === 0) this.#ledger.returnLeases(this.#settleRows(engine.id));
    else this.#journals.push({ engineId: engine.id, records: cut(engine.journal, this.#random) });
    this.#startEngine();
  }

  /** The successor: what ended is posted, the rest by its last checkpoint, then the leases go back. Twice changes nothing. */
  #takeOver(again: boolean): void {
    const journal = this.#journals[this.#random(this.#journals.length)];
    if (journal === undefined) return;
    const folds = foldJournal(journal.records);
    this.#ledger.post(folds.filter(({ ended }) => ended !== null), 'engine');
    this.#ledger.post(folds.filter(({ ended }) => ended === null).map((fold) => ({ ...fold, ended: endByCheckpoint(fold, 3) })), 'checkpoint');
    this.#ledger.returnLeases(journal.engineId);
    if (!again) this.#journals = this.#journals.filter((other) => other !== journal);
  }

  /** A sweeper that (rightly) thinks a journal's engine dead: the journal turns up later and is posted late. */
  #sweep(ownId: number): void {
    const dead = this.#journals[this.#random(this.#journals.length)];
    if (dead !== undefined && dead.engineId !== ownId) this.#ledger.returnLeases(this.#settleRows(dead.engineId));
  }

  #settleRows(engineId: number): number {
    const folds = this.#foldsOf(engineId).filter((fold) => {
      const row = this.#ledger.rows.get(fold.admitted.requestId);
      return row !== undefined && !isEnded(row.state);
    });
    this.#ledger.post(folds.map((fold) => ({ ...fold, ended: endByCheckpoint(fold, 3) })), 'checkpoint');
    return engineId;
  }

  /** What the database's rows know of an engine's requests: what the journals say, up to the posted checkpoint. */
  #foldsOf(engineId: number): RequestFold[] {
    return [...this.#everyRecord(engineId)].map((fold) => {
      const posted = this.#ledger.rows.get(fold.admitted.requestId)?.checkpointSequence ?? 0;
      return { ...fold, ended: null, checkpoint: fold.checkpoint !== null && fold.checkpoint.sequence <= posted ? fold.checkpoint : null };
    });
  }

  readonly #everything = new Map<number, RequestRecord[]>();

  #everyRecord(engineId: number): RequestFold[] {
    return foldJournal(this.#everything.get(engineId) ?? []);
  }

  #startEngine(): void {
    const engine: Engine = { id: this.#nextEngine, journal: [], open: [], unposted: [], leaseNumber: 0 };
    this.#nextEngine += 1;
    this.#everything.set(engine.id, engine.journal);
    this.#engines.push(engine);
  }

  #open(id: number, amount: bigint, kind: 'account' | 'budget'): void {
    this.#opening.set(id, amount);
    this.#ledger.addCeiling(id, amount, kind);
  }

  #settleEverything(): void {
    for (const engine of this.#engines) {
      for (const fold of engine.open.splice(0)) engine.unposted.push({ ...fold, ended: endByCheckpoint(fold, 4) });
      this.#ledger.post(engine.unposted.splice(0), 'engine');
      this.#ledger.returnLeases(engine.id);
    }
    while (this.#journals.length > 0) this.#takeOver(false);
  }
}

/** A kill may cut the last record. */
function cut(records: RequestRecord[], random: (below: number) => number): RequestRecord[] {
  return random(3) === 0 ? records.slice(0, -1) : records;
}

function foldJournal(records: readonly RequestRecord[]): RequestFold[] {
  const folds = new Map<string, RequestFold>();
  for (const record of records) {
    if (record.type === 'admitted') folds.set(record.requestId, { admitted: record, forwarded: null, checkpoint: null, ended: null });
    else {
      const fold = folds.get(record.requestId);
      if (fold !== undefined) foldRecord(fold, record);
    }
  }
  return [...folds.values()];
}
