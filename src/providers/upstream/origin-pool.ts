import { Connection, type ConnectionUser } from './connection.js';
import { connectorFor, type Connector, type ProxySettings } from './connector.js';

export interface PoolLimits {
  /** Connections to one origin; a stream holds one for minutes. */
  maxConnections: number;
  /** Calls that wait for a connection beyond those; the next one fails at once. */
  maxWaiting: number;
}

/** A bounded keep-alive pool for one origin. */
export class OriginPool {
  readonly #connect: Connector;
  readonly #connections = new Set<Connection>();
  /** The one used last is used next: the others grow old and are closed. */
  readonly #idle: Connection[] = [];
  readonly #waiting = new Set<ConnectionUser>();
  #open = 0;
  #closed = false;

  constructor(
    private readonly origin: string,
    proxy: ProxySettings,
    private readonly limits: PoolLimits,
  ) {
    this.#connect = connectorFor(origin, proxy);
  }

  get host(): string {
    return this.origin.slice(this.origin.indexOf('://') + 3);
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
  dispatch(user: ConnectionUser): void {
    const connection = this.#findIdle();
    if (connection !== undefined) connection.serve(user);
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

  #findIdle(): Connection | undefined {
    const nowMs = performance.now();
    for (let connection = this.#idle.pop(); connection !== undefined; connection = this.#idle.pop()) {
      if (connection.idleUntilMs > nowMs) return connection;
      connection.destroy();
    }
    return undefined;
  }

  #dial(user: ConnectionUser): void {
    const connection = new Connection({
      onFree: () => this.#free(connection),
      onClosed: () => this.#forget(connection),
    });
    this.#connections.add(connection);
    connection.open(this.#connect, user);
  }

  #free(connection: Connection): void {
    const [next] = this.#waiting;
    if (next === undefined) return void this.#idle.push(connection);
    this.#waiting.delete(next);
    connection.serve(next);
  }

  #forget(connection: Connection): void {
    this.#connections.delete(connection);
    const at = this.#idle.indexOf(connection);
    if (at !== -1) this.#idle.splice(at, 1);
    const [next] = this.#waiting;
    if (next === undefined || this.#closed) return;
    this.#waiting.delete(next);
    this.#dial(next);
  }
}
