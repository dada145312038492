import type { World } from './world.js';
import { leaseKeyOf, Refused, type DatabaseBug, type StoredCeiling, type StoredEngine, type StoredLease, type MoneyColumn, type StoredRow, type StoredTransaction, type Tables, ACCOUNTS } from './stored.js';

type Values = readonly unknown[];
export type Answer = Record<string, unknown>[];

/** A period of the simulation's budgets lasts so long. */
export const PERIOD_MS = 40_000;
const FINAL = new Set(['completed', 'failed', 'canceled']);

/**
 * The ledger's statements on the simulated tables, each as its SQL does it (migrations …16000001, …40000000, …70000001).
 * What the SQL itself does is tested against a real PostgreSQL (`test/integration/billing-*.spec.ts`).
 */
export class Statements {
  readonly #tables: Tables;
  readonly #world: World;
  readonly #bug: DatabaseBug;
  #nextId = 1;

  constructor(tables: Tables, world: World, bug: DatabaseBug) {
    this.#tables = tables;
    this.#world = world;
    this.#bug = bug;
  }

  account(organizationId: string): number {
    return this.#ceilingOf({ kind: 'account', organizationId, key: organizationId, endsAtMs: Number.POSITIVE_INFINITY, amount: 0n });
  }

  budget(values: Values): Answer {
    const [organizationId, scope, scopeId, period, , amount] = values as [string, string, string, string, string, bigint];
    const nowMs = this.#world.nowMs;
    const endsAtMs = period === 'total' ? Number.POSITIVE_INFINITY : (Math.floor(nowMs / PERIOD_MS) + 1) * PERIOD_MS;
    const id = this.#ceilingOf({ kind: 'budget', organizationId, key: `${scope} ${scopeId} ${period} ${endsAtMs}`, endsAtMs, amount });
    return [{ id: String(id), left_ms: endsAtMs - nowMs }];
  }

