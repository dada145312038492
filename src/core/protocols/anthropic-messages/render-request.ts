import type { ChatRequest } from '../../chat/request.js';
import type { RenderedRequest, UpstreamRenderContext } from '../protocol.js';
import { Adjustments, adjustmentsFor } from './adjustments.js';
import { readModelFacts, type AnthropicModelFacts } from './model-facts.js';
import { plainContent } from './render-blocks.js';
import { planFormat, type FormatPlan } from './render-format.js';
import { renderConversation } from './render-messages.js';
import { planReasoning, type ReasoningPlan } from './render-reasoning.js';
import { renderSampling } from './render-sampling.js';
import { forcesTool, renderTools } from './render-tools.js';
import { STRUCTURED_OUTPUT_TOOL, type JsonObject } from './types.js';

/** Anthropic demands `max_tokens`; what is sent when neither the client nor the catalogue names one: every model's answer fits it. */
const DEFAULT_MAX_TOKENS = 4_096;

/** Parameters that have no equal here and change nothing about the answer's content. */
const NO_EQUAL: readonly (keyof ChatRequest)[] = ['promptCacheKey', 'store', 'verbosity', 'metadata', 'models'];

/** Canonical → Anthropic Messages wire, for a client of another protocol. Throws 400 for what cannot be served. */
export function renderRequest(request: ChatRequest, context: UpstreamRenderContext): RenderedRequest {
  const facts = readModelFacts(context);
  const adjustments = adjustmentsFor(request);
  refuseOtherOutputs(request, adjustments);
  const maxTokens = maxTokensOf(request, context, adjustments);
  const format = planFormat(request, facts, adjustments);
  const forced = format.forcedTool !== undefined || forcesTool(request);
  const reasoning = planReasoning(request, { facts, forced, maxTokens }, adjustments);
  const conversation = renderConversation(request, facts, adjustments);
  const system = format.instruction === undefined ? conversation.system : [...conversation.system, format.instruction];
  const wire: JsonObject = {
    model: context.upstreamModel,
    max_tokens: maxTokens,
    ...(system.length === 0 ? {} : { system: plainContent(system) }),
    messages: conversation.messages,
    ...toolsOf(request, format, { facts, thinks: reasoning.thinks, adjustments }),
    ...outputOf(format, reasoning),
    ...renderSampling(request, facts, reasoning.thinks, adjustments),
    ...identityOf(request, adjustments),
    ...(request.stream ? { stream: true } : {}),
  };
  reportWithoutEqual(request, adjustments);
  return { wire, report: adjustments.report };
}

/**
 * The client speaks this protocol too: its own members, every one the identical object, with only the model's name changed
 * (and `stream`, should the gateway have decided otherwise).
 */
export function renderNativeRequest(wire: Record<string, unknown>, request: ChatRequest, context: UpstreamRenderContext): RenderedRequest {
  const native: JsonObject = { ...wire, model: context.upstreamModel };
  if ((wire['stream'] === true) !== request.stream) native['stream'] = request.stream;
  return { wire: native, report: [] };
}

function maxTokensOf(request: ChatRequest, context: UpstreamRenderContext, adjustments: Adjustments): number {
  const cap = context.maxOutputTokens;
  const asked = request.maxOutputTokens;
  if (asked === undefined) {
    const value = cap ?? DEFAULT_MAX_TOKENS;
    adjustments.add('maxOutputTokens', 'defaulted', String(value));
    return value;
  }
  // More than the model can write is a 400 at Anthropic, where OpenAI's clients are used to no complaint.
  if (cap === undefined || asked <= cap) return asked;
  adjustments.add('maxOutputTokens', 'clamped', String(cap));
  return cap;
}

function toolsOf(request: ChatRequest, format: FormatPlan, reading: { facts: AnthropicModelFacts; thinks: boolean; adjustments: Adjustments }): JsonObject {
  if (format.forcedTool === undefined) return renderTools(request, reading.facts, reading.thinks, reading.adjustments);
  return { tools: [format.forcedTool], tool_choice: { type: 'tool', name: STRUCTURED_OUTPUT_TOOL, disable_parallel_tool_use: true } };
}

function outputOf(format: FormatPlan, reasoning: ReasoningPlan): JsonObject {
  const config: JsonObject = {};
  if (reasoning.effort !== undefined) config['effort'] = reasoning.effort;
  if (format.format !== undefined) config['format'] = format.format;
  return {
    ...(reasoning.thinking === undefined ? {} : { thinking: reasoning.thinking }),
    ...(Object.keys(config).length === 0 ? {} : { output_config: config }),
  };
}

/** `metadata.user_id` is Anthropic's only place for who is behind a request; `service_tier` knows `auto` and `standard_only`. */
function identityOf(request: ChatRequest, adjustments: Adjustments): JsonObject {
  const wire: JsonObject = {};
  const user = request.user ?? request.safetyIdentifier;
  if (user !== undefined) wire['metadata'] = { user_id: user };
  if (request.user !== undefined && request.safetyIdentifier !== undefined) adjustments.add('safetyIdentifier', 'dropped');
  const tier = request.serviceTier;
  if (tier === 'auto' || tier === 'standard_only') wire['service_tier'] = tier;
  else if (tier === 'default') wire['service_tier'] = 'standard_only';
  // Anthropic's `auto` uses committed priority capacity where the account has some.
  else if (tier === 'priority') wire['service_tier'] = 'auto';
  else if (tier !== undefined) adjustments.add('serviceTier', 'dropped');
  return wire;
}

function refuseOtherOutputs(request: ChatRequest, adjustments: Adjustments): void {
  const other = request.modalities?.find((modality) => modality.toLowerCase() !== 'text');
  if (other !== undefined) throw adjustments.refuse('modalities', `this model does not answer in ${other}.`);
  if (request.audioOutput !== undefined) throw adjustments.refuse('audioOutput', 'this model does not answer in audio.');
}

function reportWithoutEqual(request: ChatRequest, adjustments: Adjustments): void {
  for (const name of NO_EQUAL) if (request[name] !== undefined) adjustments.add(name, 'dropped');
  for (const name of Object.keys(request.extra)) adjustments.add(name, 'dropped');
  const detailed = request.messages.some((message) =>
    message.parts.some((part) => part.type === 'image' && part.detail !== undefined && part.detail !== 'auto'),
  );
  if (detailed) adjustments.add('image_url.detail', 'dropped');
}
