import type { Part } from '../../chat/message.js';
import type { ChatResponse, Choice, FinishReason } from '../../chat/response.js';
import { UnreadableAnswer, type ParseContext } from '../protocol.js';
import { parseError } from './parse-error.js';
import { parseUsage } from './parse-usage.js';
import { finishOf } from './stop-reasons.js';
import { isObject, isServerBlock, PROTOCOL, STRUCTURED_OUTPUT_TOOL, type JsonObject } from './types.js';

const KNOWN = new Set(['id', 'type', 'role', 'model', 'content', 'stop_reason', 'stop_sequence', 'usage']);

/** A complete answer → canonical. Dialect words read: `finishMap`, `usageSemantics`. */
export function parseResponse(body: unknown, context: ParseContext): ChatResponse {
  if (!isObject(body)) throw new UnreadableAnswer('The answer is not a JSON object.');
  if (!Array.isArray(body['content'])) {
    const facts = parseError(body);
    throw new UnreadableAnswer(facts === null ? 'The answer has no content array.' : facts.message, facts);
  }
  const drift: string[] = [];
  const parts = body['content'].map((block) => parsePart(block, drift));
  const response: ChatResponse = { choices: [choiceOf(body, parts, context, drift)], drift, extra: extraOf(body), ...usageOf(body, context) };
  if (typeof body['id'] === 'string') response.upstreamId = body['id'];
  if (typeof body['model'] === 'string') response.upstreamModel = body['model'];
  const tier = isObject(body['usage']) ? body['usage']['service_tier'] : undefined;
  if (typeof tier === 'string') response.serviceTier = tier;
  return response;
}

function parsePart(block: unknown, drift: string[]): Part {
  if (!isObject(block) || typeof block['type'] !== 'string') throw new UnreadableAnswer('A content block of the answer has no type.');
  const part = readBlock(block);
  if (part !== null) return part;
  if (!isServerBlock(block['type'])) drift.push(`block:${block['type']}`);
  return { type: 'opaque', protocol: PROTOCOL, value: block };
}

/** Null: a block that only this protocol knows. */
function readBlock(block: JsonObject): Part | null {
  switch (block['type']) {
    case 'text':
      return { type: 'text', text: textOf(block['text']), ...(isNonEmptyList(block['citations']) ? { annotations: block['citations'] } : {}) };
    case 'thinking':
      return {
        type: 'reasoning',
        text: textOf(block['thinking']),
        origin: PROTOCOL,
        ...(textOf(block['signature']) === '' ? {} : { signature: textOf(block['signature']) }),
      };
    case 'redacted_thinking':
      return { type: 'reasoning', text: '', origin: PROTOCOL, encrypted: textOf(block['data']) };
    case 'tool_use':
      return block['name'] === STRUCTURED_OUTPUT_TOOL
        ? { type: 'text', text: JSON.stringify(block['input'] ?? {}) }
        : { type: 'tool-call', id: textOf(block['id']), name: textOf(block['name']), arguments: JSON.stringify(block['input'] ?? {}) };
    default:
      return null;
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function isNonEmptyList(value: unknown): value is unknown[] {
  return Array.isArray(value) && value.length > 0;
}

function choiceOf(body: JsonObject, parts: Part[], context: ParseContext, drift: string[]): Choice {
  const raw = typeof body['stop_reason'] === 'string' ? body['stop_reason'] : null;
  const called = parts.some((part) => part.type === 'tool-call');
  const emulated = !called && (body['content'] as unknown[]).some((block) => isObject(block) && block['name'] === STRUCTURED_OUTPUT_TOOL);
  const known = raw === null ? null : finishOf(raw, context.dialect);
  if (known === null) drift.push(`stop_reason:${raw ?? 'missing'}`);
  const sequence = typeof body['stop_sequence'] === 'string' ? { stopSequence: body['stop_sequence'] } : {};
  return { index: 0, parts, finish: settledFinish(known, called, emulated), rawFinish: raw, ...sequence };
}

/** The emulated structured output ends in `tool_use` although the client gets text; an unknown reason with calls is a call. */
export function settledFinish(finish: FinishReason | null, called: boolean, emulated: boolean): FinishReason {
  if (finish === null) return called ? 'tool_calls' : 'stop';
  return finish === 'tool_calls' && emulated ? 'stop' : finish;
}

function usageOf(body: JsonObject, context: ParseContext): Pick<ChatResponse, 'usage' | 'usageProblem' | 'rawUsage'> {
  if (!isObject(body['usage'])) return { usageProblem: 'missing' };
  const usage = parseUsage(body['usage'], context.dialect.usageSemantics);
  return usage === null ? { usageProblem: 'invalid', rawUsage: body['usage'] } : { usage, rawUsage: body['usage'] };
}

function extraOf(body: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(body).filter(([key, value]) => !KNOWN.has(key) && value !== null));
}
