import type { Part, TextPart } from '../../chat/message.js';
import type { ChatResponse, Choice } from '../../chat/response.js';
import { isObject, type JsonObject } from '../../json/index.js';
import { UnreadableAnswer, type ParseContext } from '../protocol.js';
import { annotationsOf } from './citations.js';
import { COHERE, failureStatusOf, finishOf, textOf } from './facts.js';
import { parseError } from './parse-error.js';
import { parseUsage } from './parse-usage.js';

const KNOWN: ReadonlySet<string> = new Set(['id', 'message', 'finish_reason', 'usage', 'prompt', 'logprobs']);

/** A whole answer → canonical. Dialect word read: `finishMap`. */
export function parseResponse(body: unknown, context: ParseContext): ChatResponse {
  if (!isObject(body) || !isObject(body['message'])) {
    const facts = parseError(body);
    throw new UnreadableAnswer(facts?.message ?? 'The answer has no message.', facts);
  }
  const status = failureStatusOf(body['finish_reason'], context.dialect);
  const rawReason = textOf(body['finish_reason']);
  if (status !== undefined) throw new UnreadableAnswer('The model failed.', { message: `The model ended with ${rawReason}.`, rawCode: rawReason, status });
  const drift: string[] = [];
  const response: ChatResponse = { choices: [choiceOf(body, body['message'], context, drift)], drift, extra: extraOf(body), ...usageOf(body['usage']) };
  if (textOf(body['id']) !== '') response.upstreamId = textOf(body['id']);
  return response;
}

function choiceOf(body: JsonObject, message: JsonObject, context: ParseContext, drift: string[]): Choice {
  const raw = textOf(body['finish_reason']);
  const finish = finishOf(raw, context.dialect);
  if (finish === null) drift.push(`finish_reason:${raw === '' ? 'missing' : raw}`);
  const parts = partsOf(message, drift);
  const called = parts.some((part) => part.type === 'tool-call');
  return { index: 0, parts, finish: finish ?? (called ? 'tool_calls' : 'stop'), rawFinish: raw === '' ? null : raw };
}

function partsOf(message: JsonObject, drift: string[]): Part[] {
  const parts = blocksOf(message['content']).flatMap((block) => blockOf(block, drift));
  const plan = textOf(message['tool_plan']);
  if (plan !== '') parts.push({ type: 'reasoning', text: plan, origin: COHERE });
  const calls = Array.isArray(message['tool_calls']) ? message['tool_calls'].filter(isObject) : [];
  const citations = Array.isArray(message['citations']) ? annotationsOf(message['citations']) : [];
  const last = parts.findLast((part): part is TextPart => part.type === 'text');
  if (last !== undefined && citations.length > 0) last.annotations = citations;
  return [...parts, ...calls.map(callOf)];
}

/** A text stands for one block of it, as in requests. */
function blocksOf(content: unknown): JsonObject[] {
  if (typeof content === 'string') return [{ type: 'text', text: content }];
  return Array.isArray(content) ? content.filter(isObject) : [];
}

function blockOf(block: JsonObject, drift: string[]): Part[] {
  if (block['type'] === 'text') return [{ type: 'text', text: textOf(block['text']) }];
  if (block['type'] === 'thinking') return [{ type: 'reasoning', text: textOf(block['thinking']), origin: COHERE }];
  drift.push(`block:${textOf(block['type'])}`);
  return [{ type: 'opaque', protocol: COHERE, value: block }];
}

function callOf(call: JsonObject): Part {
  const made = isObject(call['function']) ? call['function'] : {};
  const text = textOf(made['arguments']);
  // A call without arguments is an empty text here, which is no JSON; clients parse it.
  return { type: 'tool-call', id: textOf(call['id']), name: textOf(made['name']), arguments: text === '' ? '{}' : text };
}

function usageOf(raw: unknown): Pick<ChatResponse, 'usage' | 'usageProblem' | 'rawUsage'> {
  const usage = parseUsage(raw);
  if (usage === undefined) return { usageProblem: 'missing' };
  return usage === null ? { usageProblem: 'invalid', rawUsage: raw } : { usage, rawUsage: raw };
}

function extraOf(body: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(body).filter(([name, value]) => !KNOWN.has(name) && value !== null));
}
