import type { Part } from '../../chat/message.js';
import { normaliseResponse } from '../../chat/normalise-response.js';
import type { ChatResponse, Choice } from '../../chat/response.js';
import { isObject, type JsonObject } from '../../json/index.js';
import type { AnswerSummary, RenderContext } from '../protocol.js';
import { parseResponse } from './parse-response.js';
import { fieldsOf, reasoningDetails, signatureOf } from './render-delta.js';
import { renderUsage } from './usage.js';

/** Members of a message that are rendered from the canonical answer; every other one survives in the native lane. */
export const RENDERED: ReadonlySet<string> = new Set([
  'role',
  'content',
  'reasoning_content',
  'reasoning',
  'thinking_content',
  'refusal',
  'tool_calls',
  'function_call',
  'audio',
  'images',
  'annotations',
]);

export function renderResponse(response: ChatResponse, context: RenderContext, summary: AnswerSummary): JsonObject {
  return {
    ...identity(context),
    choices: response.choices.map((choice) => renderChoice(choice, context)),
    usage: renderUsage(summary),
    ...(response.serviceTier === undefined ? {} : { service_tier: response.serviceTier }),
    ...(response.systemFingerprint === undefined ? {} : { system_fingerprint: response.systemFingerprint }),
    ...ogOf(summary),
  };
}

export function renderNativeResponse(raw: JsonObject, context: RenderContext, summary: AnswerSummary, read?: ChatResponse): JsonObject {
  // A stream that was gathered has no JSON of its own.
  if (!Array.isArray(raw['choices']) && read !== undefined) return renderResponse(read, context, summary);
  const response = read ?? normaliseResponse(parseResponse(raw, { dialect: {}, choices: 1 }), context.requestId);
  const byIndex = new Map(
    (raw['choices'] as unknown[]).filter(isObject).map((choice, at) => [typeof choice['index'] === 'number' ? choice['index'] : at, choice]),
  );
  const choices = response.choices.map((choice) => patchChoice(byIndex.get(choice.index) ?? {}, renderChoice(choice, context), context));
  return { ...raw, ...identity(context), choices, usage: renderUsage(summary), ...ogOf(summary) };
}

function patchChoice(raw: JsonObject, rendered: JsonObject, { reasoningField }: RenderContext): JsonObject {
  const message: JsonObject = {};
  for (const [key, value] of Object.entries(isObject(raw['message']) ? raw['message'] : {})) {
    if (!RENDERED.has(key) && !(key === 'reasoning_details' && reasoningField === 'none')) message[key] = value;
  }
  // The provider's own reasoning_details stay as they came.
  const { reasoning_details: details, ...own } = rendered['message'] as JsonObject;
  if (details !== undefined) message['reasoning_details'] ??= details;
  return { ...raw, ...rendered, logprobs: raw['logprobs'] ?? null, message: { ...own, ...message } };
}

function identity({ responseId, createdS, model }: RenderContext): JsonObject {
  return { id: responseId, object: 'chat.completion', created: createdS, model };
}

const ogOf = ({ og }: AnswerSummary): JsonObject => (og === undefined ? {} : { og });

function renderChoice(choice: Choice, context: RenderContext): JsonObject {
  return { index: choice.index, message: renderMessage(choice.parts, context), logprobs: choice.logprobs ?? null, finish_reason: choice.finish };
}

function renderMessage(parts: readonly Part[], { reasoningField }: RenderContext): JsonObject {
  const texts = parts.filter((part) => part.type === 'text');
  const message: JsonObject = { role: 'assistant', content: texts.length === 0 ? null : texts.map((part) => part.text).join(''), refusal: refusalOf(parts) };
  addReasoning(parts, message, reasoningField);
  const calls = parts.filter((part) => part.type === 'tool-call');
  if (calls.length > 0) message['tool_calls'] = calls.map(renderToolCall);
  const annotations = texts.flatMap((part) => part.annotations ?? []);
  if (annotations.length > 0) message['annotations'] = annotations;
  addMedia(parts, message);
  return message;
}

function refusalOf(parts: readonly Part[]): string | null {
  const refusals = parts.filter((part) => part.type === 'refusal');
  return refusals.length === 0 ? null : refusals.map((part) => part.text).join('');
}

function addReasoning(parts: readonly Part[], message: JsonObject, field: RenderContext['reasoningField']): void {
  const reasoning = parts.filter((part) => part.type === 'reasoning');
  if (reasoning.length === 0 || field === 'none') return;
  const text = reasoning.map((part) => part.text).join('');
  if (text !== '') for (const name of fieldsOf(field)) message[name] = text;
  const details = reasoning.flatMap((part, index) => reasoningDetails(part, index));
  if (details.length > 0) message['reasoning_details'] = details;
}

function renderToolCall(call: Extract<Part, { type: 'tool-call' }>): JsonObject {
  const signature = signatureOf(call.signature);
  if (call.kind === 'custom') return { id: call.id, type: 'custom', custom: { name: call.name, input: call.arguments }, ...signature };
  return { id: call.id, type: 'function', function: { name: call.name, arguments: call.arguments }, ...signature };
}

function addMedia(parts: readonly Part[], message: JsonObject): void {
  const images = parts.flatMap((part) => {
    if (part.type !== 'image' || part.source.kind === 'provider-file') return [];
    const url = part.source.kind === 'url' ? part.source.url : `data:${part.source.mediaType};base64,${part.source.data}`;
    return [{ type: 'image_url', image_url: { url } }];
  });
  if (images.length > 0) message['images'] = images;
  const audio = parts.find((part) => part.type === 'audio');
  if (audio?.source.kind === 'inline') message['audio'] = { id: audio.id ?? null, data: audio.source.data, transcript: audio.transcript ?? null };
}
