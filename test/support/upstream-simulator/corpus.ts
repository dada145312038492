import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';

/** One recorded exchange with a provider; `expect` is an independent decoding of the response. */
export interface Exchange {
  id: string;
  provider: string;
  api: string;
  model: string;
  stream: boolean;
  features: string[];
  request: { method: string; host: string; path: string; headers: Record<string, string>; body?: unknown; bodyBase64?: string };
  response: {
    status: number;
    headers: Record<string, string>;
    wire: 'json' | 'sse' | 'eventstream' | 'ndjson' | 'text' | 'binary';
    body?: unknown;
    sse?: string;
    text?: string;
    bodyBase64?: string;
  };
  expect: ExpectedAnswer | null;
}

export interface ExpectedAnswer {
  text?: string;
  reasoning?: string;
  /** Cohere's words before its tool calls. */
  toolPlan?: string;
  toolCalls?: { id: string | null; name: string; arguments: string }[];
  finish?: unknown;
  usage?: Record<string, unknown>;
  model?: string;
  refusal?: string;
  streamError?: unknown;
  terminal?: unknown;
}

interface IndexEntry {
  id: string;
  file: string;
  provider: string;
  api: string;
}

/** Recordings live beside the checkout, never in it; suites that need them are skipped when they are not there. */
export class Corpus {
  private readonly entries: IndexEntry[];

  private constructor(private readonly directory: string) {
    const index = JSON.parse(readFileSync(resolve(directory, 'index.json'), 'utf8')) as { exchanges: IndexEntry[] };
    this.entries = index.exchanges;
  }

  /** Null when there are no recordings on this machine. `OG_CORPUS` names another place. */
  static find(): Corpus | null {
    const directory = process.env['OG_CORPUS'] ?? resolve(process.cwd(), '..', 'shared', 'corpus');
    return existsSync(resolve(directory, 'index.json')) ? new Corpus(directory) : null;
  }

  get size(): number {
    return this.entries.length;
  }

  apis(): string[] {
    return [...new Set(this.entries.map(({ api }) => api))];
  }

  list(api: string): IndexEntry[] {
    return this.entries.filter((entry) => entry.api === api);
  }

  find(id: string): Exchange | null {
    const entry = this.entries.find((candidate) => candidate.id === id);
    return entry === undefined ? null : this.read(entry);
  }

  read(entry: IndexEntry): Exchange {
    const exchange = JSON.parse(readFileSync(resolve(this.directory, entry.file), 'utf8')) as Exchange;
    return { ...exchange, expect: exchange.expect ?? null };
  }
}

/** The response's body as bytes, as it went over the wire. */
export function bodyBytes(exchange: Exchange): Buffer {
  const { response } = exchange;
  if (response.sse !== undefined) return Buffer.from(response.sse, 'utf8');
  if (response.bodyBase64 !== undefined) return Buffer.from(response.bodyBase64, 'base64');
  if (response.text !== undefined) return Buffer.from(response.text, 'utf8');
  return Buffer.from(JSON.stringify(response.body) ?? '', 'utf8');
}
