import type { Exchange } from './corpus.js';

export interface ToolCall {
  id?: string;
  name: string;
  arguments: Record<string, unknown> | string;
}

export interface Tokens {
  prompt: number;
  completion: number;
  cached?: number;
  reasoning?: number;
}

/**
 * Where a stream tells its usage. `usual`: as the protocol does (OpenAI only when asked). `early`: with the first content. `late`: behind the
 * finish. `with-finish`, `every` (cumulative, in each frame), `after-end` (behind OpenAI's `[DONE]`), `never`.
 */
export type UsagePlacement = 'usual' | 'early' | 'late' | 'with-finish' | 'every' | 'after-end' | 'never';

/** What a model says, in no protocol's words. */
export interface Answer {
  /** Said word by word. */
  text?: string;
  /** That many numbered words (`t0 t1 …`), when there is no `text`. */
  tokens?: number;
  /** Says what the last user message said, so that a test finds its own nonce again. */
  echo?: boolean;
  reasoning?: string;
  /** Proof of the reasoning (Anthropic, Gemini). */
  signature?: string;
  toolCalls?: readonly ToolCall[];
  /** Default: `tool_calls` when there are any, else `stop`. */
  finish?: 'stop' | 'length' | 'tool_calls' | 'content_filter';
  /** Default: prompt 10, completion as many as there were pieces. */
  usage?: Tokens;
  usageAt?: UsagePlacement;
  /** Sent in the place of the usage object, however absurd. */
  usageRaw?: unknown;
  /** Words without end. */
  endless?: boolean;
  /** False: the protocol's terminator (`[DONE]`, `message_stop`) is left out. */
  terminator?: boolean;
  /** True: no finish reason is said. */
  unfinished?: boolean;
  /** After that many pieces the stream reports this error and ends. */
  error?: Fault & { afterPieces: number };
  /** Before the first content. */
  firstAfterMs?: number;
  /** Between pieces. */
  gapMs?: number;
  /** Before usage that stands behind the finish. */
  usageAfterMs?: number;
  /** How many choices (OpenAI, Gemini); each says the same. Default: what was asked for. */
  choices?: number;
}

export interface Fault {
  status?: number;
  message?: string;
  /** The provider's own code (`insufficient_quota`, `RESOURCE_EXHAUSTED`, `overloaded_error`); default by status. */
  code?: string;
  param?: string;
}

/** Where a body is cut short. `atByte` counts bytes of the body; `afterPieces` pieces of content. */
export interface Place {
  atByte?: number;
  afterPieces?: number;
}

export interface Death extends Place {
  /** `fin` closes, `rst` resets the connection. */
  how: 'fin' | 'rst';
  /** In the middle of an HTTP chunk, announced longer than it is. */
  midChunk?: boolean;
}

/** How the answer travels, whatever it is. */
export interface Transport {
  status?: number;
  headers?: Readonly<Record<string, string>>;
  contentType?: string;
  /** Before the response's head. */
  headersAfterMs?: number;
  /** Kept until `release()`. */
  hold?: boolean;
  /** Head at once, body only after `release()`. */
  holdBody?: boolean;
  gzip?: boolean;
  /** `chunked` (default), `length`, `eof` (ends with the connection), or a Content-Length that need not be true. */
  framing?: 'chunked' | 'length' | 'eof' | { length: number };
  /** `frames`: one write per frame (default). `odd`: cut at odd places, the same for the same seed. `bytes`: byte by byte. */
  cut?: 'frames' | 'odd' | 'bytes';
  die?: Death;
  /** Says nothing more from there on, and keeps the connection. */
  stall?: Place;
  /** Closes the kept-alive connection after a complete answer, without having said so. */
  thenClose?: 'fin' | 'rst';
}

export type Content =
  | { kind: 'answer'; answer: Answer }
  | { kind: 'fault'; fault: Fault }
  /** These bytes; an object is sent as JSON. */
  | { kind: 'body'; body: string | Uint8Array | object }
  /** These bytes instead of an HTTP response; then the connection closes. */
  | { kind: 'raw'; bytes: string | Uint8Array }
  | { kind: 'exchange'; exchange: Exchange };

export interface Scenario extends Transport {
  content: Content;
}

export function answers(answer: Answer | string, transport: Transport = {}): Scenario {
  return { ...transport, content: { kind: 'answer', answer: typeof answer === 'string' ? { text: answer } : answer } };
}

/** An error in the words of the protocol that was spoken to. */
export function fails(status: number, fault: Fault = {}, transport: Transport = {}): Scenario {
  return { ...transport, status: transport.status ?? status, content: { kind: 'fault', fault: { status, ...fault } } };
}

export function sends(body: string | Uint8Array | object, transport: Transport = {}): Scenario {
  return { ...transport, content: { kind: 'body', body } };
}

export function sendsRaw(bytes: string | Uint8Array): Scenario {
  return { content: { kind: 'raw', bytes } };
}

export function replays(exchange: Exchange, transport: Transport = {}): Scenario {
  return { cut: 'odd', ...transport, content: { kind: 'exchange', exchange } };
}
