import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Deployment, ProviderInstance } from '../../src/core/catalog/model.js';
import { loadCatalogue } from '../../src/providers/catalog/index.js';
import { buildSnapshot } from '../../src/providers/configuration/index.js';
import type { ProviderDefinition } from '../../src/providers/definitions/index.js';
import { ProviderAdapter } from '../../src/providers/provider-adapter.js';
import { UPSTREAM_PROTOCOLS } from '../../src/providers/protocols.js';
import { UpstreamClient } from '../../src/providers/upstream-client.js';

/** The key of every credential here: wherever it turns up besides one header, it leaked. */
export const CANARY = 'sk-canary-0123456789abcdefghij';
export const catalogue = loadCatalogue();

export interface Answer {
  status: number;
  type: string;
  body: string;
  /** `latin1`: the characters are bytes. */
  encoding?: 'latin1';
  headers?: Record<string, string>;
}

export interface Received {
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

/** What every definition is tried on: the real adapter and client, and an upstream on loopback that answers what it is told, in odd pieces. */
export class ConformanceBed {
  readonly defects: Error[] = [];
  readonly #client = new UpstreamClient();
  readonly adapter = new ProviderAdapter({
    protocols: UPSTREAM_PROTOCOLS,
    transport: this.#client,
    inProcess: null,
    nowMs: () => 0,
    defect: (error) => this.defects.push(error),
  });
  next: Answer = { status: 404, type: 'text/plain', body: '' };
  received: Received = { path: '', headers: {}, body: '' };
  #origin = '';

  private constructor(private readonly server: Server) {}

  static async start(): Promise<ConformanceBed> {
    const server = createServer((request, response) => {
      let body = '';
      request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      request.on('end', () => {
        bed.received = { path: request.url ?? '', headers: request.headers, body };
        const { status, type, headers, body: said, encoding } = bed.next;
        response.writeHead(status, { 'content-type': type, ...headers });
        for (let at = 0; at < said.length; at += 97) response.write(Buffer.from(said.slice(at, at + 97), encoding ?? 'utf8'));
        response.end();
      });
    });
    const bed = new ConformanceBed(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    bed.#origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return bed;
  }

  async stop(): Promise<void> {
    await this.#client.close();
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /** One model of that name at an instance of the definition, as the configuration makes it. */
  deploymentOf(definition: ProviderDefinition, upstreamModel: string): Deployment {
    const provider = {
      id: 'p',
      type: definition.id,
      baseUrl: this.#origin,
      zones: [],
      timeouts: {},
      health: true,
      drainOnAbort: false,
      billPartial: true,
      settlement: { zeroCompletionInsurance: true, chargeCanceledPrompt: true },
      credentials: [{ id: 'c', weight: 1, secrets: { key: CANARY } }],
    };
    const model = {
      id: 'public/name',
      name: null,
      aliases: null,
      serve: [{ provider: 'p', model: upstreamModel, weight: 1, priority: 0, protocol: null }],
      price: null,
      cost: null,
      capabilities: {},
      class: null,
    };
    const snapshot = buildSnapshot({ providers: [provider], models: [model] }, catalogue, { version: 1, hash: 'x', atMs: 0 });
    const deployment = snapshot.models.get('public/name')?.deployments[0] as Deployment;
    const deadlines: ProviderInstance['deadlines'] = { connectMs: 1_000, firstByteMs: 2_000, idleMs: 2_000, totalMs: 5_000 };
    return { ...deployment, provider: { ...deployment.provider, deadlines, reasoningDeadlines: deadlines } };
  }
}
