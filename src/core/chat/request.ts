import type { CacheControl, ForeignMembers, Message } from './message.js';
import type { ParameterAdjustment } from './parameter-report.js';

export interface FunctionTool {
  type: 'function';
  name: string;
  description?: string;
  /** JSON Schema of the arguments. */
  parameters?: Record<string, unknown>;
  strict?: boolean;
  cacheControl?: CacheControl;
  foreign?: ForeignMembers;
}
/** A tool that runs at the provider or has a form only one protocol knows (web search, code execution, custom grammar tools). */
export interface OpaqueTool {
  type: 'opaque';
  protocol: string;
  name?: string;
  value: unknown;
}
export type Tool = FunctionTool | OpaqueTool;

export type ToolChoice =
  | { type: 'auto' }
  | { type: 'none' }
  | { type: 'required' }
  | { type: 'tool'; name: string }
  | { type: 'allowed'; mode: 'auto' | 'required'; names: string[] };

export type ResponseFormat =
  | { type: 'text' }
  | { type: 'json' }
  | { type: 'json-schema'; name: string; description?: string; schema: Record<string, unknown>; strict?: boolean };

export type ReasoningEffort = 'none' | 'minimal' | 'low' | 'medium' | 'high' | 'xhigh' | 'max';

export interface ReasoningRequest {
  effort?: ReasoningEffort;
  /** Upper bound of thinking tokens. */
  budgetTokens?: number;
  /** True: on with the model's own amount (Anthropic `adaptive`, `enable_thinking`). False: off. */
  enabled?: boolean;
  /** OpenAI's `summary`, Gemini's `includeThoughts`, Anthropic's `display`. */
  summary?: string;
}

export interface Sampling {
  temperature?: number;
  topP?: number;
  topK?: number;
  minP?: number;
  seed?: number;
  stop?: string[];
  n?: number;
  presencePenalty?: number;
  frequencyPenalty?: number;
  repetitionPenalty?: number;
  logitBias?: Record<string, number>;
  logprobs?: boolean;
  topLogprobs?: number;
}

/** A chat request in our own terms: what every inbound protocol is parsed into and every upstream protocol is rendered from. */
export interface ChatRequest {
  /** As the client wrote it: model id, alias, `provider/model`, `class:…`. */
  model: string;
  /** The client's own fallback list, in order, when it gave one (`models: []`). */
  models?: string[];
  messages: Message[];
  tools: Tool[];
  toolChoice?: ToolChoice;
  parallelToolCalls?: boolean;
  responseFormat?: ResponseFormat;
  sampling: Sampling;
  /** `max_tokens`/`max_completion_tokens`/`maxOutputTokens`; the smaller when two were given. */
  maxOutputTokens?: number;
  reasoning?: ReasoningRequest;
  stream: boolean;
  /** The client asked for usage in the stream (`stream_options.include_usage`; always true for Anthropic and Gemini clients). */
  includeUsage: boolean;
  promptCacheKey?: string;
  serviceTier?: string;
  metadata?: Record<string, unknown>;
  user?: string;
  safetyIdentifier?: string;
  store?: boolean;
  verbosity?: string;
  modalities?: string[];
  /** OpenAI `audio: {voice, format}` when audio output is asked for. */
  audioOutput?: Record<string, unknown>;
  /** Top-level members this parser does not know, by their wire name: forwarded in the native lane, reported as dropped otherwise. */
  extra: Record<string, unknown>;
  /** What the client named each parameter, canonical → wire (`maxOutputTokens` → `max_tokens`), so that reports use the client's words. */
  wireNames: Record<string, string>;
  /** What parsing itself had to decide (`max_tokens` and `max_completion_tokens` both given): part of the parameter report. */
  adjustments?: ParameterAdjustment[];
}

/** What this request needs from a model, for capability filters and policies. */
export interface RequestNeeds {
  streaming: boolean;
  tools: boolean;
  parallelTools: boolean;
  vision: boolean;
  audioInput: boolean;
  audioOutput: boolean;
  imageOutput: boolean;
  files: boolean;
  jsonSchema: boolean;
  jsonObject: boolean;
  reasoning: boolean;
  logprobs: boolean;
  choices: number;
  /** Estimate by length and script class; never a tokenizer (spec: quadratic on hostile input). */
  promptTokensEstimate: number;
  maxOutputTokens?: number;
}
