import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { Roster } from '../../core/collections/roster.js';
import type { Drain } from '../health/index.js';
import type { InboundMessage, OutboundReply } from './inbound.js';
import { LeanConnection, type LeanHost } from './lean-connection.js';

const LOOK_MS = 1_000;

export interface LeanService {
  /** Whether a POST to exactly this path is served here. */
  serves(path: string): boolean;
  serve(path: string, message: InboundMessage, reply: OutboundReply): void;
}

interface Times {
  keepAliveMs: number;
  silenceMs: number;
}

/**
 * Reads the plainest requests to a few paths itself, in front of node's own HTTP server and on the same port: node's parser, streams and
 * response objects cost a request more than everything between them may (ADR 16). To be installed once, before the server listens.
 * Connections are this server's until one says something else than such a request; then they are node's for good.
 */
export class LeanServer implements LeanHost {
  private readonly connections = new Roster<LeanConnection>();
  private readonly others: readonly ((socket: Socket) => void)[];

  constructor(
    private readonly server: Server,
    private readonly service: LeanService,
    private readonly drain: Drain,
    private readonly times: Times,
  ) {
    this.others = server.listeners('connection') as ((socket: Socket) => void)[];
    server.removeAllListeners('connection');
    server.on('connection', (socket: Socket) => new LeanConnection(socket, this));
    const look = setInterval(() => this.look(), LOOK_MS).unref();
    server.on('close', () => clearInterval(look));
    drain.begun.addEventListener('abort', () => this.closeIdle(), { once: true });
    this.joinClosing();
  }

  get keepAliveMs(): number {
    return this.times.keepAliveMs;
  }

  get silenceMs(): number {
    return this.times.silenceMs;
  }

  get draining(): boolean {
    return this.drain.begun.aborted;
  }

  serves(path: string): boolean {
    return this.service.serves(path);
  }

  serve(path: string, message: InboundMessage, reply: OutboundReply): void {
    this.service.serve(path, message, reply);
  }

  handOver(socket: Socket): void {
    for (const listener of this.others) listener.call(this.server, socket);
  }

  entered(connection: LeanConnection): void {
    this.connections.add(connection);
  }

  left(connection: LeanConnection): void {
    this.connections.delete(connection);
  }

  began(): void {
    this.drain.enter();
  }

  ended(): void {
    this.drain.leave();
  }

  private look(): void {
    const nowMs = performance.now();
    for (const connection of this.connections) connection.look(nowMs);
    if (this.draining) this.closeIdle();
  }

  private closeIdle(): void {
    for (const connection of this.connections) if (connection.idle) connection.socket.destroy();
  }

  /** Node's server knows only its own connections when it is told to close them; it tells itself so when it closes. */
  private joinClosing(): void {
    const { server } = this;
    const closeIdle = server.closeIdleConnections.bind(server);
    const closeAll = server.closeAllConnections.bind(server);
    server.closeIdleConnections = () => {
      this.closeIdle();
      closeIdle();
    };
    server.closeAllConnections = () => {
      for (const connection of this.connections) connection.socket.destroy();
      closeAll();
    };
  }
}
