import type { Part } from '../../chat/message.js';
import type { ChatResponse, Choice } from '../../chat/response.js';
import type { AnswerSummary, RenderContext } from '../protocol.js';
import { wrapSignature } from './foreign-signature.js';
import { isCitation } from './render-blocks.js';
import { renderUsage, usageAdditions } from './render-usage.js';
import { finishOf, stopReasonOf } from './stop-reasons.js';
import { toolInput } from './tool-input.js';
import { isObject, PROTOCOL, type JsonObject, type WireBlock } from './types.js';

/** Canonical answer → Anthropic message. Anthropic has one choice; the first is it. */
export function renderResponse(response: ChatResponse, context: RenderContext, summary: AnswerSummary): Record<string, unknown> {
  const choice = response.choices[0];
  return {
    id: context.responseId,
    type: 'message',
    role: 'assistant',
    model: context.model,
    content: (choice?.parts ?? []).flatMap(answerBlocks),
    stop_reason: choice === undefined ? 'end_turn' : stopReasonOf(choice.finish, choice.rawFinish, choice.stopSequence),
    stop_sequence: choice?.stopSequence ?? null,
    usage: { ...renderUsage(summary.usage), ...tierOf(response), ...usageAdditions(summary) },
    ...ogOf(summary),
  };
}

/**
 * The upstream's own message with id and model made ours and the price added; its usage stays as it is, unknown members too.
 * Of `response`, the normalised reading, only what the provider got wrong is taken over: the stop reason, the ids of tool calls.
 */
export function renderNativeResponse(
  raw: Record<string, unknown>,
  context: RenderContext,
  summary: AnswerSummary,
  response?: ChatResponse,
): Record<string, unknown> {
  const usage = isObject(raw['usage']) ? raw['usage'] : renderUsage(summary.usage);
  const choice = response?.choices[0];
  return {
    ...raw,
    ...correctionsOf(raw, choice),
    id: context.responseId,
    model: context.model,
    usage: { ...usage, ...usageAdditions(summary) },
    ...ogOf(summary),
  };
}

function correctionsOf(raw: JsonObject, choice: Choice | undefined): JsonObject {
  if (choice === undefined || !Array.isArray(raw['content'])) return {};
  const stopReason = stopReasonOf(choice.finish, choice.rawFinish, choice.stopSequence);
  const ids = choice.parts.filter((part) => part.type === 'tool-call').map((part) => part.id);
  const calls = (raw['content'] as unknown[]).filter((block) => isObject(block) && block['type'] === 'tool_use') as JsonObject[];
  const renamed = calls.length === ids.length && calls.some((block, at) => block['id'] !== ids[at]);
  const content = renamed
    ? { content: (raw['content'] as JsonObject[]).map((block) => (calls.includes(block) ? { ...block, id: ids[calls.indexOf(block)] } : block)) }
    : {};
  // A reason we do not know is the provider's to explain to a client of its own protocol.
  const known = finishOf(choice.rawFinish ?? '', {});
  return { ...content, ...(known !== null && known !== choice.finish ? { stop_reason: stopReason } : {}) };
}

export function ogOf(summary: AnswerSummary): JsonObject {
  return summary.og === undefined ? {} : { og: summary.og };
}

function tierOf(response: ChatResponse): JsonObject {
  return response.serviceTier === undefined ? {} : { service_tier: response.serviceTier };
}

/** One part of an answer → its blocks; none for what an Anthropic client could not read (another protocol's blocks, sound without a transcript). */
function answerBlocks(part: Part): WireBlock[] {
  switch (part.type) {
    case 'text': {
      const citations = (part.annotations ?? []).filter(isCitation);
      return [{ type: 'text', text: part.text, ...(citations.length === 0 ? {} : { citations }) }];
    }
    case 'refusal':
      return [{ type: 'text', text: part.text }];
    case 'reasoning':
      return reasoningBlocks(part.text, part.signature, part.encrypted, part.origin);
    case 'tool-call':
      return [{ type: 'tool_use', id: part.id, name: part.name, input: toolInput(part.arguments) }];
    default:
      return otherBlocks(part);
  }
}

function otherBlocks(part: Part): WireBlock[] {
  if (part.type === 'image') return [imageBlock(part.source)];
  if (part.type === 'audio') return part.transcript === undefined ? [] : [{ type: 'text', text: part.transcript }];
  return part.type === 'opaque' && part.protocol === PROTOCOL ? [part.value as WireBlock] : [];
}

function reasoningBlocks(text: string, signature: string | undefined, encrypted: string | undefined, origin: string | undefined): WireBlock[] {
  const blocks: WireBlock[] = [];
  if (text !== '' || signature !== undefined)
    blocks.push({ type: 'thinking', thinking: text, signature: signature === undefined ? '' : wrapSignature(signature, origin) });
  if (encrypted !== undefined) blocks.push({ type: 'redacted_thinking', data: wrapSignature(encrypted, origin) });
  return blocks;
}

/** A generated image, in the form in which Anthropic takes images in: there is no other, and the client keeps the picture. */
export function imageBlock(source: { kind: string; url?: string; mediaType?: string; data?: string; id?: string }): WireBlock {
  if (source.kind === 'inline') return { type: 'image', source: { type: 'base64', media_type: source.mediaType, data: source.data } };
  if (source.kind === 'url') return { type: 'image', source: { type: 'url', url: source.url } };
  return { type: 'image', source: { type: 'file', file_id: source.id } };
}
