import { estimateTokens } from './estimate-tokens.js';
import type { Message, Part } from './message.js';
import type { ChatRequest, ReasoningRequest, RequestNeeds, Tool } from './request.js';

/** Flat numbers for what cannot be measured by length: a 1024² image at high detail, half a minute of sound, a few pages. */
const IMAGE_TOKENS = 1_100;
const AUDIO_TOKENS = 800;
const VIDEO_TOKENS = 8_000;
const FILE_TOKENS = 3_000;
/** Role, separators and the like. */
const MESSAGE_TOKENS = 4;
const TOOL_TOKENS = 12;

type Media = Pick<RequestNeeds, 'vision' | 'audioInput' | 'files'>;

/** What a request needs from a model, read off its canonical form; and how large its prompt is, by estimate. */
export function requestNeeds(request: ChatRequest): RequestNeeds {
  const media: Media = { vision: false, audioInput: false, files: false };
  const promptTokens = messagesTokens(request.messages, media) + toolsTokens(request.tools) + formatTokens(request);
  const { sampling, responseFormat, modalities } = request;
  return {
    vision: media.vision,
    audioInput: media.audioInput,
    files: media.files,
    streaming: request.stream,
    tools: request.tools.length > 0,
    parallelTools: request.tools.length > 0 && request.parallelToolCalls === true,
    audioOutput: modalities?.includes('audio') === true || request.audioOutput !== undefined,
    imageOutput: modalities?.includes('image') === true,
    jsonSchema: responseFormat?.type === 'json-schema',
    jsonObject: responseFormat?.type === 'json',
    reasoning: asksForReasoning(request.reasoning),
    logprobs: sampling.logprobs === true || (sampling.topLogprobs ?? 0) > 0,
    choices: sampling.n ?? 1,
    promptTokensEstimate: Math.ceil(promptTokens),
    maxOutputTokens: request.maxOutputTokens,
  };
}

function asksForReasoning(reasoning: ReasoningRequest | undefined): boolean {
  if (reasoning === undefined || reasoning.enabled === false || reasoning.effort === 'none') return false;
  return reasoning.enabled === true || reasoning.effort !== undefined || (reasoning.budgetTokens ?? 0) > 0;
}

function messagesTokens(messages: readonly Message[], media: Media): number {
  let tokens = 0;
  for (const message of messages) {
    tokens += MESSAGE_TOKENS;
    for (const part of message.parts) tokens += partTokens(part, media);
  }
  return tokens;
}

function partTokens(part: Part, media: Media): number {
  switch (part.type) {
    case 'text':
    case 'refusal':
      return estimateTokens(part.text);
    case 'reasoning':
      return estimateTokens(part.text) + (part.encrypted === undefined ? 0 : estimateTokens(part.encrypted));
    case 'tool-call':
      return TOOL_TOKENS + estimateTokens(part.name) + estimateTokens(part.arguments);
    case 'tool-result':
      return part.content.reduce((sum, inner) => sum + partTokens(inner, media), MESSAGE_TOKENS);
    case 'opaque':
      return jsonTokens(part.value);
    default:
      return mediaTokens(part, media);
  }
}

function mediaTokens(part: Extract<Part, { type: 'image' | 'audio' | 'video' | 'file' }>, media: Media): number {
  switch (part.type) {
    case 'image':
      media.vision = true;
      return IMAGE_TOKENS;
    case 'video':
      media.vision = true;
      return VIDEO_TOKENS;
    case 'audio':
      // An assistant's own earlier answer is replayed by id; only sound that is sent needs ears.
      media.audioInput ||= part.source.kind !== 'provider-file';
      return AUDIO_TOKENS;
    case 'file':
      if (part.text !== undefined) return estimateTokens(part.text);
      media.files = true;
      return FILE_TOKENS;
  }
}

function toolsTokens(tools: readonly Tool[]): number {
  let tokens = 0;
  for (const tool of tools) {
    tokens += TOOL_TOKENS;
    if (tool.type === 'opaque') tokens += jsonTokens(tool.value);
    else tokens += estimateTokens(tool.name) + estimateTokens(tool.description ?? '') + jsonTokens(tool.parameters);
  }
  return tokens;
}

function formatTokens(request: ChatRequest): number {
  return request.responseFormat?.type === 'json-schema' ? jsonTokens(request.responseFormat.schema) : 0;
}

/** Tokens of a JSON value without writing it out: texts by their length, a little for each member. */
function jsonTokens(value: unknown): number {
  if (typeof value === 'string') return 1 + estimateTokens(value);
  if (Array.isArray(value)) return (value as unknown[]).reduce<number>((sum, item) => sum + jsonTokens(item), 1);
  if (typeof value !== 'object' || value === null) return 1;
  let tokens = 1;
  for (const key of Object.keys(value)) tokens += 1 + key.length * 0.27 + jsonTokens((value as Record<string, unknown>)[key]);
  return tokens;
}
