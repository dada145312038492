import type { ParameterAction, ParameterAdjustment } from '../chat/parameter-report.js';
import type { ChatRequest, Sampling } from '../chat/request.js';
import { GatewayError } from '../errors/gateway-error.js';

/** OpenAI's names for canonical parameters whose names differ by more than spelling. */
const USUAL_NAMES: Readonly<Record<string, string>> = { maxOutputTokens: 'max_tokens', reasoning: 'reasoning_effort', audioOutput: 'audio' };

/** Collects what was done to the client's parameters under the client's own names, each once per action. */
export class AdjustmentReport {
  readonly adjustments: ParameterAdjustment[] = [];

  constructor(private readonly wireNames: ChatRequest['wireNames']) {}

  /** `canonical`: the member of ChatRequest or Sampling, or the client's own path of something else. */
  nameOf(canonical: string): string {
    return this.wireNames[canonical] ?? USUAL_NAMES[canonical] ?? canonical.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  }

  add(canonical: string, action: ParameterAction, detail?: string): void {
    this.addNamed(this.nameOf(canonical), action, detail);
  }

  /** A parameter known by its wire name or path only. */
  addNamed(parameter: string, action: ParameterAction, detail?: string): void {
    if (this.adjustments.some((item) => item.parameter === parameter && item.action === action)) return;
    this.adjustments.push(detail === undefined ? { parameter, action } : { parameter, action, detail });
  }

  /** 400: what the client asked for cannot be served by this model. */
  refuse(canonical: string, why: string): GatewayError {
    const param = this.nameOf(canonical);
    return new GatewayError('unsupported_parameter', `\`${param}\`: ${why}`, { param });
  }

  /** Throws for what models that write one text cannot give: sound, images, several choices. */
  refuseOtherOutputs(request: ChatRequest): void {
    const other = request.modalities?.find((modality) => modality.toLowerCase() !== 'text');
    if (other !== undefined) throw this.refuse('modalities', `this model does not answer in ${other}.`);
    if (request.audioOutput !== undefined) throw this.refuse('audioOutput', 'this model does not answer in audio.');
    if ((request.sampling.n ?? 1) > 1) throw this.refuse('n', 'this model gives one choice per request.');
  }

  /** What of `names` the client gave has no equal here. Values that ask for nothing (`false`, 0, an empty object) are no loss. */
  dropFrom(holder: ChatRequest | Sampling, names: readonly string[]): void {
    for (const name of names) if (asksForSomething((holder as unknown as Record<string, unknown>)[name])) this.add(name, 'dropped');
  }

  /** Members only another protocol knows, but those that `known` names. */
  dropExtra(extra: ChatRequest['extra'], known: ReadonlySet<string>): void {
    for (const name of Object.keys(extra)) if (!known.has(name)) this.addNamed(name, 'dropped');
  }

  /** The value held to what the provider takes. */
  clamp(canonical: string, value: number | undefined, range: { min: number; max: number }): number | undefined {
    if (value === undefined) return undefined;
    const held = Math.min(range.max, Math.max(range.min, value));
    if (held !== value) this.add(canonical, 'clamped', String(held));
    return held;
  }
}

function asksForSomething(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === 0) return false;
  return typeof value !== 'object' || Object.keys(value).length > 0;
}
