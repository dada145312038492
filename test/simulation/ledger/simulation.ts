import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BillingSettings } from '../../../src/billing/billing-settings.js';
import { Connection, type Weather } from './connection.js';
import { Coverage } from './coverage.js';
import { failJournalsOf } from './journal-faults.js';
import { Process } from './process.js';
import { assert, Server } from './server.js';
import type { DatabaseBug } from './stored.js';
import { TOKEN, Traffic, type Truth } from './traffic.js';
import { World } from './world.js';

export interface SimulationOptions {
  readonly seed: number;
  readonly requestCount: number;
  readonly strict: boolean;
  readonly bug?: DatabaseBug;
  readonly settings?: Partial<BillingSettings>;
}

export interface SimulationResult {
  requestCount: number;
  admittedCount: number;
  /** Without asking the database. */
  carvedCount: number;
  refusedCount: number;
  unavailableCount: number;
  killCount: number;
  freezeCount: number;
  outageCount: number;
  sweptCount: number;
  lateCount: number;
  stepCount: number;
}

/** Production's times, shortened in proportion. */
const QUICK = {
  heartbeatMs: 1_000, deadAfterMs: 4_000, fenceMs: 3_000, unknownLeaseAgeMs: 800, sweepMs: 1_000, runningRowAfterMs: 100, stopDeadlineMs: 2_000,
  admissionDeadlineMs: 800, leaseTendMs: 100, leaseIdleMs: 2_000, leaseShortMs: 1_500, leasePoorMs: 300, segmentBytes: 20_000,
};
const MACHINES = [2, 1];
const STORM: Weather = { lostPerMille: 4, slowPerMille: 4 };
const ARRIVAL_MS = 15;
const QUIET_MS = 60_000;

/** Several gateways on three accounts, with every fault the ledger must survive; invariants after every step. */
export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  const root = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'og-simulation-'));
  const world = new World(options.seed);
  const uninstall = world.install();
  const mend = failJournalsOf(world);
  try {
    return await new Simulation(world, root, options).run();
  } finally {
    mend();
    uninstall();
    rmSync(root, { recursive: true, force: true });
  }
}

