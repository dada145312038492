import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const CALL_DEADLINE_MS = 30_000;

/** Where the gateway is and who we are: `OG_URL` and `OG_ADMIN_TOKEN`, else what its last start wrote into the data directory. */
export interface Target {
  baseUrl: string;
  adminToken: string;
  demoKey: string | null;
}

/** Nobody answers: exit code 3. */
export class UnreachableError extends Error {}

/** The gateway refused: exit code 4 for 401 and 403, else 1. */
export class RefusedError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly param: string | null,
  ) {
    super(message);
  }
}

export function findTarget(environment: Readonly<Record<string, string | undefined>>): Target {
  const file = join(environment['OG_DATA_DIR'] ?? '.data', 'bootstrap.json');
  const written = readBootstrap(file);
  const baseUrl = environment['OG_URL'] ?? written['base_url'];
  const adminToken = environment['OG_ADMIN_TOKEN'] ?? written['admin_token'];
  if (typeof baseUrl !== 'string' || typeof adminToken !== 'string') {
    throw new UnreachableError(`no gateway is known · ${file} is not there · start one with "npm start", or set OG_URL and OG_ADMIN_TOKEN`);
  }
  const demoKey = environment['OG_API_KEY'] ?? written['demo_key'];
  return { baseUrl: baseUrl.replace(/\/+$/, ''), adminToken, demoKey: typeof demoKey === 'string' ? demoKey : null };
}

function readBootstrap(file: string): Record<string, unknown> {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  } catch {
    return {};
  }
}

/** The admin API over HTTP. Every call has a deadline of 30 s. */
export class AdminClient {
  constructor(readonly target: Target) {}

  get<T = Record<string, unknown>>(path: string, query: Readonly<Record<string, string | undefined>> = {}): Promise<T> {
    const words = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined);
    const search = words.length === 0 ? '' : `?${new URLSearchParams(words).toString()}`;
    return this.call<T>('GET', `/admin/v1/${path}${search}`);
  }

  send<T = Record<string, unknown>>(method: 'POST' | 'PATCH' | 'DELETE', path: string, body?: unknown): Promise<T> {
    const text = body === undefined ? undefined : JSON.stringify(body);
    return this.call<T>(method, `/admin/v1/${path}`, text, 'application/json');
  }

  sendYaml<T = Record<string, unknown>>(path: string, document: string): Promise<T> {
    return this.call<T>('POST', `/admin/v1/${path}`, document, 'application/yaml');
  }

  /** Any path of the gateway; the answer's status and text. `key`: instead of the operator's token. */
  async fetch(
    path: string,
    init: { method?: string; body?: string; key?: string; contentType?: string } = {},
  ): Promise<{ status: number; text: string; headers: Headers }> {
    const headers: Record<string, string> = { authorization: `Bearer ${init.key ?? this.target.adminToken}` };
    if (init.body !== undefined) headers['content-type'] = init.contentType ?? 'application/json';
    try {
      const answer = await fetch(this.target.baseUrl + path, {
        method: init.method ?? 'GET',
        headers,
        body: init.body,
        signal: AbortSignal.timeout(CALL_DEADLINE_MS),
        redirect: 'error',
      });
      return { status: answer.status, text: await answer.text(), headers: answer.headers };
    } catch (error) {
      throw new UnreachableError(`${this.target.baseUrl} does not answer · ${reasonOf(error)} · is the gateway running?`);
    }
  }

  private async call<T>(method: string, path: string, body?: string, contentType?: string): Promise<T> {
    const answer = await this.fetch(path, { method, body, contentType });
    const parsed = parse(answer.text);
    if (answer.status < 400) return parsed as T;
    const error = (parsed['error'] ?? {}) as Record<string, unknown>;
    const message = typeof error['message'] === 'string' ? error['message'] : `the gateway answered ${answer.status}`;
    throw new RefusedError(answer.status, String(error['code'] ?? 'unknown'), message, typeof error['param'] === 'string' ? error['param'] : null);
  }
}

function parse(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return {};
  }
}

function reasonOf(error: unknown): string {
  const cause = (error as { cause?: { code?: string; message?: string } }).cause;
  return cause?.code ?? cause?.message ?? (error as Error).message;
}
