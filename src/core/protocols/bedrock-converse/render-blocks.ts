import type { CacheControl, OpaquePart, Part, ReasoningPart, ToolCallPart, ToolResultPart } from '../../chat/message.js';
import { GatewayError } from '../../errors/gateway-error.js';
import { isObject, type JsonObject } from '../../json/index.js';
import { BEDROCK } from './facts.js';
import type { BedrockFacts } from './model-facts.js';
import { documentName, renderDocument, renderImage, renderVideo } from './render-media.js';
import { ToolIds } from './tool-ids.js';

/** Signatures of Claude's thinking hold on every platform that serves it (docs.claude.com, extended thinking, read 2026-11-21). */
const SIGNED_FOR_US: ReadonlySet<string | undefined> = new Set([BEDROCK, 'anthropic-messages']);

/** Renders the parts of one request: names of documents and ids of calls belong to it as a whole. */
export class BlockRenderer {
  readonly #ids: ToolIds;
  #documentCount = 0;

  constructor(private readonly facts: BedrockFacts) {
    this.#ids = new ToolIds(facts.family);
  }

  /** A part → its blocks: none (empty text, thoughts nobody signed), one, and a cache point behind it. */
  render(part: Part, path: string): JsonObject[] {
    const block = this.#block(part, path);
    if (block === null) return [];
    const point = 'cacheControl' in part ? this.cachePoint(part.cacheControl) : null;
    return point === null ? [block] : [block, point];
  }

  cachePoint(control: CacheControl | undefined): JsonObject | null {
    if (control === undefined || !this.facts.cachePoints) return null;
    return { cachePoint: { type: 'default', ...(control.ttl === '1h' && { ttl: '1h' }) } };
  }

  #block(part: Part, path: string): JsonObject | null {
    switch (part.type) {
      case 'text':
      case 'refusal':
        return textBlock(part.text);
      case 'image':
        return renderImage(part, path);
      case 'video':
        return renderVideo(part, path);
      case 'file':
        return renderDocument(part, path, documentName(part.filename, ++this.#documentCount));
      case 'reasoning':
        return this.#reasoning(part);
      case 'tool-call':
        return this.#toolUse(part);
      case 'tool-result':
        return this.#toolResult(part, path);
      case 'opaque':
        return ownBlock(part, path);
      default:
        throw unsupported(path, `${part.type} input`);
    }
  }

  #reasoning(part: ReasoningPart): JsonObject | null {
    if (!SIGNED_FOR_US.has(part.origin)) return null;
    if (part.encrypted !== undefined) return { reasoningContent: { redactedContent: part.encrypted } };
    if (part.signature === undefined) return null;
    return { reasoningContent: { reasoningText: { text: part.text, signature: part.signature } } };
  }

  #toolUse(part: ToolCallPart): JsonObject {
    return { toolUse: { toolUseId: this.#ids.render(part.id), name: part.name, input: inputOf(part.arguments) } };
  }

  #toolResult(part: ToolResultPart, path: string): JsonObject {
    const inner = part.content.flatMap((item, index) => this.render(item, `${path}.content[${index}]`)).filter((block) => block['cachePoint'] === undefined);
    const content = inner.length === 0 ? [{ text: '(empty)' }] : inner;
    return { toolResult: { toolUseId: this.#ids.render(part.toolCallId), content, ...(part.isError === true && { status: 'error' }) } };
  }
}

/** "The text field in the ContentBlock object is blank": 400. */
const textBlock = (text: string): JsonObject | null => (text.trim() === '' ? null : { text });

function ownBlock(part: OpaquePart, path: string): JsonObject {
  if (part.protocol === BEDROCK && isObject(part.value)) return part.value;
  throw unsupported(path, `blocks of ${part.protocol}`);
}

/** Bedrock takes an object; what a model broke off is kept as text inside one. */
function inputOf(text: string): JsonObject {
  if (text.trim() === '') return {};
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : { input: value };
  } catch {
    return { input: text };
  }
}

function unsupported(path: string, what: string): GatewayError {
  return new GatewayError('unsupported_parameter', `\`${path}\`: this provider takes no ${what}.`, { param: path });
}
