import type { AudioPart, FilePart, ImagePart, MediaSource, Message, Part, ReasoningPart, ToolCallPart, ToolResultPart } from '../../chat/message.js';
import type { ParameterAdjustment } from '../../chat/parameter-report.js';
import type { JsonObject } from '../../json/index.js';
import { reasoningDetails } from './render-delta.js';

export interface MessageContext {
  /** Whether, and under which member, earlier thinking is sent back (`modelFacts.reasoningReplay`). */
  replay: 'reasoning_content' | 'reasoning' | 'reasoning_details' | 'none';
  report: ParameterAdjustment[];
}

/** Canonical turns → OpenAI messages. */
export function renderMessages(messages: readonly Message[], context: MessageContext): JsonObject[] {
  const wire: JsonObject[] = [];
  let media: JsonObject[] = [];
  for (const message of messages) {
    // What tools returned besides text follows their messages, which must stand together, as a user's.
    if (message.role !== 'tool' && media.length > 0) {
      wire.push({ role: 'user', content: media });
      media = [];
    }
    if (message.role === 'tool') media.push(...renderToolResults(message, wire, context));
    else wire.push(message.role === 'assistant' ? assistant(message, context) : other(message, context));
  }
  if (media.length > 0) wire.push({ role: 'user', content: media });
  return wire;
}

function other(message: Message, context: MessageContext): JsonObject {
  const content = contentOf(message.parts, context, message.role !== 'user');
  return { role: message.role, content, ...(message.name === undefined ? {} : { name: message.name }) };
}

function assistant(message: Message, context: MessageContext): JsonObject {
  const { parts } = message;
  const wire: JsonObject = { role: 'assistant' };
  const spoken = parts.filter((part) => part.type === 'text' || part.type === 'refusal');
  const calls = parts.filter((part) => part.type === 'tool-call');
  wire['content'] = spoken.length === 0 && calls.length > 0 ? null : spoken.map((part) => part.text).join('');
  if (message.name !== undefined) wire['name'] = message.name;
  if (message.prefix !== undefined) wire['prefix'] = message.prefix;
  if (calls.length > 0) wire['tool_calls'] = calls.map(renderCall);
  const audio = parts.find((part) => part.type === 'audio');
  if (audio?.id !== undefined) wire['audio'] = { id: audio.id };
  replayReasoning(
    parts.filter((part) => part.type === 'reasoning'),
    wire,
    context,
  );
  for (const part of parts) if (part.type === 'opaque') note(context, part.protocol);
  return wire;
}

function renderCall(call: ToolCallPart): JsonObject {
  if (call.kind === 'custom') return { id: call.id, type: 'custom', custom: { name: call.name, input: call.arguments } };
  return { id: call.id, type: 'function', function: { name: call.name, arguments: call.arguments === '' ? '{}' : call.arguments } };
}

/** DeepSeek's tool loops need their thinking back (https://api-docs.deepseek.com/guides/thinking_mode, 2026-11); signatures belong to whoever issued them. */
function replayReasoning(parts: readonly ReasoningPart[], wire: JsonObject, { replay }: MessageContext): void {
  if (parts.length === 0 || replay === 'none') return;
  const text = parts.map((part) => part.text).join('');
  if (replay === 'reasoning_details') {
    const details = parts.flatMap((part, index) => reasoningDetails(part, index));
    if (details.length > 0) wire['reasoning_details'] = details;
    if (text !== '') wire['reasoning'] = text;
  } else if (text !== '') {
    wire[replay] = text;
  }
}

/** One `tool` message per result; returns what no tool message can carry. */
function renderToolResults(message: Message, wire: JsonObject[], context: MessageContext): JsonObject[] {
  const media: JsonObject[] = [];
  for (const part of message.parts) {
    if (part.type !== 'tool-result') continue;
    wire.push({ role: 'tool', tool_call_id: part.toolCallId, content: resultText(part) });
    media.push(
      ...contentParts(
        part.content.filter((inner) => inner.type !== 'text'),
        context,
      ),
    );
  }
  if (media.length > 0) context.report.push({ parameter: 'messages', action: 'emulated', detail: 'tool_result_media' });
  return media;
}

function resultText(part: ToolResultPart): string {
  const text = part.content
    .filter((inner) => inner.type === 'text')
    .map((inner) => inner.text)
    .join('\n');
  // OpenAI has no mark for a failed tool; the model must still learn of it.
  return part.isError === true && !/^\s*\{?\s*"?error/i.test(text) ? `Error: ${text}` : text;
}

/** A string where there is only text, because many compatible servers take nothing else for system messages. */
function contentOf(parts: readonly Part[], context: MessageContext, joined: boolean): string | JsonObject[] {
  const cached = parts.some((part) => 'cacheControl' in part && part.cacheControl !== undefined);
  const [only] = parts;
  if (!cached && parts.length === 1 && only?.type === 'text') return only.text;
  if (!cached && joined && parts.every((part) => part.type === 'text')) return parts.map((part) => part.text).join('\n\n');
  return contentParts(parts, context);
}

function contentParts(parts: readonly Part[], context: MessageContext): JsonObject[] {
  return parts.map((part) => contentPart(part, context)).filter((part) => part !== null);
}

function contentPart(part: Part, context: MessageContext): JsonObject | null {
  switch (part.type) {
    case 'text':
      return { type: 'text', text: part.text, ...cacheControl(part.cacheControl) };
    case 'image':
      return imagePart(part, context);
    case 'audio':
      return audioPart(part, context);
    case 'file':
      return filePart(part, context);
    case 'video': {
      const url = urlOf(part.source);
      return url === null ? note(context, 'video') : { type: 'video_url', video_url: { url } };
    }
    case 'opaque':
      return note(context, part.protocol);
    default:
      return null;
  }
}

function imagePart(part: ImagePart, context: MessageContext): JsonObject | null {
  const url = urlOf(part.source);
  if (url === null) return note(context, 'image');
  return { type: 'image_url', image_url: { url, ...(part.detail === undefined ? {} : { detail: part.detail }) }, ...cacheControl(part.cacheControl) };
}

function audioPart(part: AudioPart, context: MessageContext): JsonObject | null {
  if (part.source.kind !== 'inline') return note(context, 'audio');
  const subtype = part.source.mediaType.split('/')[1] ?? 'wav';
  const format = part.format ?? (subtype === 'mpeg' ? 'mp3' : subtype.replace(/^x-/, ''));
  return { type: 'input_audio', input_audio: { data: part.source.data, format } };
}

function filePart(part: FilePart, context: MessageContext): JsonObject | null {
  if (part.text !== undefined) return { type: 'text', text: part.text };
  if (part.source.kind === 'provider-file') return { type: 'file', file: { file_id: part.source.id } };
  if (part.source.kind === 'url') return note(context, 'file_url');
  return { type: 'file', file: { filename: part.filename ?? 'file', file_data: urlOf(part.source) }, ...cacheControl(part.cacheControl) };
}

function urlOf(source: MediaSource): string | null {
  if (source.kind === 'url') return source.url;
  return source.kind === 'inline' ? `data:${source.mediaType};base64,${source.data}` : null;
}

const cacheControl = (value: unknown): JsonObject => (value === undefined ? {} : { cache_control: value });

/** What cannot be said in this protocol is never lost silently. */
function note({ report }: MessageContext, what: string): null {
  if (!report.some((item) => item.parameter === 'messages' && item.detail === what)) report.push({ parameter: 'messages', action: 'dropped', detail: what });
  return null;
}
