import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SpokenProtocol } from './call.js';
import { Corpus, type Exchange } from './corpus.js';
import { scenarioOfName } from './model-script.js';
import { planOf } from './plan.js';
import { RecordedRequest } from './recorded-request.js';
import { fails, replays, type Scenario } from './scenario.js';
import { Sender } from './sender.js';

const MAX_BODY_BYTES = 256 * 1024 * 1024;
const WAIT_MS = 5_000;

/** One scenario for every request, a list of which the last stays, or a decision per request (`nth` from 0). */
export type Behaviour = Scenario | readonly Scenario[] | ((request: RecordedRequest, nth: number) => Scenario);

export interface SimulatorStats {
  requests: number;
  /** Being answered now. */
  open: number;
  held: number;
  completed: number;
  /** Closed by the caller before the end. */
  aborted: number;
  /** Broken off on purpose. */
  died: number;
  openSockets: number;
  connections: number;
  sentBytes: number;
  byModel: Record<string, number>;
}

/** An upstream on loopback that speaks seven protocols over real sockets and misbehaves on request. */
export class UpstreamSimulator {
  readonly requests: RecordedRequest[] = [];
  private readonly behaviours = new Map<string, Behaviour>();
  private readonly asked = new Map<string, number>();
  private readonly sockets = new Map<Socket, number>();
  private connections = 0;
  private readonly waiting = new Map<string, Set<() => void>>();
  private fallback: Behaviour | null = null;
  private corpus: Corpus | null = null;

  private constructor(private readonly server: Server) {}

  static async start(): Promise<UpstreamSimulator> {
    const server = createServer({ keepAliveTimeout: 60_000, requestTimeout: 0, insecureHTTPParser: false });
    const simulator = new UpstreamSimulator(server);
    server.on('request', (request, response) => void simulator.serve(request, response));
    server.on('connection', (socket) => simulator.track(socket));
    server.on('clientError', (_error, socket) => socket.destroy());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return simulator;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get origin(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** What goes into `base_url` of a provider that speaks this protocol. */
  baseUrl(protocol: SpokenProtocol): string {
    return protocol.startsWith('openai-') || protocol === 'other' ? `${this.origin}/v1` : this.origin;
  }

  /** What this upstream model does from now on. */
  on(model: string, behaviour: Behaviour): this {
    this.behaviours.set(model, behaviour);
    this.asked.delete(model);
    return this;
  }

  /** What every model does that has no behaviour of its own and no script in its name. Default: 404. */
  otherwise(behaviour: Behaviour): this {
    this.fallback = behaviour;
    return this;
  }

  /** Answers any model named like a recorded exchange with that recording, cut at odd places. */
  replay(corpus: Corpus): this {
    this.corpus = corpus;
    return this;
  }

  replayOne(exchange: Exchange): this {
    return this.on(exchange.id, replays(exchange));
  }

  requestsOf(model: string): RecordedRequest[] {
    return this.requests.filter((request) => request.call.model === model);
  }

  /** Lets held answers go: of one model, or all. */
  release(model?: string): void {
    const names = model === undefined ? [...this.waiting.keys()] : [model];
    for (const name of names) {
      const waiting = this.waiting.get(name) ?? new Set();
      this.waiting.delete(name);
      for (const go of waiting) go();
    }
  }

  /** Waits until the condition holds; throws when it does not within `timeoutMs`. */
  async until(condition: (stats: SimulatorStats) => boolean, timeoutMs = WAIT_MS): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while (!condition(this.stats())) {
      if (performance.now() > deadline) throw new Error(`Not within ${timeoutMs} ms: ${condition.toString()} of ${JSON.stringify(this.stats())}`);
      await sleep(2);
    }
  }

  stats(): SimulatorStats {
    const count = (of: (request: RecordedRequest) => boolean): number => this.requests.filter(of).length;
    const byModel: Record<string, number> = {};
    for (const request of this.requests) byModel[request.call.model] = (byModel[request.call.model] ?? 0) + 1;
    return {
      requests: this.requests.length,
      open: count((request) => request.open),
      held: count((request) => request.held),
      completed: count((request) => request.finishedAtMs !== undefined),
      aborted: count((request) => request.abortedAtMs !== undefined),
      died: count((request) => request.diedAtMs !== undefined),
      openSockets: this.sockets.size,
      connections: this.connections,
      sentBytes: this.requests.reduce((sum, request) => sum + request.sentBytes, 0),
      byModel,
    };
  }

  /** Forgets requests and behaviours; running answers go on. */
  reset(): void {
    this.release();
    this.requests.length = 0;
    this.behaviours.clear();
    this.asked.clear();
    this.fallback = null;
  }

  /** Closes every kept-alive connection that is idle now, as a restarting upstream would. */
  closeIdleConnections(): void {
    this.server.closeIdleConnections();
  }

  async stop(): Promise<void> {
    this.release();
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    for (const socket of this.sockets.keys()) socket.destroy();
    await closed;
  }

  private track(socket: Socket): void {
    this.connections += 1;
    this.sockets.set(socket, this.connections);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => this.sockets.delete(socket));
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request);
    if (body === null) return;
    if (request.method === 'GET') return this.describe(request.url ?? '', response);
    const record = new RecordedRequest(request, body, this.sockets.get(request.socket) ?? 0, this.requests.length + 1);
    this.requests.push(record);
    response.once('close', () => {
      if (record.open) record.abortedAtMs = performance.now();
    });
    const scenario = this.scenarioFor(record);
    await new Sender(response, scenario, record, () => this.released(record.call.model)).send(planOf(scenario, record.call));
  }

  private scenarioFor(record: RecordedRequest): Scenario {
    const { model } = record.call;
    const behaviour = this.behaviours.get(model) ?? scenarioOfName(model) ?? this.recording(model) ?? this.fallback;
    const nth = this.asked.get(model) ?? 0;
    this.asked.set(model, nth + 1);
    if (behaviour === null) return fails(404, { message: `The simulator knows no model ${JSON.stringify(model)}.`, code: 'model_not_found' });
    if (typeof behaviour === 'function') return behaviour(record, nth);
    if (!Array.isArray(behaviour)) return behaviour as Scenario;
    return (behaviour as readonly Scenario[])[Math.min(nth, behaviour.length - 1)] as Scenario;
  }

  private recording(model: string): Scenario | null {
    const exchange = this.corpus?.find(model) ?? null;
    return exchange === null ? null : replays(exchange);
  }

  private released(model: string): Promise<void> {
    return new Promise((resolve) => {
      const waiting = this.waiting.get(model) ?? new Set();
      waiting.add(resolve);
      this.waiting.set(model, waiting);
    });
  }

  private describe(url: string, response: ServerResponse): void {
    const path = url.split('?', 1)[0] ?? '';
    const known = path.endsWith('/stats') || path.endsWith('/models');
    const body = path.endsWith('/models') ? { object: 'list', data: [...this.behaviours.keys()].map((id) => ({ id, object: 'model' })) } : this.stats();
    response.writeHead(known ? 200 : 404, { 'content-type': 'application/json' });
    response.end(JSON.stringify(known ? body : { error: { message: `No ${path} here.` } }));
  }
}

/** Null when the caller went away, or sent more than any test should. */
async function readBody(request: IncomingMessage): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > MAX_BODY_BYTES) return null;
      chunks.push(chunk);
    }
  } catch {
    return null;
  }
  return Buffer.concat(chunks);
}
