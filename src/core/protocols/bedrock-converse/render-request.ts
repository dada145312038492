import type { ChatRequest } from '../../chat/request.js';
import { isObject, type JsonObject } from '../../json/index.js';
import { AdjustmentReport } from '../adjustment-report.js';
import { forcesTool } from '../offered-tools.js';
import type { RenderedRequest, UpstreamRenderContext } from '../protocol.js';
import { readFacts } from './model-facts.js';
import { BlockRenderer } from './render-blocks.js';
import { renderConversation } from './render-messages.js';
import { planReasoning, type ReasoningPlan } from './render-reasoning.js';
import { maxTokensOf, renderSampling } from './render-sampling.js';
import { planFormat, renderTools } from './render-tools.js';

/** Members that Converse knows and our vocabulary does not: passed on as they are. */
const OWN: ReadonlySet<string> = new Set([
  'guardrailConfig',
  'performanceConfig',
  'requestMetadata',
  'promptVariables',
  'additionalModelRequestFields',
  'additionalModelResponseFieldPaths',
]);
const NO_EQUAL = ['parallelToolCalls', 'promptCacheKey', 'metadata', 'user', 'safetyIdentifier', 'store', 'verbosity', 'models'];
const TIERS: ReadonlySet<string> = new Set(['priority', 'default', 'flex', 'reserved']);

/** Canonical → Converse. The model stands in the URL. Model facts read: see model-facts.ts. Throws GatewayError 400 for what cannot be sent. */
export function renderRequest(request: ChatRequest, context: UpstreamRenderContext): RenderedRequest {
  const report = new AdjustmentReport(request.wireNames);
  report.refuseOtherOutputs(request);
  const facts = readFacts(context);
  const blocks = new BlockRenderer(facts);
  const format = planFormat(request, facts, report);
  const { system, messages } = renderConversation(request.messages, blocks, report);
  const maxTokens = maxTokensOf(request, context, report);
  const reasoning = planReasoning(request.reasoning, { facts, forced: format.forced !== undefined || forcesTool(request), maxTokens }, report);
  const sampling = renderSampling(request, { facts, limits: reasoning.limits }, report);
  const inferenceConfig = { ...limitOf(maxTokens, reasoning, report), ...sampling.inferenceConfig };
  const wire: JsonObject = {
    messages,
    ...withContent({ system: [...system, ...(format.instruction ?? [])], inferenceConfig, outputConfig: format.output ?? {} }),
    ...(format.forced ?? renderTools(request, facts, blocks, report)),
    ...serviceTierOf(request, report),
    ...ownMembers(request, { ...sampling.fields, ...reasoning.fields }),
  };
  report.dropFrom(request, NO_EQUAL);
  report.dropExtra(request.extra, OWN);
  return { wire, report: report.adjustments };
}

function limitOf(maxTokens: number | undefined, { limits }: ReasoningPlan, report: AdjustmentReport): JsonObject {
  if (maxTokens === undefined) return {};
  if (limits !== 'nova-high') return { maxTokens };
  report.add('maxOutputTokens', 'dropped', 'the model thinks at high effort');
  return {};
}

function withContent(members: Readonly<Record<string, object>>): JsonObject {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => Object.keys(value).length > 0));
}

/** What the client wrote for the model behind Converse wins over what we made of its parameters. */
function ownMembers(request: ChatRequest, made: JsonObject): JsonObject {
  const own = Object.fromEntries(Object.entries(request.extra).filter(([name]) => OWN.has(name)));
  const given = own['additionalModelRequestFields'];
  const fields = { ...made, ...(isObject(given) ? given : {}) };
  return Object.keys(fields).length === 0 ? own : { ...own, additionalModelRequestFields: fields };
}

function serviceTierOf({ serviceTier }: ChatRequest, report: AdjustmentReport): JsonObject {
  if (serviceTier === undefined || serviceTier === 'auto') return {};
  if (TIERS.has(serviceTier)) return { serviceTier: { type: serviceTier } };
  report.add('serviceTier', 'dropped');
  return {};
}
