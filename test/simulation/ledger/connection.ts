import { DatabaseUnavailableError, type CopyTarget, type Database } from '../../../src/platform/database/index.js';
import { recordedRow } from './recorded-row.js';
import type { Answer } from './statements.js';
import { Refused } from './stored.js';
import type { Outcome, Server, Session } from './server.js';
import type { World } from './world.js';

interface Asked {
  readonly name?: string;
  readonly text: string;
}

/** Statements without a name, by what only they contain. */
const BY_TEXT: readonly (readonly [part: string, name: string])[] = [
  ['BEGIN', 'BEGIN'],
  ['COMMIT', 'COMMIT'],
  ['pg_notify', 'notify'],
  ['SELECT ledger_return_leases($1, ARRAY', 'returnAll'],
  ["SET state = 'ended'", 'endCleanEngine'],
  ['UPDATE ledger_engines SET state = $2', 'endEngine'],
  ['SELECT 1 FROM ledger_engines', 'lockEngine'],
  ['SELECT 1 FROM ledger_ceilings', 'lock-ceilings'],
  ['SELECT state, heartbeat_at', 'engineState'],
  ["FROM ledger_engines WHERE state = 'live'", 'liveEngines'],
  ['FROM ledger_requests r JOIN ledger_engines', 'leftovers'],
  ['FROM ledger_requests WHERE engine_id = $1', 'unfinished'],
  ['COPY ledger_requests', 'addRows'],
  ['COPY ledger_transactions', 'addTransactions'],
];
const BY_NAME: Readonly<Record<string, string>> = {
  'ledger-engine-register': 'register',
  'ledger-engine-heartbeat': 'heartbeat',
  'ledger-engine-return-unknown': 'returnUnknown',
  'ledger-account': 'account',
  'ledger-budget': 'budget',
  'ledger-admit': 'admit',
  'ledger-return': 'returnLeases',
  'ledger-take-leases': 'take',
  'ledger-give-back': 'giveBack',
  'ledger-view': 'view',
  'ledger-write': 'write',
};
/** In proportion to the simulation's other times. */
const STATEMENT_TIMEOUT_MS = 1_500;
const LATE_ABANDON_MS = 1_000;

/** What may go wrong on the way, per mille of calls. */
export interface Weather {
  readonly lostPerMille: number;
  readonly slowPerMille: number;
}

/**
 * A process's way to the server: every call may be refused, be late beyond its deadline (and still be executed), or be executed
 * without its answer ever arriving.
 */
export class Connection {
  readonly #world: World;
  readonly #server: Server;
  #weather: Weather;
  readonly #sessions = new Set<Session>();

  constructor(world: World, server: Server, weather: Weather) {
    this.#world = world;
    this.#server = server;
    this.#weather = weather;
  }

  get database(): Database {
    return this as unknown as Database;
  }

  async query(statement: string | Asked, values?: readonly unknown[]): Promise<{ rows: Answer; rowCount: number }> {
    return await this.#send(null, statement, values ?? []);
  }

  async transaction<Result>(work: (transaction: Pick<Connection, 'query' | 'copy'>) => Promise<Result>): Promise<Result> {
    const session: Session = { state: 'idle', statementCount: 0 };
    this.#sessions.add(session);
    try {
      await this.#send(session, 'BEGIN', []);
      const result = await work({
        query: (statement, values) => this.#send(session, statement, values ?? []),
        copy: (target, rows) => this.#copy(session, target, rows),
      });
      await this.#send(session, 'COMMIT', []);
      return result;
    } catch (error) {
      // A statement that is still on its way, COMMIT for one, may get there before the end of its connection does.
      this.#world.after(this.#world.chance(500) ? 0 : LATE_ABANDON_MS, null, () => this.#server.abandon(session));
      throw error;
    } finally {
      this.#sessions.delete(session);
    }
  }

  copy<Row>(target: CopyTarget<Row>, rows: readonly Row[]): Promise<void> {
    return this.#copy(null, target, rows);
  }

  calm(): void {
    this.#weather = { lostPerMille: 0, slowPerMille: 0 };
  }

  /** The process is dead: the system closes its connections. */
  cut(): void {
    for (const session of this.#sessions) this.#world.after(this.#world.between(0, 5), null, () => this.#server.abandon(session));
  }

  listen(_channel: string, heard: (payload: string | null) => void): Promise<() => Promise<void>> {
    const forget = this.#server.listen(this.#world.current, heard);
    return Promise.resolve(() => Promise.resolve(forget()));
  }

  /** The server is handed rows by column. */
  async #copy<Row>(session: Session | null, target: CopyTarget<Row>, rows: readonly Row[]): Promise<void> {
    await this.#send(session, `COPY ${target.table}`, rows.map((row) => recordedRow(target, row)));
  }

  #send(session: Session | null, statement: string | Asked, values: readonly unknown[]): Promise<{ rows: Answer; rowCount: number }> {
    const name = nameOf(statement);
    const owner = this.#world.current;
    return new Promise((resolve, reject) => {
      const fail = (message: string): void => reject(new DatabaseUnavailableError(message));
      if (this.#server.isDown) {
        this.#world.after(this.#world.between(0, 3), owner, () => fail('connection refused'));
        return;
      }
      this.#world.after(STATEMENT_TIMEOUT_MS, owner, () => fail('Query read timeout'));
      const fate = this.#world.random(1_000);
      if (fate < this.#weather.lostPerMille) {
        this.#world.after(this.#world.between(0, 30), owner, () => fail('Connection terminated'));
        return;
      }
      const answerIsLost = fate < 2 * this.#weather.lostPerMille;
      const delayMs = this.#world.chance(this.#weather.slowPerMille) ? this.#world.between(50, 3_000) : this.#world.between(0, 2);
      this.#world.after(delayMs, null, () => {
        // What was on its way when the server died is lost; its end is heard of, or the sender's own deadline tells it.
        if (this.#server.isDown) {
          if (this.#world.chance(700)) this.#world.after(this.#world.between(0, 20), owner, () => fail('Connection terminated'));
          return;
        }
        this.#server.execute(session, name, values, (outcome) => {
          this.#world.after(this.#world.between(0, 2), owner, () => (answerIsLost ? fail('Connection terminated') : settle(outcome, resolve, reject)));
        });
      });
    });
  }
}

function settle(outcome: Outcome, resolve: (result: { rows: Answer; rowCount: number }) => void, reject: (error: Error) => void): void {
  if ('error' in outcome) reject(outcome.error instanceof Refused && outcome.error.code === '25P02' ? new DatabaseUnavailableError(outcome.error.message) : outcome.error);
  else resolve({ rows: outcome.answer, rowCount: outcome.answer.length });
}

function nameOf(statement: string | Asked): string {
  const { text, name } = typeof statement === 'string' ? { text: statement, name: undefined } : statement;
  const found = (name === undefined ? undefined : BY_NAME[name]) ?? BY_TEXT.find(([part]) => text.includes(part))?.[1];
  if (found === undefined) throw new Error(`the simulated database does not know: ${text}`);
  return found;
}
