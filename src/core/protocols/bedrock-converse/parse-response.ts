import type { Part } from '../../chat/message.js';
import type { ChatResponse, Choice } from '../../chat/response.js';
import { isObject, type JsonObject } from '../../json/index.js';
import { UnreadableAnswer, type ParseContext } from '../protocol.js';
import { annotationsOf } from './citations.js';
import { BEDROCK, finishOf, STRUCTURED_OUTPUT_TOOL, textOf } from './facts.js';
import { parseError } from '../shared-bedrock/index.js';
import { parseUsage } from './parse-usage.js';

const KNOWN: ReadonlySet<string> = new Set(['output', 'stopReason', 'usage', 'metrics']);

/** A whole answer → canonical. Dialect word read: `finishMap`. */
export function parseResponse(body: unknown, context: ParseContext): ChatResponse {
  const message = isObject(body) && isObject(body['output']) ? body['output']['message'] : undefined;
  if (!isObject(body) || !isObject(message) || !Array.isArray(message['content'])) {
    const facts = parseError(body);
    throw new UnreadableAnswer(facts?.message ?? 'The answer has no message.', facts);
  }
  const drift: string[] = [];
  return { choices: [choiceOf(body, message['content'], context, drift)], drift, extra: extraOf(body), ...usageOf(body['usage']) };
}

function choiceOf(body: JsonObject, content: readonly unknown[], context: ParseContext, drift: string[]): Choice {
  const blocks = content.filter(isObject);
  const parts = blocks.flatMap((block) => partsOf(block, drift));
  const emulated = blocks.some((block) => isObject(block['toolUse']) && block['toolUse']['name'] === STRUCTURED_OUTPUT_TOOL);
  const count = parts.filter((part) => part.type === 'tool-call').length;
  const finish = finishOf(body['stopReason'], { count, emulated }, context.dialect);
  if (finish.drift !== undefined) drift.push(finish.drift);
  return { index: 0, parts, finish: finish.reason, rawFinish: finish.raw };
}

function partsOf(block: JsonObject, drift: string[]): Part[] {
  if (typeof block['text'] === 'string') return [{ type: 'text', text: block['text'] }];
  if (isObject(block['toolUse'])) return [toolUse(block['toolUse'], block)];
  if (isObject(block['reasoningContent'])) return [reasoning(block['reasoningContent'])];
  if (isObject(block['citationsContent'])) return cited(block['citationsContent']);
  if (isObject(block['image'])) return image(block['image']);
  // What the provider's own tools answered belongs to the provider.
  if (!isObject(block['toolResult'])) drift.push(`block:${Object.keys(block)[0] ?? 'empty'}`);
  return [{ type: 'opaque', protocol: BEDROCK, value: block }];
}

/** A `server_tool_use` was carried out by the provider already: nothing for the client to call. */
function toolUse(use: JsonObject, block: JsonObject): Part {
  if (use['type'] === 'server_tool_use') return { type: 'opaque', protocol: BEDROCK, value: block };
  const text = JSON.stringify(use['input'] ?? {});
  if (use['name'] === STRUCTURED_OUTPUT_TOOL) return { type: 'text', text };
  return { type: 'tool-call', id: textOf(use['toolUseId']), name: textOf(use['name']), arguments: text };
}

function reasoning(content: JsonObject): Part {
  if (typeof content['redactedContent'] === 'string') return { type: 'reasoning', text: '', encrypted: content['redactedContent'], origin: BEDROCK };
  const inner = isObject(content['reasoningText']) ? content['reasoningText'] : {};
  const signature = textOf(inner['signature']);
  return { type: 'reasoning', text: textOf(inner['text']), origin: BEDROCK, ...(signature !== '' && { signature }) };
}

/** The cited words are the answer's own: without them its sentences have holes. */
function cited(content: JsonObject): Part[] {
  const pieces = Array.isArray(content['content']) ? content['content'].filter(isObject) : [];
  const text = pieces.map((piece) => textOf(piece['text'])).join('');
  const annotations = Array.isArray(content['citations']) ? annotationsOf(content['citations'], { start: 0, end: text.length }) : [];
  return [{ type: 'text', text, ...(annotations.length > 0 && { annotations }) }];
}

function image(block: JsonObject): Part[] {
  const data = isObject(block['source']) ? textOf(block['source']['bytes']) : '';
  return data === '' ? [] : [{ type: 'image', source: { kind: 'inline', mediaType: `image/${textOf(block['format'])}`, data } }];
}

function usageOf(raw: unknown): Pick<ChatResponse, 'usage' | 'usageProblem' | 'rawUsage'> {
  const usage = parseUsage(raw);
  if (usage === undefined) return { usageProblem: 'missing' };
  return usage === null ? { usageProblem: 'invalid', rawUsage: raw } : { usage, rawUsage: raw };
}

function extraOf(body: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(body).filter(([name, value]) => !KNOWN.has(name) && value !== null));
}