class Simulation {
  readonly #world: World;
  readonly #root: string;
  readonly #options: SimulationOptions;
  readonly #server: Server;
  readonly #coverage: Coverage;
  readonly #traffic: Traffic;
  readonly #settings: BillingSettings;
  readonly #deadEngines = new Set<number>();
  #processes: Process[] = [];
  readonly #machines: string[];
  /** Machines that were lost with their disk, for good. */
  readonly #lostDirectories = new Set<string>();
  /** Where the disk of a lost machine went. */
  readonly #movedTo = new Map<string, string>();
  #processCount = 0;
  #calm = false;
  #trouble: string | null = null;
  readonly #result: SimulationResult = {
    requestCount: 0, admittedCount: 0, carvedCount: 0, refusedCount: 0, unavailableCount: 0, killCount: 0, freezeCount: 0, outageCount: 0, sweptCount: 0,
    lateCount: 0, stepCount: 0,
  };

  constructor(world: World, root: string, options: SimulationOptions) {
    this.#world = world;
    this.#root = root;
    this.#options = options;
    this.#server = new Server(world, options.bug ?? null);
    this.#coverage = new Coverage(this.#server.tables);
    this.#settings = new BillingSettings(QUICK);
    Object.assign(this.#settings, options.settings);
    this.#machines = MACHINES.map((_, index) => this.#newMachine(index));
    this.#traffic = new Traffic(world, options.strict, {
      admitted: (truth) => this.#noting(() => this.#coverage.begin(truth)),
      settled: (truth) => this.#coverage.end(truth),
      trouble: (message) => (this.#trouble ??= message),
    });
  }

  async run(): Promise<SimulationResult> {
    this.#fund();
    MACHINES.forEach((count, machine) => {
      for (let index = 0; index < count; index += 1) this.#startProcess(machine);
    });
    this.#every(ARRIVAL_MS, 2 * ARRIVAL_MS, () => this.#arrive());
    this.#every(2_000, 9_000, () => this.#kill());
    this.#every(2_000, 8_000, () => this.#freeze());
    this.#every(8_000, 30_000, () => this.#outage());
    this.#every(500, 3_000, () => this.#repeatJob());
    this.#every(5_000, 25_000, () => this.#journalFault());
    this.#every(300, 1_500, () => this.#server.change((statements) => statements.grant('poor', BigInt(this.#world.between(1, 400)) * TOKEN, null)));
    this.#every(2_000, 6_000, () => this.#server.change((statements) => statements.grant('seasonal', BigInt(this.#world.between(1, 4_000)) * TOKEN, 5_000)));
    this.#every(900, 1_100, () => this.#server.change((statements) => statements.expire()));
    await this.#until(() => this.#traffic.truths.size >= this.#options.requestCount);
    await this.#settleEverything();
    this.#judge();
    return this.#summary();
  }

  /** What is found inside a process's own code is told at the next check. */
  #noting(check: () => void): void {
    try {
      check();
    } catch (error) {
      this.#trouble ??= (error as Error).message;
    }
  }

  #fund(): void {
    this.#server.change((statements) => {
      statements.grant('rich', 500_000n * TOKEN, null);
      statements.grant('rich', 2_000_000n * TOKEN, null);
      statements.grant('poor', 2_000n * TOKEN, null);
    });
  }

  async #until(done: () => boolean, untilMs = Number.POSITIVE_INFINITY): Promise<void> {
    while (!done() && (await this.#world.step(untilMs))) this.#check();
  }

  /** After every step. */
  #check(): void {
    this.#result.stepCount += 1;
    assert(this.#trouble === null, this.#trouble ?? '');
    if (!this.#server.isWithinTransaction) this.#coverage.check();
    for (const process of this.#processes) {
      process.noteEngine();
      for (const { number, amountNanoUsd, heldNanoUsd } of process.ready ? process.engine.leases : []) {
        assert(heldNanoUsd >= 0n && heldNanoUsd <= amountNanoUsd, `I03: ${process.name} holds ${heldNanoUsd} of lease ${number}, which is ${amountNanoUsd}`);
      }
    }
  }

  /** Again and again, at random distances, until it is calm. */
  #every(leastMs: number, mostMs: number, run: () => void): void {
    this.#world.after(this.#world.between(leastMs, mostMs), null, () => {
      if (this.#calm) return;
      run();
      this.#every(leastMs, mostMs, run);
    });
  }

  #arrive(): void {
    const burst = this.#world.chance(20) ? this.#world.between(5, 40) : 1;
    for (let index = 0; index < burst; index += 1) {
      const process = this.#anyProcess((candidate) => candidate.ready);
      if (process !== null) this.#world.after(0, process, () => void this.#serve(process));
    }
  }

  async #serve(process: Process): Promise<void> {
    await this.#traffic.serve(process).catch((error: unknown) => (this.#trouble ??= `serve: ${(error as Error).message}`));
  }

  #anyProcess(fits: (process: Process) => boolean): Process | null {
    const some = this.#processes.filter((process) => process.alive && fits(process));
    return some[this.#world.random(some.length)] ?? null;
  }

  #newMachine(index: number): string {
    const directory = join(this.#root, `machine-${index}-${this.#processCount}`);
    mkdirSync(join(directory, 'journal'), { recursive: true });
    return directory;
  }

  #startProcess(machine: number): void {
    this.#processCount += 1;
    const process = new Process({
      world: this.#world, settings: this.#settings, dataDirectory: this.#machines[machine] ?? '', name: `process-${this.#processCount}`,
      connection: new Connection(this.#world, this.#server, this.#calm ? { lostPerMille: 0, slowPerMille: 0 } : STORM),
      deadEngines: this.#deadEngines, onTrouble: (message) => (this.#trouble ??= message),
    });
    this.#processes.push(process);
    this.#world.after(0, process, () => {
      void process.start().then((started) => {
        if (!started) this.#end(process, machine);
      });
    });
  }

  /** The process is dead and another one takes its place. */
  #end(process: Process, machine: number): void {
    for (const id of process.engineIds) this.#deadEngines.add(id);
    process.kill();
    this.#processes = this.#processes.filter((other) => other !== process);
    for (const truth of this.#traffic.truths.values()) if (truth.process === process) this.#coverage.end(truth);
    this.#world.after(this.#world.between(100, 5_000), null, () => this.#startProcess(machine));
  }

  #kill(): void {
    const process = this.#anyProcess(() => true);
    if (process === null) return;
    this.#result.killCount += 1;
    const machine = this.#machines.indexOf(process.dataDirectory);
    if (!this.#world.chance(150)) {
      if (process.journalDirectory !== null && this.#world.chance(300)) tear(process.journalDirectory);
      this.#end(process, machine);
      return;
    }
    // The machine is lost, and everything on it; its disk may turn up later, in another one.
    const directory = process.dataDirectory;
    this.#machines[machine] = this.#newMachine(machine);
    for (const other of this.#processes.filter(({ dataDirectory }) => dataDirectory === directory)) this.#end(other, machine);
    if (this.#world.chance(500)) this.#lostDirectories.add(directory);
    else this.#world.after(this.#world.between(1_000, 12_000), null, () => this.#bringBack(directory, this.#machines[machine] ?? ''));
  }

  #isLost(directory: string): boolean {
    const next = this.#movedTo.get(directory);
    return this.#lostDirectories.has(directory) || (next !== undefined && this.#isLost(next));
  }

  #bringBack(from: string, to: string): void {
    this.#movedTo.set(from, to);
    for (const name of readdirSync(join(from, 'journal'))) renameSync(join(from, 'journal', name), join(to, 'journal', name));
  }

  #freeze(): void {
    const process = this.#anyProcess(() => true);
    if (process === null) return;
    this.#result.freezeCount += 1;
    process.frozenUntilMs = this.#world.nowMs + this.#world.between(200, 8_000);
  }

  #outage(): void {
    this.#result.outageCount += 1;
    this.#server.crash(this.#world.between(100, this.#world.chance(300) ? 9_000 : 1_500));
  }

  #repeatJob(): void {
    const process = this.#anyProcess(({ ready }) => ready);
    if (process === null) return;
    for (let time = 0; time < 2; time += 1) this.#world.after(time, process, () => void process.sweep().catch(() => undefined));
  }

  #journalFault(): void {
    const process = this.#anyProcess(({ ready }) => ready);
    if (process !== null) process.journalFailsUntilMs = this.#world.nowMs + this.#world.between(50, 1_500);
  }

  /** The faults end, what runs runs out, dead engines are taken over or swept, and every process stops in order. */
  async #settleEverything(): Promise<void> {
    this.#calm = true;
    for (const process of this.#processes) process.calm();
    await this.#until(() => false, this.#world.nowMs + QUIET_MS);
    for (const process of this.#processes) this.#world.after(0, process, () => void process.stop());
    await this.#until(() => false, this.#world.nowMs + 2 * this.#settings.stopDeadlineMs);
  }

  #judge(): void {
    this.#server.check();
    const { leases, rows, engines, costs } = this.#server.tables;
    assert(leases.size === 0, `I18: ${leases.size} leases are left: ${[...leases.keys()].slice(0, 3).join(', ')}`);
    for (const { id, state } of engines.values()) assert(state !== 'live', `I18: engine ${id} is still live`);
    for (const row of rows.values()) {
      assert(row.state !== 'forwarded' && row.state !== 'streaming', `I04: ${row.request_id} never ended`);
      const posted = costs.get(row.request_id) ?? 0n;
      assert(row.provider_cost + row.suspense === posted, `I04: ${row.request_id} says it cost ${row.provider_cost + row.suspense}, ${posted} is posted`);
    }
    for (const truth of this.#traffic.truths.values()) this.#judgeRequest(truth);
  }

  #judgeRequest(truth: Truth): void {
    const { request, settlement, deliveredTokens, process } = truth;
    const row = this.#server.tables.rows.get(request.requestId);
    const charged = row === undefined ? 0n : row.captured + row.overage;
    assert(charged <= BigInt(deliveredTokens) * TOKEN, `guarantee: ${request.requestId} was charged ${charged}, ${deliveredTokens} tokens were delivered`);
    assert(row === undefined || row.captured <= request.amountNanoUsd, `I05: ${request.requestId} captured more than its hold`);
    if (settlement === null || process.lostRecords || this.#isLost(process.dataDirectory)) return;
    assert(row !== undefined, `I23: the end of ${request.requestId} was lost`);
    const accounted = charged + row.loss;
    // What a checkpoint charged stays, when the true end turns up and is worth less.
    if (row.settled_by === 'checkpoint' && accounted > settlement.costNanoUsd) return;
    assert(accounted === settlement.costNanoUsd, `I23: ${request.requestId} was worth ${settlement.costNanoUsd}, ${accounted} is accounted for`);
    if (row.settled_by === 'engine') assert(row.captured === settlement.chargedNanoUsd, `I23: ${request.requestId} captured ${row.captured} instead of ${settlement.chargedNanoUsd}`);
  }

  #summary(): SimulationResult {
    const result = this.#result;
    for (const { hold, refusal, immediate } of this.#traffic.truths.values()) {
      result.requestCount += 1;
      if (hold !== null) result.admittedCount += 1;
      if (immediate) result.carvedCount += 1;
      if (refusal === 'insufficient_credits' || refusal === 'budget_exceeded') result.refusedCount += 1;
      else if (refusal !== null) result.unavailableCount += 1;
    }
    for (const { state } of this.#server.tables.engines.values()) if (state === 'swept') result.sweptCount += 1;
    for (const row of this.#server.tables.rows.values()) if (row.settled_by === 'late') result.lateCount += 1;
    return result;
  }
}

/** What a kill in the middle of a write leaves. */
function tear(journalDirectory: string): void {
  const last = readdirSync(journalDirectory).filter((name) => name.endsWith('.journal')).sort().at(-1);
  if (last !== undefined) appendFileSync(join(journalDirectory, last), '0badc0de {"type":"adm');
}
