import type { Capabilities, Model } from '../core/catalog/model.js';
import { formatUsd } from '../core/pricing/index.js';
import type { Price } from '../core/pricing/price.js';
import type { DeploymentHealthReport } from '../routing/index.js';

const PER_TOKEN = 1_000_000n;

/** One model as OpenAI's and Anthropic's clients read it; the extras disturb neither. */
export function renderModel(model: Model): Record<string, unknown> {
  const { capabilities } = model;
  return {
    id: model.id,
    object: 'model',
    created: model.createdS,
    owned_by: model.ownedBy,
    type: 'model',
    display_name: model.name ?? model.id,
    created_at: new Date(model.createdS * 1000).toISOString(),
    name: model.name ?? model.id,
    aliases: model.aliases,
    context_length: capabilities.contextWindow ?? null,
    max_output_tokens: capabilities.maxOutput ?? null,
    pricing: model.price === null ? null : renderPricing(model.price),
    architecture: renderArchitecture(capabilities),
    supported_parameters: supportedParameters(capabilities),
    endpoints: model.endpoints,
    lifecycle: { retired_at: model.retiredAtMs === undefined ? null : new Date(model.retiredAtMs).toISOString(), replacement: model.replacement ?? null },
    zones: [...new Set(model.deployments.flatMap((deployment) => deployment.provider.zones))].sort(),
  };
}

/** USD per token as decimal strings, the unit that catalogues on the web use. */
function renderPricing(price: Price): Record<string, string> {
  const perToken = (nanoPerMillion: bigint | undefined): string => formatPerToken(nanoPerMillion ?? 0n);
  return {
    prompt: perToken(price.tokens.input),
    completion: perToken(price.tokens.output),
    input_cache_read: perToken(price.tokens.cacheRead ?? price.tokens.input),
    input_cache_write: perToken(price.tokens.cacheWrite ?? price.tokens.input),
    request: formatUsd(price.perRequestNanoUsd),
    image: formatUsd(price.perImageNanoUsd),
  };
}

function formatPerToken(nanoPerMillion: bigint): string {
  const whole = nanoPerMillion / (PER_TOKEN * 1_000_000_000n);
  const fraction = (nanoPerMillion % (PER_TOKEN * 1_000_000_000n)).toString().padStart(15, '0').replace(/0+$/, '');
  return fraction === '' ? whole.toString() : `${whole}.${fraction}`;
}

function renderArchitecture(capabilities: Capabilities): Record<string, unknown> {
  const input = ['text'];
  if (capabilities.vision === true) input.push('image');
  if (capabilities.audioInput === true) input.push('audio');
  if (capabilities.files === true) input.push('file');
  const output = ['text'];
  if (capabilities.imageOutput === true) output.push('image');
  if (capabilities.audioOutput === true) output.push('audio');
  return { input_modalities: input, output_modalities: output, modality: `${input.join('+')}->${output.join('+')}` };
}

function supportedParameters(capabilities: Capabilities): string[] {
  const parameters = ['max_tokens', 'stop', 'temperature', 'top_p'];
  if (capabilities.tools === true) parameters.push('tools', 'tool_choice');
  if (capabilities.jsonSchema === true) parameters.push('response_format', 'structured_outputs');
  if (capabilities.reasoning === true) parameters.push('reasoning_effort', 'include_reasoning');
  if (capabilities.logprobs === true) parameters.push('logprobs', 'top_logprobs');
  return parameters.sort();
}

/** What was measured of live traffic, the best deployment's figures; null where nothing was. */
export function renderMeasured(reports: readonly DeploymentHealthReport[]): Record<string, number | null> {
  const best = (values: (number | null)[], choose: (...values: number[]) => number): number | null => {
    const known = values.filter((value) => value !== null);
    return known.length === 0 ? null : choose(...known);
  };
  const round = (value: number | null): number | null => (value === null ? null : Math.round(value));
  return {
    p50_ms: round(
      best(
        reports.map((report) => report.totalP50Ms),
        Math.min,
      ),
    ),
    p95_ms: round(
      best(
        reports.map((report) => report.totalP95Ms),
        Math.min,
      ),
    ),
    ttft_p95_ms: round(
      best(
        reports.map((report) => report.ttftP95Ms),
        Math.min,
      ),
    ),
    availability: best(
      reports.map((report) => report.successRate),
      Math.max,
    ),
  };
}
