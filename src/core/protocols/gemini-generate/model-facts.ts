import type { UpstreamRenderContext } from '../protocol.js';

export type ThinkingLevel = 'minimal' | 'low' | 'medium' | 'high';

/**
 * What `modelFacts` may say about a Gemini model, all optional; where it is silent the model's name decides.
 * - `thinking`: `level` (Gemini 3 and later), `budget` (2.5), `none`
 * - `thinkingLevels`: the levels it accepts
 * - `thinkingBudget`: `{min, max, off}`; `off`: a budget of 0 turns thinking off
 * - `jsonSchema`: `full` (`parametersJsonSchema`, `responseJsonSchema`) or `subset` (`parameters`, `responseSchema`)
 * - `thoughtSignatures`: `required` when a replayed function call without one is refused
 * - `functionCallIds`: false when `functionCall.id` is refused (seen on old Vertex versions)
 * - `fileUrls`: false when `fileData.fileUri` may not be a public http(s) URL
 * - `functionResponseMedia`: true when `functionResponse.parts` may hold images
 * - `serviceTiers`: the values of `serviceTier` it may be asked for
 */
export interface GeminiFacts {
  thinking: 'level' | 'budget' | 'none';
  thinkingLevels: readonly ThinkingLevel[];
  thinkingBudget: { min: number; max: number; off: boolean };
  fullJsonSchema: boolean;
  validatedToolMode: boolean;
  signaturesRequired: boolean;
  functionCallIds: boolean;
  fileUrls: boolean;
  functionResponseMedia: boolean;
  serviceTiers: readonly string[];
}

const LEVELS: readonly ThinkingLevel[] = ['minimal', 'low', 'medium', 'high'];

export function readFacts(context: UpstreamRenderContext): GeminiFacts {
  const name = context.upstreamModel.toLowerCase().replace(/^.*models\//, '');
  const stated = context.modelFacts;
  const generation = generationOf(name);
  const flag = (key: string, otherwise: boolean): boolean => (typeof stated[key] === 'boolean' ? stated[key] : otherwise);
  return {
    thinking: statedThinking(stated['thinking']) ?? thinkingOf(generation, context.reasons),
    thinkingLevels: statedLevels(stated['thinkingLevels']) ?? levelsOf(name),
    thinkingBudget: statedBudget(stated['thinkingBudget']) ?? budgetOf(name),
    fullJsonSchema: stated['jsonSchema'] === undefined ? generation >= 2 : stated['jsonSchema'] === 'full',
    validatedToolMode: flag('validatedToolMode', generation >= 2.5),
    signaturesRequired: stated['thoughtSignatures'] === undefined ? generation >= 3 : stated['thoughtSignatures'] === 'required',
    functionCallIds: flag('functionCallIds', true),
    // External URLs came in January 2026 for everything but the 2.0 family and older
    // (https://blog.google/innovation-and-ai/technology/developers-tools/gemini-api-new-file-limits, read 2026-11-21).
    fileUrls: flag('fileUrls', generation >= 2.5),
    // https://docs.cloud.google.com/vertex-ai/generative-ai/docs/models/gemini/3-flash "Multimodal function responses", read 2026-11-21.
    functionResponseMedia: flag('functionResponseMedia', generation >= 3),
    serviceTiers: Array.isArray(stated['serviceTiers']) ? stated['serviceTiers'].filter((tier) => typeof tier === 'string') : [],
  };
}

/** `gemini-2.5-flash` → 2.5. A name without a number (`gemini-flash-latest`, a tuned model) counts as the current generation. */
function generationOf(name: string): number {
  const digits = /^gemini-(\d+(?:\.\d+)?)/.exec(name)?.[1];
  if (digits !== undefined) return Number(digits);
  return name.startsWith('gemini-') ? 3 : 2;
}

function thinkingOf(generation: number, reasons: boolean): GeminiFacts['thinking'] {
  if (generation >= 3) return 'level';
  if (generation >= 2.5 || reasons) return 'budget';
  return 'none';
}

/**
 * Levels by model: Gemini 3 Pro low and high; 3.1 Pro low, medium, high; Flash and Flash-Lite all four
 * (https://docs.cloud.google.com/gemini-enterprise-agent-platform/models/guides/gemini-3-5-flash, read 2026-11-21).
 */
function levelsOf(name: string): readonly ThinkingLevel[] {
  if (name.startsWith('gemini-3-pro')) return ['low', 'high'];
  if (name.includes('-pro')) return ['low', 'medium', 'high'];
  return LEVELS;
}

/** Budgets of the 2.5 family: Pro 128–32,768 and never off, Flash 0–24,576, Flash-Lite 512–24,576 (https://ai.google.dev/gemini-api/docs/thinking, read 2026-11-21). */
function budgetOf(name: string): GeminiFacts['thinkingBudget'] {
  if (name.includes('-pro')) return { min: 128, max: 32_768, off: false };
  if (name.includes('flash-lite')) return { min: 512, max: 24_576, off: true };
  return { min: 1, max: 24_576, off: true };
}

function statedThinking(value: unknown): GeminiFacts['thinking'] | undefined {
  return value === 'level' || value === 'budget' || value === 'none' ? value : undefined;
}

function statedLevels(value: unknown): readonly ThinkingLevel[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const levels = LEVELS.filter((level) => value.includes(level));
  return levels.length === 0 ? undefined : levels;
}

function statedBudget(value: unknown): GeminiFacts['thinkingBudget'] | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { min, max, off } = value as Record<string, unknown>;
  if (typeof min !== 'number' || typeof max !== 'number') return undefined;
  return { min, max, off: off === true };
}
