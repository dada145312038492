import type { AudioPart, FilePart, MediaSource, Message, Part, ReasoningPart, ToolCallPart, ToolResultPart } from '../../chat/message.js';
import type { ParameterAdjustment } from '../../chat/parameter-report.js';
import { isObject, type JsonObject } from '../../json/index.js';
import { CONTENT_PROTOCOL, OWN_ID, PROTOCOL, unwrapCustomInput } from './types.js';

/** Turns → items, in the order of their parts. What has no place in this protocol is reported, not lost silently. */
export function renderInput(messages: readonly Message[], report: ParameterAdjustment[]): JsonObject[] {
  const writer = new ItemWriter(report);
  for (const message of messages) writer.add(message);
  return writer.items;
}

/** The first message as `instructions`, when it is nothing but a system prompt in text. */
export function instructionsOf(messages: readonly Message[]): string | undefined {
  const [first] = messages;
  if (first?.role !== 'system' || first.parts.length === 0) return undefined;
  const texts = first.parts.map((part) => (part.type === 'text' ? part.text : null));
  return texts.every((words) => words !== null) ? texts.join('\n\n') : undefined;
}

class ItemWriter {
  readonly items: JsonObject[] = [];

  constructor(private readonly report: ParameterAdjustment[]) {}

  add({ role, parts }: Message): void {
    let content: JsonObject[] = [];
    const close = (): void => {
      if (content.length > 0) this.items.push({ type: 'message', role: role === 'tool' ? 'user' : role, content });
      content = [];
    };
    for (const part of parts) {
      const item = this.item(part);
      if (item !== undefined) {
        close();
        if (item !== null) this.items.push(item);
        continue;
      }
      const piece = contentPart(part, role === 'assistant');
      if (piece === null) this.note(part.type === 'opaque' ? part.protocol : part.type);
      else content.push(piece);
    }
    close();
  }

  /** Undefined: the part belongs into a message. Null: it is an item that cannot be said here. */
  private item(part: Part): JsonObject | null | undefined {
    switch (part.type) {
      case 'tool-call':
        return callItem(part);
      case 'tool-result':
        return this.resultItem(part);
      case 'reasoning':
        return reasoningItem(part);
      case 'opaque':
        return part.protocol === PROTOCOL ? (part.value as JsonObject) : undefined;
      default:
        return undefined;
    }
  }

  private resultItem(part: ToolResultPart): JsonObject {
    const type = part.foreign?.protocol === PROTOCOL ? String(part.foreign.members['type']) : 'function_call_output';
    const texts = part.content.map((inner) => (inner.type === 'text' ? inner.text : null));
    if (texts.every((words) => words !== null)) return { type, call_id: part.toolCallId, output: failed(part, texts.join('\n')) };
    const output = part.content.map((inner) => contentPart(inner, false)).filter((inner) => inner !== null);
    return { type, call_id: part.toolCallId, output };
  }

  private note(detail: string): void {
    if (!this.report.some((item) => item.parameter === 'messages' && item.detail === detail)) {
      this.report.push({ parameter: 'messages', action: 'dropped', detail });
    }
  }
}

/** There is no mark for a failed tool; the model must still learn of it. */
function failed(part: ToolResultPart, words: string): string {
  return part.isError === true && !/^\s*\{?\s*"?error/i.test(words) ? `Error: ${words}` : words;
}

function callItem(part: ToolCallPart): JsonObject {
  const { id: callId, name } = part;
  if (part.kind === 'custom') return { type: 'custom_tool_call', call_id: callId, name, input: part.arguments };
  const custom = part.foreign?.protocol === PROTOCOL && part.foreign.members['type'] === 'custom_tool_call';
  if (custom) return { type: 'custom_tool_call', call_id: callId, name, input: unwrapCustomInput(part.arguments) };
  return { type: 'function_call', call_id: callId, name, arguments: part.arguments === '' ? '{}' : part.arguments };
}

/** Only what this protocol issued can be replayed: by its encrypted content, or by the id under which the provider stored it. */
function reasoningItem({ text, encrypted, id, origin }: ReasoningPart): JsonObject | null {
  const known = id !== undefined && !OWN_ID.test(id);
  if (origin !== PROTOCOL || (encrypted === undefined && !known)) return null;
  return {
    type: 'reasoning',
    ...(known ? { id } : {}),
    summary: text === '' ? [] : [{ type: 'summary_text', text }],
    ...(encrypted === undefined ? {} : { encrypted_content: encrypted }),
  };
}

function contentPart(part: Part, spoken: boolean): JsonObject | null {
  switch (part.type) {
    case 'text':
      return spoken ? { type: 'output_text', text: part.text, annotations: ownAnnotations(part.annotations) } : { type: 'input_text', text: part.text };
    case 'refusal':
      return spoken ? { type: 'refusal', refusal: part.text } : { type: 'input_text', text: part.text };
    case 'image':
      return imagePart(part);
    case 'file':
      return filePart(part);
    case 'audio':
      return audioPart(part);
    case 'opaque':
      return part.protocol === CONTENT_PROTOCOL ? (part.value as JsonObject) : null;
    default:
      return null;
  }
}

const ANNOTATIONS: ReadonlySet<unknown> = new Set(['url_citation', 'file_citation', 'container_file_citation', 'file_path']);

/** Citations of another protocol have other shapes, which this one refuses. */
function ownAnnotations(annotations: readonly unknown[] = []): unknown[] {
  return annotations.filter((one) => isObject(one) && ANNOTATIONS.has(one['type']) && !isObject(one['url_citation']));
}

function imagePart({ source, detail }: Extract<Part, { type: 'image' }>): JsonObject {
  const place = source.kind === 'provider-file' ? { file_id: source.id } : { image_url: urlOf(source) };
  return { type: 'input_image', ...place, ...(detail === undefined ? {} : { detail }) };
}

function filePart({ source, filename, text }: FilePart): JsonObject {
  if (text !== undefined) return { type: 'input_text', text };
  if (source.kind === 'provider-file') return { type: 'input_file', file_id: source.id };
  if (source.kind === 'url') return { type: 'input_file', file_url: source.url };
  return { type: 'input_file', filename: filename ?? 'file', file_data: urlOf(source) };
}

function audioPart({ source, format }: AudioPart): JsonObject | null {
  if (source.kind !== 'inline') return null;
  const subtype = source.mediaType.split('/')[1] ?? 'wav';
  return { type: 'input_audio', input_audio: { data: source.data, format: format ?? (subtype === 'mpeg' ? 'mp3' : subtype.replace(/^x-/, '')) } };
}

function urlOf(source: Exclude<MediaSource, { kind: 'provider-file' }>): string {
  return source.kind === 'url' ? source.url : `data:${source.mediaType};base64,${source.data}`;
}
