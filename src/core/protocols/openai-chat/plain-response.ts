import type { ChatResponse } from '../../chat/response.js';
import { isObject, type JsonObject } from '../../json/index.js';
import type { ParseContext } from '../protocol.js';
import { finishReason } from './finish-reason.js';
import { DEFAULT_REASONING_AT } from './reasoning-source.js';
import { usageOf } from './usage.js';

/**
 * The answer that nearly every answer is: one choice, its message a text that is not empty, a finish reason that is known,
 * and no member besides that says anything. Null for every other one, which `parseResponse` reads in full; for this one it would
 * come to the same (`response.spec.ts`), by way of events at three times the cost.
 */
export function plainResponse(body: JsonObject, choices: readonly unknown[], { dialect }: ParseContext): ChatResponse | null {
  const [choice] = choices;
  if (choices.length !== 1 || !isObject(choice) || choice['index'] !== 0 || isObject(choice['logprobs'])) return null;
  const text = plainText(choice['message']);
  const raw = choice['finish_reason'];
  if (text === null || typeof raw !== 'string' || (dialect.reasoningAt ?? DEFAULT_REASONING_AT).includes('think_tags')) return null;
  const { reason, known } = finishReason(raw, dialect);
  if (!known || reason === 'error') return null;
  const response: ChatResponse = { choices: [{ index: 0, parts: [{ type: 'text', text }], finish: reason, rawFinish: raw, stopSequence: undefined }], drift: [], extra: {} };
  noteFacts(response, body);
  const usage = usageOf(body, dialect);
  if (usage !== undefined) {
    response.usage = usage.usage;
    response.rawUsage = usage.raw;
  }
  if (response.usage === undefined) response.usageProblem = usage === undefined ? 'missing' : 'invalid';
  return response;
}

/** Null when the message is more, or less, than one text. */
function plainText(message: unknown): string | null {
  if (!isObject(message)) return null;
  for (const name in message) {
    const value = message[name];
    if (value === null || name === 'content' || name === 'role') continue;
    if (name === 'annotations' && Array.isArray(value) && value.length === 0) continue;
    return null;
  }
  const { content } = message;
  return typeof content === 'string' && content !== '' ? content : null;
}

function noteFacts(response: ChatResponse, body: JsonObject): void {
  const { id, model, created, service_tier: tier, system_fingerprint: fingerprint } = body;
  if (typeof id === 'string' && id !== '') response.upstreamId = id;
  if (typeof model === 'string' && model !== '') response.upstreamModel = model;
  if (typeof created === 'number') response.createdS = created;
  if (typeof tier === 'string' && tier !== '') response.serviceTier = tier;
  if (typeof fingerprint === 'string' && fingerprint !== '') response.systemFingerprint = fingerprint;
}
