import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { renderReadiness, type Readiness } from '../health/index.js';
import type { Metrics } from './metrics.js';

type Answer = { status: number; type: string; body: string };

/** A listener of its own for `/metrics`, `/healthz` and `/readyz` (OG_METRICS_PORT): no token, so keep it off the public network. */
export class ProbeListener {
  readonly #metrics: Metrics;
  readonly #readiness: Readiness;
  readonly #server: Server;

  constructor(metrics: Metrics, readiness: Readiness) {
    this.#metrics = metrics;
    this.#readiness = readiness;
    this.#server = createServer({ requestTimeout: 10_000, keepAliveTimeout: 5_000 }, (request, response) => void this.#answer(request, response));
  }

  /** Resolves with the port in use. */
  listen(host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => resolve((this.#server.address() as AddressInfo).port));
    });
  }

  close(): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '/').split('?')[0] ?? '/';
    const { status, type, body } = await this.#page(request.method === 'GET' ? path : '').catch(() => ({ status: 500, type: 'text/plain', body: 'failed\n' }));
    response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(body);
  }

  async #page(path: string): Promise<Answer> {
    if (path === '/metrics') return { status: 200, type: this.#metrics.contentType, body: await this.#metrics.text() };
    if (path === '/healthz') return { status: 200, type: 'application/json', body: '{"status":"ok"}' };
    if (path !== '/readyz') return { status: 404, type: 'text/plain', body: 'not found\n' };
    const { status, body } = renderReadiness(await this.#readiness.report());
    return { status, type: 'application/json', body: JSON.stringify(body) };
  }
}
