import { normaliseResponse, StreamNormaliser } from '../../src/core/chat/normalise-stream.js';
import { ResponseOfEvents } from '../../src/core/chat/response-of-events.js';
import type { ChatResponse } from '../../src/core/chat/response.js';
import { completionTokens, promptTokens } from '../../src/core/chat/usage.js';
import { encodeEventStream } from '../../src/core/protocols/eventstream/index.js';
import type { ResponseDialect } from '../../src/core/protocols/dialect.js';
import { UnreadableAnswer, type ProtocolId, type UpstreamProtocol } from '../../src/core/protocols/protocol.js';
import { UPSTREAM_PROTOCOLS } from '../../src/providers/protocols.js';

/** What a client must get of an answer; members left out are not looked at. */
export interface Wanted {
  text?: string;
  reasoning?: string;
  refusal?: string;
  calls?: readonly (readonly [name: string, argumentsText: string])[];
  finish?: string;
  /** prompt, completion, cached. */
  usage?: readonly [number, number, number] | null;
  images?: number;
  annotations?: number;
  opaque?: number;
  drift?: readonly string[];
  /** The answer is an error instead; its words. */
  error?: string;
}

export interface Shape {
  name: string;
  protocol: ProtocolId;
  dialect?: ResponseDialect;
  /** A whole answer, or the bytes of a stream. */
  whole?: unknown;
  stream?: Buffer;
  wanted: Wanted;
}

export type Facts = Required<Omit<Wanted, 'error'>>;

export function wholeFacts({ protocol, whole, dialect = {} }: Shape): Facts {
  try {
    return factsOf(normaliseResponse(UPSTREAM_PROTOCOLS[protocol].parseResponse(whole, { dialect, choices: 1 }), 'req_1'));
  } catch (error) {
    throw error instanceof UnreadableAnswer && error.facts !== null ? new Error(error.facts.message) : error;
  }
}

/** Throws an error with the failure's words when the stream ends in one. `sizes`: where it is cut, again and again. */
export function streamFacts(shape: Shape, sizes: readonly number[]): Facts {
  const gathered = new ResponseOfEvents();
  const normaliser = new StreamNormaliser('req_1');
  let ended = false;
  let failed: string | null = null;
  const protocol: UpstreamProtocol = UPSTREAM_PROTOCOLS[shape.protocol];
  const parser = protocol.createStreamParser((item) => {
    for (const event of normaliser.push(item).item.events) {
      gathered.push(event);
      if (event.type === 'error') failed = event.failure.message;
      if (event.type === 'end') ended = true;
    }
  }, { dialect: shape.dialect ?? {}, choices: 1 });
  const bytes = shape.stream as Buffer;
  for (let at = 0, step = 0; at < bytes.length; step += 1) {
    const size = sizes[step % sizes.length] as number;
    parser.push(bytes.subarray(at, at + size));
    at += size;
  }
  parser.end();
  if (failed !== null) throw new Error(failed);
  if (!ended) throw new Error('neither end nor error');
  return factsOf(gathered.response());
}

function factsOf(response: ChatResponse): Facts {
  const [choice] = response.choices;
  const parts = choice?.parts ?? [];
  const said = (type: 'text' | 'reasoning' | 'refusal') => parts.map((part) => (part.type === type ? part.text : '')).join('');
  const { usage } = response;
  return {
    text: said('text'),
    reasoning: said('reasoning'),
    refusal: said('refusal'),
    calls: parts.flatMap((part) => (part.type === 'tool-call' ? [[part.name, part.arguments] as const] : [])),
    finish: choice?.finish ?? '',
    usage: usage === undefined ? null : [promptTokens(usage), completionTokens(usage), usage.cacheRead],
    images: parts.filter((part) => part.type === 'image').length,
    annotations: parts.reduce((sum, part) => sum + (part.type === 'text' ? (part.annotations?.length ?? 0) : 0), 0),
    opaque: parts.filter((part) => part.type === 'opaque').length,
    drift: response.drift,
  };
}

/** Frames of events; those with a `type` are named by it. `[DONE]` and other texts go as they are. */
export function sse(...frames: readonly unknown[]): Buffer {
  const block = (frame: unknown): string => {
    if (typeof frame === 'string') return frame.includes(':') && !frame.startsWith('{') ? `${frame}\n\n` : `data: ${frame}\n\n`;
    const { type } = frame as { type?: unknown };
    return `${typeof type === 'string' ? `event: ${type}\n` : ''}data: ${JSON.stringify(frame)}\n\n`;
  };
  return Buffer.from(frames.map(block).join(''));
}

export const lines = (...frames: readonly unknown[]): Buffer => Buffer.from(frames.map((frame) => `${JSON.stringify(frame)}\n`).join(''));

export const blocks = (...frames: readonly (readonly [type: string, payload: unknown])[]): Buffer =>
  Buffer.concat(frames.map(([type, payload]) => block({ ':message-type': 'event', ':event-type': type }, payload)));

const block = (headers: Record<string, string>, payload: unknown): Buffer =>
  encodeEventStream({ ...headers, ':content-type': 'application/json' }, JSON.stringify(payload));

export const exception = (type: string, payload: unknown): Buffer => block({ ':message-type': 'exception', ':exception-type': type }, payload);