  register([bootId, , , pid]: Values): Answer {
    const id = this.#id();
    this.#tables.put(this.#tables.engines, id, { id, state: 'live', heartbeatMs: this.#world.nowMs, bootId: String(bootId), pid: Number(pid) });
    return [{ id: String(id), now_ms: this.#databaseMs(this.#world.nowMs) }];
  }

  heartbeat([id]: Values): Answer {
    const engine = this.#tables.engines.get(Number(id));
    if (engine?.state !== 'live') return [];
    this.#tables.put(this.#tables.engines, engine.id, { ...engine, heartbeatMs: this.#world.nowMs });
    return [{ now_ms: this.#databaseMs(this.#world.nowMs) }];
  }

  returnUnknown([engine, known, ageMs, last]: Values): Answer {
    const numbers = new Set(known as number[]);
    const old = this.#leasesOfEngine(Number(engine)).filter(
      ({ number, openedAtMs }) => number <= Number(last) && !numbers.has(number) && openedAtMs < this.#world.nowMs - Number(ageMs),
    );
    return this.#returnLeases(old);
  }

  returnLeases([engine, numbers]: Values): Answer {
    const asked = new Set(numbers as number[]);
    return this.#returnLeases(this.#leasesOfEngine(Number(engine)).filter(({ number }) => asked.has(number)));
  }

  returnAll([engine]: Values): Answer {
    return this.#returnLeases(this.#leasesOfEngine(Number(engine)));
  }

  admit(values: Values): Answer {
    const [engineId, ceilingIds, numbers, amounts, first, items] = values as [number, number[], number[], bigint[], number[], number[]];
    this.#requireLive(engineId);
    const nowMs = this.#world.nowMs;
    const available = ceilingIds.map((id) => this.#tables.available(id, nowMs));
    const taken = ceilingIds.map(() => 0n);
    const over = ceilingIds.map((id) => this.#tables.ceiling(id).endsAtMs <= nowMs);
    const verdicts = amounts.map((amount, index) => {
      const places = items.slice((first[index] ?? 1) - 1, (first[index + 1] ?? 1) - 1).map((place) => place - 1);
      const ended = places.findLast((place) => over[place] === true);
      const short = places.find((place) => (available[place] ?? 0n) < amount && (this.#bug !== 'forgets-budget' || place === places[0]));
      if (ended !== undefined) return -(ended + 1);
      if (short !== undefined) return short + 1;
      for (const place of places) {
        const fits = (available[place] ?? 0n) >= amount;
        available[place] = (available[place] ?? 0n) - (fits ? amount : 0n);
        taken[place] = (taken[place] ?? 0n) + (fits ? amount : 0n);
      }
      return 0;
    });
    ceilingIds.forEach((id, index) => this.#open(engineId, numbers[index] ?? 0, { ceilingId: id, amount: taken[index] ?? 0n, exact: true }));
    const left = ceilingIds.map((id) => this.#tables.ceiling(id).endsAtMs - nowMs);
    const refused = verdicts.some((verdict) => verdict !== 0);
    return [{ verdicts, admitted_at: new Date(this.#databaseMs(nowMs)), left_ms: left, elsewhere: refused ? ceilingIds.map((id) => this.#elsewhere(id, engineId)) : null }];
  }

  take(values: Values): Answer {
    const [engineId, ceilingIds, numbers, wants, leasts] = values as [number, number[], number[], bigint[], bigint[]];
    this.#requireLive(engineId);
    const nowMs = this.#world.nowMs;
    const amounts = ceilingIds.map((id, index) => {
      const sixteenth = this.#tables.available(id, nowMs) / 16n;
      const want = wants[index] ?? 0n;
      const amount = want < sixteenth ? want : sixteenth;
      const none = amount <= 0n || amount < (leasts[index] ?? 0n) || this.#tables.ceiling(id).endsAtMs <= nowMs;
      if (!none) this.#open(engineId, numbers[index] ?? 0, { ceilingId: id, amount, exact: false });
      return none ? '0' : String(amount);
    });
    return [{ amounts, left_ms: ceilingIds.map((id) => this.#tables.ceiling(id).endsAtMs - nowMs) }];
  }

  giveBack(values: Values): Answer {
    const [engineId, numbers, keeps] = values as [number, number[], bigint[]];
    numbers.forEach((number, index) => {
      const lease = this.#tables.leases.get(leaseKeyOf(engineId, number));
      if (lease === undefined) return;
      const keep = this.#bug === 'gives-back-holds' ? 0n : (keeps[index] ?? 0n);
      const amount = lease.amount < keep ? lease.amount : keep;
      this.#tables.change(lease.ceilingId, 0n, amount - lease.amount);
      this.#keep({ ...lease, amount, exact: true });
    });
    return [{}];
  }

  view(values: Values): Answer {
    const [ceilingIds, requests, engineIds, numbers, accountIds] = values as [number[], string | string[], number[], number[], number[]];
    const requestIds = typeof requests === 'string' ? requests.slice(1, -1).split(',') : requests;
    const hidden = this.#bug === 'posts-twice';
    const rows = hidden ? [] : requestIds.flatMap((id) => this.#tables.rows.get(id) ?? []);
    const leases = engineIds.flatMap((engineId, index) => this.#tables.leases.get(leaseKeyOf(engineId, numbers[index] ?? 0)) ?? []);
    return [
      {
        ceilings: ceilingIds.map((id) => this.#tables.ceiling(id)).map(({ id, posted, leased }) => [id, String(posted), String(leased), '0']),
        requests: rows.map((row) => [row.request_id, row.state, row.settled_by, row.checkpoint_sequence, row.attempts, String(row.captured + row.overage + row.loss), String(row.provider_cost), String(row.suspense)]),
        leases: leases.map(({ engineId, number, ceilingId, amount, exact }) => [engineId, number, ceilingId, String(amount), exact]),
        grants: accountIds.flatMap((id) => this.#tables.grantsOf(id)).map((grant) => [
          grant.id, grant.ceilingId, String(grant.remaining), grant.priority, this.#databaseMs(grant.expiresAtMs), this.#databaseMs(grant.createdAtMs),
        ]),
        now_ms: this.#databaseMs(this.#world.nowMs),
      },
    ];
  }

  /** COPY of new rows. */
  addRows(rows: Values): Answer {
    for (const row of rows as StoredRow[]) {
      if (this.#tables.rows.has(row.request_id)) throw new Refused('23505', `I06: request ${row.request_id} has a row already`);
      this.#requireEdge(null, row);
      this.#tables.put(this.#tables.rows, row.request_id, row);
    }
    return [];
  }

  /** COPY of transactions, their entries in columns. */
  addTransactions(rows: Values): Answer {
    for (const row of rows as StoredTransaction[]) {
      this.#tables.once(`${row.request_id} ${row.kind}`);
      const name = `${row.kind} of ${row.request_id}`;
      const sum = ACCOUNTS.reduce((total, account) => total + (row[account] ?? 0n), 0n);
      if (sum !== 0n) throw new Refused('23514', `I01: transaction ${name} does not balance (${sum})`);
      if (row.credit !== null) this.#takeCredit(row, name);
      const cost = (row.provider_cost ?? 0n) + (row.suspense ?? 0n);
      this.#tables.put(this.#tables.costs, row.request_id, (this.#tables.costs.get(row.request_id) ?? 0n) + cost);
      this.#tables.transactionCount += 1;
    }
    return [];
  }

  #takeCredit(row: StoredTransaction, name: string): void {
    const grants = row.split_grants ?? [row.grant_id];
    const amounts = row.split_amounts ?? [row.credit ?? 0n];
    const sum = amounts.reduce((total, amount) => total + amount, 0n);
    if (sum !== row.credit || grants.length !== amounts.length) throw new Refused('23514', `I01: the credit of transaction ${name} is not what its grants gave`);
    grants.forEach((id, index) => {
      const grant = this.#tables.grants.get(id ?? 0);
      if (grant === undefined) throw new Refused('23514', 'I15: credit was taken from no grant although there is no overdraft');
      this.#tables.replay(grant.ceilingId, amounts[index] ?? 0n);
    });
  }

  write(values: Values): Answer {
    const [rows, bRequests, bCeilings, bAmounts] = values as [string | null, string[], number[], bigint[]];
    const [cIds, cPosted, cLeased, lEngines, lNumbers, lAmounts] = values.slice(4, 10) as [number[], bigint[], bigint[], number[], number[], bigint[]];
    const [gIds, gRemaining] = values.slice(10, 12) as [number[], bigint[]];
    for (const row of JSON.parse(rows ?? '[]') as StoredRow[]) this.#changeRow(row);
    cIds.forEach((id, index) => this.#tables.change(id, cPosted[index] ?? 0n, cLeased[index] ?? 0n));
    lNumbers.forEach((number, index) => {
      const lease = this.#tables.leases.get(leaseKeyOf(lEngines[index] ?? 0, number));
      if (lease !== undefined) this.#keep({ ...lease, amount: lAmounts[index] ?? 0n });
    });
    if (this.#bug !== 'burns-nothing') gIds.forEach((id, index) => this.#setRemaining(id, gRemaining[index] ?? 0n));
    bRequests.forEach((requestId, index) => {
      const key = `${requestId}/${bCeilings[index]}`;
      this.#tables.put(this.#tables.charges, key, (this.#tables.charges.get(key) ?? 0n) + (bAmounts[index] ?? 0n));
      this.#tables.replay(bCeilings[index] ?? 0, -(bAmounts[index] ?? 0n));
    });
    return [{}];
  }

  engineState([id, , ageMs]: Values): Answer {
    const engine = this.#tables.engines.get(Number(id));
    return engine === undefined ? [] : [{ state: engine.state, stale: engine.heartbeatMs < this.#world.nowMs - Number(ageMs) }];
  }

  lockEngine([id, heartbeatAt]: Values): Answer {
    const engine = this.#tables.engines.get(Number(id));
    const same = heartbeatAt === null || (engine?.state === 'live' && String(engine.heartbeatMs) === heartbeatAt);
    return engine === undefined || !same ? [] : [{}];
  }

  endEngine([id, state]: Values): Answer {
    const engine = this.#tables.engines.get(Number(id));
    if (engine?.state === 'live') this.#tables.put(this.#tables.engines, engine.id, { ...engine, state: state as StoredEngine['state'] });
    return [];
  }

  /** Only when nothing of it is unfinished. */
  endCleanEngine([id]: Values): Answer {
    const busy = this.#leasesOfEngine(Number(id)).length > 0 || this.unfinished([id]).length > 0;
    return busy ? [] : this.endEngine([id, 'ended']);
  }

  liveEngines([ageMs, own]: Values): Answer {
    return [...this.#tables.engines.values()]
      .filter(({ id, state }) => state === 'live' && id !== Number(own))
      .map(({ id, heartbeatMs }) => ({ id: String(id), heartbeat_at: String(heartbeatMs), stale: heartbeatMs < this.#world.nowMs - Number(ageMs) }));
  }

  unfinished([engine]: Values): Answer {
    const open = [...this.#tables.rows.values()].filter(({ engine_id: id, state }) => id === Number(engine) && (state === 'forwarded' || state === 'streaming'));
    const json = (value: unknown): unknown => (typeof value === 'string' ? JSON.parse(value) : null);
    return open.map((row) => ({
      ...row, checkpoint_charge: row['checkpoint_charge'] ?? null, price_id: row['price_id'] ?? null, usage: json(row['usage']), parts: json(row['parts']),
      received_ms: row['received_at'], admitted_ms: row['admitted_at'], forwarded_ms: row['forwarded_at'] ?? null,
    }));
  }

  leftovers(): Answer {
    const left = [...this.#tables.rows.values()].filter(({ state }) => state === 'forwarded' || state === 'streaming').map((row) => row.engine_id);
    return [...new Set(left)].filter((id) => this.#tables.engines.get(id)?.state !== 'live').map((id) => ({ id: String(id) }));
  }

  /** Credit from outside, and its expiry: as `Credits` does it, in one transaction. */
  grant(organizationId: string, amount: bigint, validMs: number | null): void {
    const ceilingId = this.account(organizationId);
    const nowMs = this.#world.nowMs;
    const id = this.#id();
    const expiresAtMs = validMs === null ? null : nowMs + validMs;
    this.#tables.put(this.#tables.grants, id, { id, ceilingId, amount, remaining: amount, expired: 0n, priority: id % 3, expiresAtMs, createdAtMs: nowMs });
    this.#tables.change(ceilingId, amount, 0n);
    this.#tables.replay(ceilingId, amount);
  }

  expire(): void {
    for (const grant of this.#tables.grants.values()) {
      if (grant.remaining === 0n || grant.expiresAtMs === null || grant.expiresAtMs > this.#world.nowMs) continue;
      const { posted, leased } = this.#tables.ceiling(grant.ceilingId);
      const taken = grant.remaining < posted - leased ? grant.remaining : posted - leased;
      if (taken <= 0n) continue;
      this.#tables.put(this.#tables.grants, grant.id, { ...grant, remaining: grant.remaining - taken, expired: grant.expired + taken });
      this.#tables.change(grant.ceilingId, -taken, 0n);
      this.#tables.replay(grant.ceilingId, -taken);
    }
  }

  #changeRow(row: StoredRow): void {
    const before = this.#tables.rows.get(row.request_id);
    if (before === undefined) return;
    this.#requireEdge(before, row);
    const money = (name: MoneyColumn): bigint => BigInt(row[name]);
    const given = Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null && value !== undefined));
    this.#tables.put(this.#tables.rows, row.request_id, {
      ...before, ...given, settled_by: row.settled_by, worth: money('worth'), provider_cost: money('provider_cost'), suspense: money('suspense'),
      captured: before.captured + money('captured'), overage: before.overage + money('overage'), loss: before.loss + money('loss'),
    });
  }

  #requireEdge(before: StoredRow | null, { state, request_id: requestId }: StoredRow): void {
    const from = before?.state ?? null;
    const legal =
      (from === null && state !== 'streaming' && state !== 'compensated') ||
      from === state ||
      (from === 'forwarded' && state !== 'compensated') ||
      (from === 'streaming' && FINAL.has(state)) ||
      (from !== null && FINAL.has(from) && state === 'compensated');
    if (!legal) throw new Refused('23514', `I10: request ${requestId} cannot become ${state} from ${from}`);
  }

  #setRemaining(id: number, remaining: bigint): void {
    const grant = this.#tables.grants.get(id);
    if (grant === undefined || remaining < 0n) throw new Refused('23514', `I15: grant ${id} would have ${remaining} left`);
    this.#tables.put(this.#tables.grants, id, { ...grant, remaining });
  }

  #requireLive(engineId: number): void {
    if (this.#tables.engines.get(engineId)?.state !== 'live') throw new Refused('OG001', `engine ${engineId} is not live`);
  }

  #elsewhere(ceilingId: number, engineId: number): number {
    return this.#tables.leasesOf(ceilingId).reduce((most, lease) => (lease.engineId === engineId ? most : Math.max(most, lease.exact ? 1 : 2)), 0);
  }

  #open(engineId: number, number: number, lease: Pick<StoredLease, 'ceilingId' | 'amount' | 'exact'>): void {
    if (lease.amount === 0n) return;
    this.#tables.change(lease.ceilingId, 0n, lease.amount);
    this.#tables.put(this.#tables.leases, leaseKeyOf(engineId, number), { engineId, number, ...lease, openedAtMs: this.#world.nowMs });
  }

  #keep(lease: StoredLease): void {
    const key = leaseKeyOf(lease.engineId, lease.number);
    if (lease.amount === 0n) this.#tables.drop(this.#tables.leases, key);
    else this.#tables.put(this.#tables.leases, key, lease);
  }

  #leasesOfEngine(engineId: number): StoredLease[] {
    return [...this.#tables.leases.values()].filter((lease) => lease.engineId === engineId);
  }

  #returnLeases(leases: readonly StoredLease[]): Answer {
    for (const lease of leases) {
      this.#tables.change(lease.ceilingId, 0n, -lease.amount);
      this.#keep({ ...lease, amount: 0n });
    }
    return [{}];
  }

  #ceilingOf(wanted: Omit<StoredCeiling, 'id' | 'posted' | 'leased'>): number {
    for (const { id, key } of this.#tables.ceilings.values()) if (key === wanted.key) return id;
    const id = this.#id();
    this.#tables.put(this.#tables.ceilings, id, { ...wanted, id, posted: wanted.amount, leased: 0n });
    this.#tables.put(this.#tables.replayed, id, wanted.amount);
    return id;
  }

  #id(): number {
    this.#nextId += 1;
    return this.#nextId;
  }

  #databaseMs(atMs: number): number;
  #databaseMs(atMs: number | null): number | null;
  #databaseMs(atMs: number | null): number | null {
    return atMs === null ? null : Date.UTC(2026, 0, 1) + Math.floor(atMs);
  }
}
