import type { Message } from '../../chat/message.js';
import type { ChatRequest } from '../../chat/request.js';
import { invalidRequest } from '../../errors/gateway-error.js';
import { isObject, type JsonObject } from '../../json/index.js';
import { AdjustmentReport } from '../adjustment-report.js';
import type { RenderedRequest, UpstreamRenderContext } from '../protocol.js';
import { requestBodyOf, type Bodies } from './bodies.js';

/** https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages-request-response.html, read 2026-11-29. */
const ANTHROPIC_VERSION = 'bedrock-2023-05-31';

/** Canonical → the model's own body. Model and stream stand in the URL. Throws GatewayError 400 for models that take one prompt. */
export function renderRequest(request: ChatRequest, context: UpstreamRenderContext, bodies: Bodies): RenderedRequest {
  const kind = requestBodyOf(context.upstreamModel);
  if (kind === 'prompt') {
    throw invalidRequest('model', 'This model takes one prompt in a template of its own when it is invoked; serve it with `protocol: bedrock-converse`.');
  }
  if (kind === 'titan') return titanRequest(request);
  const { wire, report } = bodies[kind].renderRequest(request, context);
  const { model: _model, stream: _stream, stream_options: _options, ...rest } = wire;
  if (kind === 'messages') return { wire: { anthropic_version: ANTHROPIC_VERSION, ...rest }, report };
  return { wire: kind === 'converse' ? novaBody(rest) : rest, report };
}

/** Nova takes `top_k` inside its `inferenceConfig`, and no additional fields around it. */
function novaBody({ additionalModelRequestFields: fields, inferenceConfig, ...rest }: JsonObject): JsonObject {
  const own = isObject(fields) ? fields : {};
  const { inferenceConfig: inner, ...members } = own;
  const config = { ...(isObject(inferenceConfig) ? inferenceConfig : {}), ...(isObject(inner) ? inner : {}) };
  return { schemaVersion: 'messages-v1', ...rest, ...members, ...(Object.keys(config).length === 0 ? {} : { inferenceConfig: config }) };
}

const SAMPLING_WITHOUT_EQUAL = ['topK', 'seed', 'minP', 'presencePenalty', 'frequencyPenalty', 'repetitionPenalty', 'logitBias', 'logprobs', 'topLogprobs'];
const WITHOUT_EQUAL = ['reasoning', 'responseFormat', 'toolChoice', 'parallelToolCalls', 'promptCacheKey', 'metadata', 'user', 'safetyIdentifier', 'store', 'verbosity', 'serviceTier', 'models'];

/** Titan Text: a conversation as the script its documentation shows. */
function titanRequest(request: ChatRequest): RenderedRequest {
  const report = new AdjustmentReport(request.wireNames);
  report.refuseOtherOutputs(request);
  if (request.tools.length > 0) throw invalidRequest('tools', 'This model calls no tools.');
  const { temperature, topP, stop } = request.sampling;
  report.dropFrom(request.sampling, SAMPLING_WITHOUT_EQUAL);
  report.dropFrom(request, WITHOUT_EQUAL);
  report.dropExtra(request.extra, new Set());
  const named: JsonObject = { maxTokenCount: request.maxOutputTokens, temperature: report.clamp('temperature', temperature, { min: 0, max: 1 }), topP, stopSequences: stop };
  const textGenerationConfig = Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined));
  return { wire: { inputText: scriptOf(request.messages), ...(Object.keys(textGenerationConfig).length === 0 ? {} : { textGenerationConfig }) }, report: report.adjustments };
}

function scriptOf(messages: readonly Message[]): string {
  const lines = messages.map(({ role, parts }, at) => {
    const text = parts.map((part) => (part.type === 'text' ? part.text : refuse(part.type, at))).join('');
    if (role === 'assistant') return `Bot: ${text}`;
    return role === 'user' ? `User: ${text}` : text;
  });
  return `${lines.join('\n')}\nBot:`;
}

function refuse(type: string, at: number): never {
  throw invalidRequest(`messages[${at}].content`, `This model reads text alone, but the message holds a part of the type \`${type}\`.`);
}
