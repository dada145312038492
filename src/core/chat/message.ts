/** Where the bytes of an image, a sound or a document come from. */
export type MediaSource =
  | { kind: 'url'; url: string }
  /** `data` is base64 without the `data:` prefix. */
  | { kind: 'inline'; mediaType: string; data: string }
  /** A file stored at the provider; only the provider that stored it can read it. */
  | { kind: 'provider-file'; id: string };

/** A prompt-cache breakpoint as Anthropic writes it; other protocols drop it without harm. */
export interface CacheControl {
  type: 'ephemeral';
  ttl?: '5m' | '1h';
}

/** Members of a part or tool that only one protocol knows (a document's citation settings, a call's caller): rendered back into that protocol only. */
export interface ForeignMembers {
  protocol: string;
  members: Record<string, unknown>;
}

export interface TextPart {
  type: 'text';
  text: string;
  cacheControl?: CacheControl;
  foreign?: ForeignMembers;
  /** Citations in the shape of the protocol they came from. */
  annotations?: unknown[];
}
export interface ImagePart {
  type: 'image';
  source: MediaSource;
  detail?: string;
  cacheControl?: CacheControl;
  foreign?: ForeignMembers;
}
export interface AudioPart {
  type: 'audio';
  source: MediaSource;
  /** `wav`, `mp3`, … */
  format?: string;
  transcript?: string;
  id?: string;
}
export interface VideoPart {
  type: 'video';
  source: MediaSource;
}
export interface FilePart {
  type: 'file';
  source: MediaSource;
  filename?: string;
  /** Text extracted by the client, for upstreams that take text only. */
  text?: string;
  cacheControl?: CacheControl;
  foreign?: ForeignMembers;
}
/** A piece of the model's thinking. `signature` and `encrypted` can be read only by the provider that issued them. */
export interface ReasoningPart {
  type: 'reasoning';
  text: string;
  signature?: string;
  /** Opaque thinking (Anthropic `redacted_thinking.data`, OpenAI `encrypted_content`). */
  encrypted?: string;
  id?: string;
  /** Protocol that issued signature/encrypted, when known: they are replayed to the same protocol only. */
  origin?: string;
}
export interface ToolCallPart {
  type: 'tool-call';
  id: string;
  name: string;
  /** JSON text of the arguments exactly as the model wrote it (may be incomplete after `length`). */
  arguments: string;
  /** Gemini's thought signature; opaque. */
  signature?: string;
  cacheControl?: CacheControl;
  foreign?: ForeignMembers;
  /** `custom` tools take free text instead of JSON (OpenAI). */
  kind?: 'function' | 'custom';
}
export interface ToolResultPart {
  type: 'tool-result';
  toolCallId: string;
  name?: string;
  content: Part[];
  isError?: boolean;
  cacheControl?: CacheControl;
  foreign?: ForeignMembers;
}
export interface RefusalPart {
  type: 'refusal';
  text: string;
}
/** A block only one protocol knows (server tools, web search results, compaction …): kept whole, rendered only into that protocol. */
export interface OpaquePart {
  type: 'opaque';
  protocol: string;
  value: unknown;
}

export type Part = TextPart | ImagePart | AudioPart | VideoPart | FilePart | ReasoningPart | ToolCallPart | ToolResultPart | RefusalPart | OpaquePart;

export type Role = 'system' | 'developer' | 'user' | 'assistant' | 'tool';

/** One turn. Tool results are `tool` messages that hold `tool-result` parts only; tool calls and reasoning stand in `assistant` messages, in the order the model made them. */
export interface Message {
  role: Role;
  parts: Part[];
  /** The participant's name (OpenAI `name`). */
  name?: string;
  /** Assistant prefill marker (Mistral `prefix`). */
  prefix?: boolean;
}
