import type { GatewayProcess } from './gateway-process.js';

type Json = Record<string, unknown>;

const CALL_DEADLINE_MS = 15_000;
const POLL_MS = 50;

/** The admin API as an operator's script uses it, against a running gateway. Throws on any answer that is not a success. */
export class Operator {
  constructor(private readonly gateway: Pick<GatewayProcess, 'url' | 'bootstrap'>) {}

  get(path: string): Promise<Json> {
    return this.call('GET', path);
  }

  post(path: string, body: unknown): Promise<Json> {
    return this.call('POST', path, body);
  }

  patch(path: string, body: unknown): Promise<Json> {
    return this.call('PATCH', path, body);
  }

  delete(path: string): Promise<Json> {
    return this.call('DELETE', path);
  }

  apply(document: unknown): Promise<Json> {
    return this.call('POST', 'apply', document);
  }

  /** An organization with so much credit, a project, and a key. */
  async tenant(options: { creditUsd?: string; key?: Json } = {}): Promise<{ organizationId: string; projectId: string; keyId: string; key: string }> {
    const organizationId = String((await this.post('organizations', { name: 'tenant' }))['id']);
    if (options.creditUsd !== undefined) await this.post('credits', { organization_id: organizationId, amount_usd: options.creditUsd, reason: 'test' });
    const projectId = String((await this.post('projects', { organization_id: organizationId, name: 'project' }))['id']);
    const key = await this.post('keys', { project_id: projectId, name: 'key', ...options.key });
    return { organizationId, projectId, keyId: String(key['id']), key: String(key['key']) };
  }

  /** What is recorded of a request whose call reached the ledger, once log and ledger both have it (CONTRACT: 2 s after the end at the latest). */
  async request(id: string, withinMs = 3_000): Promise<Json> {
    return this.eventually(
      () => this.get(`requests/${id}`),
      withinMs,
      (record) => 'status' in record && 'states' in record,
    );
  }

  /** The same of a request whose process was killed: the ledger alone knows it. */
  async crashedRequest(id: string, withinMs = 3_000): Promise<Json> {
    return this.eventually(
      () => this.get(`requests/${id}`),
      withinMs,
      (record) => 'states' in record,
    );
  }

  /** Asks again until `holds`, at most `withinMs`; the last failure is thrown. */
  async eventually<T>(ask: () => Promise<T>, withinMs: number, holds: (answer: T) => boolean = () => true): Promise<T> {
    const untilMs = Date.now() + withinMs;
    for (;;) {
      try {
        const answer = await ask();
        if (holds(answer)) return answer;
        if (Date.now() > untilMs) throw new Error(`not within ${withinMs} ms: ${JSON.stringify(answer).slice(0, 2000)}`);
      } catch (error) {
        if (Date.now() > untilMs) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  private async call(method: string, path: string, body?: unknown): Promise<Json> {
    const answer = await fetch(`${this.gateway.url}/admin/v1/${path}`, {
      method,
      headers: { authorization: `Bearer ${this.gateway.bootstrap.admin_token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(CALL_DEADLINE_MS),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return JSON.parse(text) as Json;
  }
}
