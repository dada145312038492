import { Connection, type ConnectionOwner, type ConnectionUser } from './connection.js';
import { connectorFor, type Connector, type ProxySettings } from './connector.js';

export interface PoolLimits {
  /** Connections to one origin; a stream holds one for minutes. */
  maxConnections: number;
  /** Calls that wait for a connection beyond those; the next one fails at once. */
  maxWaiting: number;
}

/** A bounded keep-alive pool for one origin. */
export class OriginPool implements ConnectionOwner {
  readonly #connect: Connector;
  readonly #connections = new Set<Connection>();
  /** The one used last is used next: the others grow old and are closed. */
  readonly #idle: Connection[] = [];
  readonly #waiting = new Set<ConnectionUser>();
  #open = 0;
  #closed = false;

  constructor(
    origin: string,
    proxy: ProxySettings,
    private readonly limits: PoolLimits,
  ) {
    this.#connect = connectorFor(origin, proxy);
  }

  get full(): boolean {
    return this.#open >= this.limits.maxConnections + this.limits.maxWaiting;
  }

  get idle(): boolean {
    return this.#open === 0;
  }

  /** Counted until `release`; a call dispatched again is counted once. */
  acquire(): void {
    this.#open++;
  }

  release(): void {
    this.#open--;
  }

  /** Gives it a connection, now or when there is one. */
  dispatch(user: ConnectionUser, nowMs: number): void {
    const connection = this.#findIdle(nowMs);
    if (connection !== undefined) connection.serve(user, nowMs);
    else if (this.#connections.size < this.limits.maxConnections && !this.#closed) this.#dial(user);
    else this.#waiting.add(user);
  }

  /** It no longer waits for a connection. */
  withdraw(user: ConnectionUser): void {
    this.#waiting.delete(user);
  }

  /** Closes what has been idle for as long as the server keeps it. */
  sweep(nowMs: number): void {
    for (const connection of this.#idle.filter(({ idleUntilMs }) => idleUntilMs <= nowMs)) connection.destroy();
  }

  destroy(): void {
    this.#closed = true;
    for (const connection of this.#connections) connection.destroy();
  }

  #findIdle(nowMs: number): Connection | undefined {
    for (let connection = this.#idle.pop(); connection !== undefined; connection = this.#idle.pop()) {
      if (connection.idleUntilMs > nowMs) return connection;
      connection.destroy();
    }
    return undefined;
  }

  #dial(user: ConnectionUser): void {
    const connection = new Connection(this);
    this.#connections.add(connection);
    connection.open(this.#connect, user);
  }

  onFree(connection: Connection): void {
    const next = this.#nextWaiting();
    if (next === undefined) this.#idle.push(connection);
    else connection.serve(next, performance.now());
  }

  onClosed(connection: Connection): void {
    this.#connections.delete(connection);
    const at = this.#idle.indexOf(connection);
    if (at !== -1) this.#idle.splice(at, 1);
    const next = this.#closed ? undefined : this.#nextWaiting();
    if (next !== undefined) this.#dial(next);
  }

  #nextWaiting(): ConnectionUser | undefined {
    if (this.#waiting.size === 0) return undefined;
    const [next] = this.#waiting;
    if (next !== undefined) this.#waiting.delete(next);
    return next;
  }
}
