import type { Owner, World } from './world.js';
import { Statements, type Answer } from './statements.js';
import { Refused, Tables, type DatabaseBug } from './stored.js';

/** A connection's place in the server: a transaction holds the locks from its first statement to its end. */
export interface Session {
  state: 'idle' | 'open' | 'over';
  statementCount: number;
}

interface Waiting {
  session: Session | null;
  run: () => void;
}

type Values = readonly unknown[];
export type Outcome = { answer: Answer } | { error: Error };

const IDLE_TRANSACTION_MS = 2_500;

/**
 * The database server. Locks are one for all: the ledger's transactions meet on the same ceilings, so the order in which they
 * get them is what matters. What was sent is executed even when its sender is dead; an open transaction of a dead one is rolled back.
 */
export class Server {
  readonly tables = new Tables();
  readonly statements: Statements;
  /** Connections are refused before. */
  downUntilMs = 0;
  readonly #world: World;
  readonly #listeners = new Set<{ owner: Owner | null; heard: (payload: string) => void }>();
  #holder: Session | null = null;
  readonly #waiting: Waiting[] = [];

  constructor(world: World, bug: DatabaseBug) {
    this.#world = world;
    this.statements = new Statements(this.tables, world, bug);
  }

  get isDown(): boolean {
    return this.downUntilMs > this.#world.nowMs;
  }

  /** Whether the tables show what is not committed yet. */
  get isWithinTransaction(): boolean {
    return this.#holder !== null;
  }

  /** Ends every open transaction; nothing is reached for so long. */
  crash(durationMs: number): void {
    this.downUntilMs = this.#world.nowMs + durationMs;
    this.#waiting.length = 0;
    if (this.#holder !== null) this.abandon(this.#holder);
  }

  execute(session: Session | null, name: string, values: Values, done: (outcome: Outcome) => void): void {
    const run = (): void => done(this.#attempt(session, name, values));
    if (this.#holder === null || this.#holder === session) run();
    else this.#waiting.push({ session, run });
  }

  /** The connection is gone. */
  abandon(session: Session): void {
    if (this.#holder === session) {
      this.tables.rollBack();
      this.#release();
    }
    session.state = 'over';
  }

  /** A change from outside the engines, in a transaction of its own. */
  change(work: (statements: Statements) => void): void {
    this.execute(null, '', [work], () => undefined);
  }

  listen(owner: Owner | null, heard: (payload: string) => void): () => void {
    const listener = { owner, heard };
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #attempt(session: Session | null, name: string, values: Values): Outcome {
    if (session?.state === 'over') return { error: new Refused('25P02', 'the transaction is over') };
    try {
      if (session === null) {
        const answer = this.#dispatch(name, values);
        this.tables.commit();
        this.check();
        return { answer };
      }
      return { answer: this.#within(session, name, values) };
    } catch (error) {
      if (session === null) this.tables.rollBack();
      else this.abandon(session);
      if (!(error instanceof Refused)) throw error;
      return { error };
    }
  }

  #within(session: Session, name: string, values: Values): Answer {
    if (name === 'BEGIN') {
      session.state = 'open';
      return [];
    }
    if (name === 'COMMIT') {
      if (this.#holder === session) this.tables.commit();
      session.state = 'over';
      if (this.#holder === session) this.#release();
      this.check();
      return [];
    }
    this.#holder = session;
    session.statementCount += 1;
    const { statementCount } = session;
    this.#world.after(IDLE_TRANSACTION_MS, null, () => {
      if (session.state === 'open' && session.statementCount === statementCount) this.abandon(session);
    });
    return this.#dispatch(name, values);
  }

  #release(): void {
    this.#holder = null;
    while (this.#holder === null) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      next.run();
    }
  }

  #dispatch(name: string, values: Values): Answer {
    const { statements } = this;
    switch (name) {
      case '': {
        (values[0] as (statements: Statements) => void)(statements);
        return [];
      }
      case 'notify': {
        this.#notify(String(values[1]));
        return [];
      }
      case 'lock-ceilings': {
        return [];
      }
      case 'account': {
        return [{ id: String(statements.account(String(values[0]))) }];
      }
      default: {
        return statements[name as 'admit'](values);
      }
    }
  }

  /** May be late, twice, or never heard. */
  #notify(payload: string): void {
    for (const { owner, heard } of this.#listeners) {
      if (this.#world.chance(10)) continue;
      const times = this.#world.chance(10) ? 2 : 1;
      for (let time = 0; time < times; time += 1) this.#world.after(this.#world.chance(10) ? 400 : this.#world.between(0, 4), owner, () => heard(payload));
    }
  }

  /** After every commit: what the tables say of each other. */
  check(): void {
    const { ceilings, replayed, grants } = this.tables;
    const leased = new Map<number, bigint>();
    for (const { ceilingId, amount } of this.tables.leases.values()) leased.set(ceilingId, (leased.get(ceilingId) ?? 0n) + amount);
    const remaining = new Map<number, bigint>();
    for (const grant of grants.values()) remaining.set(grant.ceilingId, (remaining.get(grant.ceilingId) ?? 0n) + grant.remaining);
    for (const ceiling of ceilings.values()) {
      const { id, posted, kind } = ceiling;
      assert(posted === replayed.get(id) || (kind === 'account' && posted === 0n && !replayed.has(id)), `I03: ceiling ${id} says ${posted}, replayed it is ${replayed.get(id)}`);
      assert(ceiling.leased === (leased.get(id) ?? 0n), `I03: ceiling ${id} has leased ${ceiling.leased}, its leases are ${leased.get(id)}`);
      assert(posted >= ceiling.leased, `I02: ceiling ${id} is overspent`);
      assert(kind === 'budget' || (remaining.get(id) ?? 0n) === posted, `I15: the grants of ${id} have ${remaining.get(id)} left, it says ${posted}`);
    }
  }
}

export function assert(holds: boolean, message: string): asserts holds {
  if (!holds) throw new Error(message);
}
