import type { ChatRequest } from '../../chat/request.js';
import type { RenderedRequest, UpstreamRenderContext } from '../protocol.js';
import { readFacts, type GeminiFacts } from './model-facts.js';
import { renderContents } from './render-contents.js';
import { renderGenerationConfig } from './render-generation-config.js';
import { renderToolConfig, renderTools } from './render-tools.js';
import { AdjustmentReport } from './report.js';
import { put, writtenName, type Wire } from './wire.js';

/** Members of `extra` that Gemini knows; a client of another protocol may send them too (`extra_body`). */
const PASSED_ON = ['safetySettings', 'cachedContent', 'labels'] as const;
const HANDLED: ReadonlySet<string> = new Set([
  'generationConfig',
  'toolConfig',
  'safetySettings',
  'safety_settings',
  'cachedContent',
  'cached_content',
  'labels',
]);

/** A canonical request as a `generateContent` body. Model and streaming stand in the URL. Throws GatewayError 400 naming the part that cannot be sent. */
export function renderRequest(request: ChatRequest, context: UpstreamRenderContext): RenderedRequest {
  const facts = readFacts(context);
  const report = new AdjustmentReport(request.wireNames);
  const { contents, systemInstruction } = renderContents(request.messages, facts);
  const wire: Wire = { contents };
  put(wire, 'systemInstruction', systemInstruction);
  put(wire, 'tools', renderTools(request, facts, report));
  put(wire, 'toolConfig', renderToolConfig(request, facts));
  const config = renderGenerationConfig(request, facts, report);
  if (Object.keys(config).length > 0) wire['generationConfig'] = config;
  put(wire, 'serviceTier', serviceTier(request, facts, report));
  for (const camel of PASSED_ON) {
    const written = writtenName(request.extra, camel);
    if (written !== null) wire[camel] = request.extra[written];
  }
  for (const name of Object.keys(request.extra)) {
    if (!HANDLED.has(name)) report.addNamed(name, 'dropped');
  }
  return { wire, report: report.adjustments };
}

/** Tiers are priced differently, so only those are asked for that the catalogue knows (https://ai.google.dev/gemini-api/docs/optimization, read 2026-11-21). */
function serviceTier(request: ChatRequest, facts: GeminiFacts, report: AdjustmentReport): string | undefined {
  const tier = request.serviceTier;
  if (tier === undefined || tier === 'auto' || tier === 'default' || tier === 'standard') return undefined;
  if (facts.serviceTiers.includes(tier)) return tier;
  report.add('serviceTier', 'dropped');
  return undefined;
}

/** Same protocol on both sides: the client's own members; a `model` in the body, where there is one, must agree with the URL. */
export function renderNativeRequest(wire: Record<string, unknown>, _request: ChatRequest, context: UpstreamRenderContext): RenderedRequest {
  if (wire['model'] === undefined || wire['model'] === null) return { wire, report: [] };
  return { wire: { ...wire, model: modelResource(context.upstreamModel) }, report: [] };
}

function modelResource(model: string): string {
  return /^(?:models|tunedModels|publishers)\//.test(model) ? model : `models/${model}`;
}
