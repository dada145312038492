import { NO_USAGE, type Usage } from '../../chat/usage.js';
import { isObject, type JsonObject } from '../../json/index.js';
import { renderUsage } from '../../protocols/openai-chat/usage.js';
import type { OperationContext, OperationRequest, OperationResult, WholeAnswer } from '../operation.js';
import { jsonOf, objectsOf, usageOf } from '../read-answer.js';
import { jsonReply } from '../render-reply.js';

export const MAX_IMAGES = 10;
/** The most that OpenAI's models write for one image (high quality, 1536 × 1024: 6,240 tokens; guide of image generation, read 2026-11-21). */
export const TOKENS_PER_IMAGE = 6_300;

/** Images made or changed: the list as it came. Throws UnreadableAnswer. */
export function parseImages(answer: WholeAnswer, request: OperationRequest): OperationResult {
  const body = jsonOf(answer);
  const data = objectsOf(body, 'data');
  const usage = imageUsage(body['usage']);
  return { usage, estimate: estimateOf(request, data.length), images: data.length, seconds: 0, render: (context) => jsonReply(replyOf(body, data, context)) };
}

/** What is generated is image tokens, unless the details say otherwise (`input_tokens`, `output_tokens` of gpt-image-1). */
function imageUsage(raw: unknown): Usage | undefined {
  const usage = usageOf(raw);
  if (usage === undefined || usage.image > 0 || (isObject(raw) && isObject(raw['output_tokens_details']))) return usage;
  return { ...usage, output: 0, image: usage.output };
}

function estimateOf({ bounds }: OperationRequest, count: number): Usage {
  return { ...NO_USAGE, input: bounds.promptTokens, image: count * TOKENS_PER_IMAGE };
}

/** As it came, but for the provider's own figures of money. */
function replyOf(body: JsonObject, data: readonly JsonObject[], { createdS, summary }: OperationContext): JsonObject {
  const usage = renderUsage(summary);
  const { usage: _theirs, id: _id, model: _model, ...rest } = body;
  return {
    ...rest,
    created: typeof body['created'] === 'number' ? body['created'] : createdS,
    data,
    usage: { input_tokens: usage['prompt_tokens'], output_tokens: usage['completion_tokens'], total_tokens: usage['total_tokens'], ...moneyOf(usage) },
  };
}

function moneyOf(usage: JsonObject): JsonObject {
  return Object.fromEntries(['estimated', 'cost', 'cost_details'].flatMap((name) => (usage[name] === undefined ? [] : [[name, usage[name]]])));
}
