import type { Socket } from 'node:net';
import { Client, Pool, type Dispatcher } from 'undici';
import { connectorFor, type ProxySettings } from './connector.js';

/** Connections to one origin; a stream holds one for minutes. */
const MAX_CONNECTIONS = 5_120;
/** Calls that wait for a connection beyond those; the next one fails at once. */
const MAX_WAITING = 1_024;
/** Above what servers keep idle sockets open for is pointless; a shorter `keep-alive: timeout=` is honoured. */
const IDLE_SOCKET_MS = 15_000;
const IDLE_SOCKET_MAX_MS = 60_000;
const MAX_HEADER_BYTES = 16_384;

/** What is known about the connection a call was given. */
export interface Line {
  /** Answers completed on the present connection: more than 0 means that it was reused. */
  served: number;
  connecting: Socket | null;
}

/** A handler that learns over which line it goes: set when undici's pool hands it to a client. */
export interface LineHandler extends Dispatcher.DispatchHandler {
  line: Line | null;
}

/** A bounded keep-alive pool for one origin. */
export class OriginPool {
  readonly #pool: Pool;
  #open = 0;

  constructor(origin: string, proxy: ProxySettings) {
    const connect = connectorFor(origin, proxy);
    this.#pool = new Pool(origin, {
      connections: MAX_CONNECTIONS,
      pipelining: 1,
      allowH2: false,
      keepAliveTimeout: IDLE_SOCKET_MS,
      keepAliveMaxTimeout: IDLE_SOCKET_MAX_MS,
      // All deadlines are the wheel's.
      headersTimeout: 0,
      bodyTimeout: 0,
      maxHeaderSize: MAX_HEADER_BYTES,
      factory: (url: URL, options: object) => clientWithLine(url, options, connect),
    });
  }

  get full(): boolean {
    return this.#open >= MAX_CONNECTIONS + MAX_WAITING;
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

  dispatch(options: Dispatcher.DispatchOptions, handler: LineHandler): void {
    this.#pool.dispatch(options, handler);
  }

  destroy(): Promise<void> {
    return this.#pool.destroy();
  }
}

function clientWithLine(url: URL, options: object, connect: ReturnType<typeof connectorFor>): Client {
  const line: Line = { served: 0, connecting: null };
  const client = new LinedClient(url, {
    ...options,
    connect: (target, callback) => {
      const settle: typeof callback = (...result) => {
        line.connecting = null;
        callback(...result);
      };
      line.served = 0;
      line.connecting = (connect(target, settle) as unknown as Socket | undefined) ?? null;
    },
  });
  client.line = line;
  return client;
}

class LinedClient extends Client {
  line: Line | null = null;

  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    (handler as LineHandler).line = this.line;
    return super.dispatch(options, handler);
  }
}
