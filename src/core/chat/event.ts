import type { UpstreamFailure } from '../errors/upstream-failure.js';
import type { MediaSource } from './message.js';
import type { FinishReason } from './response.js';
import type { Usage } from './usage.js';

/**
 * One canonical stream item. `choice` is the choice index, `index` the tool call's number within the choice (0, 1, …;
 * numbered by the parser when the provider does not). Content events are all `*-delta`, `tool-call-start`, `image`.
 */
export type ChatEvent =
  | { type: 'start'; upstreamId?: string; upstreamModel?: string; createdS?: number; serviceTier?: string; systemFingerprint?: string }
  | { type: 'text-delta'; choice: number; text: string }
  | { type: 'reasoning-delta'; choice: number; text: string }
  /** Ends a reasoning block; opaque proof or encrypted content of it. */
  | { type: 'reasoning-end'; choice: number; signature?: string; encrypted?: string; id?: string; origin: string }
  | { type: 'refusal-delta'; choice: number; text: string }
  | { type: 'tool-call-start'; choice: number; index: number; id: string; name: string; signature?: string; kind?: 'function' | 'custom' }
  | { type: 'tool-call-delta'; choice: number; index: number; argumentsText: string }
  | { type: 'annotations'; choice: number; value: unknown[] }
  | { type: 'logprobs'; choice: number; value: unknown }
  | { type: 'audio-delta'; choice: number; value: Record<string, unknown> }
  | { type: 'image'; choice: number; source: MediaSource }
  /** A block or field only one protocol knows. */
  | { type: 'opaque'; choice: number; protocol: string; value: unknown }
  /** Cumulative: a later one replaces an earlier one. `usage` undefined: the provider's numbers cannot be believed. */
  | { type: 'usage'; usage?: Usage; raw: unknown }
  | { type: 'finish'; choice: number; reason: FinishReason; raw: string | null; stopSequence?: string | null }
  /** The upstream reported a failure inside its stream, or its bytes could not be read. The last event. */
  | { type: 'error'; failure: UpstreamFailure }
  /** The protocol's own real end was seen (see StreamParser.end). The last event. */
  | { type: 'end' }
  | { type: 'ping' }
  /** Something this parser does not know: counted per provider, never fatal. */
  | { type: 'drift'; what: string };

export type ChatEventType = ChatEvent['type'];

const CONTENT: ReadonlySet<ChatEventType> = new Set<ChatEventType>([
  'text-delta',
  'reasoning-delta',
  'refusal-delta',
  'tool-call-start',
  'tool-call-delta',
  'audio-delta',
  'image',
  'opaque',
]);

/** True when a client would see content: the first such event is the commit point. */
export function isContent(event: ChatEvent): boolean {
  return event.type === 'text-delta' || CONTENT.has(event.type);
}

/** A frame's text but for one JSON string: what stands before its content and after it, quotes included. */
export interface FrameShape {
  before: string;
  after: string;
  /** The frame as an object, with the learner's probe as that string. */
  probed?: Record<string, unknown>;
}

/** The events of one upstream frame. `raw` is that frame's parsed JSON, for renderers of the same protocol. */
export interface StreamItem {
  events: ChatEvent[];
  raw?: Record<string, unknown>;
  /** The text that `raw` was parsed from, so that a renderer of the same protocol can patch it by template. */
  rawText?: string;
  /** The frame's text is `shape` around `varying`. The same object for frames of the same shape. */
  shape?: FrameShape;
  /** The item's one event is a text delta; this is its JSON text as it came, without the quotes. */
  varying?: string;
  /** The SSE event name of the frame, when it had one. */
  rawEvent?: string;
}
