import { GatewayError } from '../../errors/gateway-error.js';
import type { ParameterAction, ParameterAdjustment } from '../../chat/parameter-report.js';
import type { ChatRequest } from '../../chat/request.js';

/** Names for clients whose parser recorded none: OpenAI's, the vocabulary our canonical names came from. */
const USUAL_NAMES: Readonly<Record<string, string>> = {
  maxOutputTokens: 'max_tokens',
  topP: 'top_p',
  topK: 'top_k',
  minP: 'min_p',
  presencePenalty: 'presence_penalty',
  frequencyPenalty: 'frequency_penalty',
  repetitionPenalty: 'repetition_penalty',
  logitBias: 'logit_bias',
  topLogprobs: 'top_logprobs',
  toolChoice: 'tool_choice',
  parallelToolCalls: 'parallel_tool_calls',
  responseFormat: 'response_format',
  reasoning: 'reasoning_effort',
  promptCacheKey: 'prompt_cache_key',
  serviceTier: 'service_tier',
  safetyIdentifier: 'safety_identifier',
  audioOutput: 'audio',
};

/** Collects what was done to the client's parameters, each once, under the client's own names. */
export class Adjustments {
  readonly report: ParameterAdjustment[] = [];

  constructor(private readonly wireNames: Readonly<Record<string, string>>) {}

  name(canonical: string): string {
    return this.wireNames[canonical] ?? USUAL_NAMES[canonical] ?? canonical;
  }

  /** `canonical`: the canonical member, or a JSON path of the client's body. */
  add(canonical: string, action: ParameterAction, detail?: string): void {
    const parameter = this.name(canonical);
    if (this.report.some((item) => item.parameter === parameter && item.action === action)) return;
    this.report.push(detail === undefined ? { parameter, action } : { parameter, action, detail });
  }

  /** 400: what the client asked for cannot be served by this model. */
  refuse(canonical: string, why: string): GatewayError {
    const param = this.name(canonical);
    return new GatewayError('unsupported_parameter', `'${param}': ${why}`, { param });
  }
}

export function adjustmentsFor(request: ChatRequest): Adjustments {
  return new Adjustments(request.wireNames);
}
