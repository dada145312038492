import type { ParameterAction, ParameterAdjustment } from '../../chat/parameter-report.js';
import type { ChatRequest } from '../../chat/request.js';
import { snakeCase } from './wire.js';

/** What OpenAI calls the canonical parameters whose names differ by more than spelling. */
const USUAL_NAMES: Readonly<Record<string, string>> = {
  maxOutputTokens: 'max_tokens',
  reasoning: 'reasoning_effort',
  audioOutput: 'audio',
  includeUsage: 'stream_options',
};

/** Collects adjustments under the client's own names. */
export class AdjustmentReport {
  readonly adjustments: ParameterAdjustment[] = [];

  constructor(private readonly wireNames: ChatRequest['wireNames']) {}

  /** `canonical` is the member of ChatRequest or Sampling. */
  add(canonical: string, action: ParameterAction, detail?: string): void {
    const parameter = this.wireNames[canonical] ?? USUAL_NAMES[canonical] ?? snakeCase(canonical);
    this.adjustments.push(detail === undefined ? { parameter, action } : { parameter, action, detail });
  }

  /** A parameter known by its wire name or path only. */
  addNamed(parameter: string, action: ParameterAction, detail?: string): void {
    this.adjustments.push(detail === undefined ? { parameter, action } : { parameter, action, detail });
  }
}
