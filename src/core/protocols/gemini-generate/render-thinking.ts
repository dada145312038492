import type { ReasoningEffort, ReasoningRequest } from '../../chat/request.js';
import type { GeminiFacts, ThinkingLevel } from './model-facts.js';
import type { AdjustmentReport } from './report.js';
import type { Wire } from './wire.js';

const ORDER: readonly ThinkingLevel[] = ['minimal', 'low', 'medium', 'high'];

/** Efforts as budgets: Google's own translation in its OpenAI-compatible endpoint (https://ai.google.dev/gemini-api/docs/openai, read 2026-11-21). */
const BUDGET: Readonly<Record<ThinkingLevel, number>> = { minimal: 1_024, low: 1_024, medium: 8_192, high: 24_576 };

/** `thinkingConfig` for the wish, or undefined when there is none or the model cannot think. */
export function renderThinking(reasoning: ReasoningRequest | undefined, facts: GeminiFacts, report: AdjustmentReport): Wire | undefined {
  if (reasoning === undefined) return undefined;
  if (facts.thinking === 'none') {
    if (!isOff(reasoning)) report.add('reasoning', 'dropped');
    return undefined;
  }
  const thinking: Wire = facts.thinking === 'level' ? levelConfig(reasoning, facts, report) : budgetConfig(reasoning, facts, report);
  if (reasoning.summary === 'none') return { ...thinking, includeThoughts: false };
  if (isOff(reasoning)) return thinking;
  return { ...thinking, includeThoughts: true };
}

const isOff = (reasoning: ReasoningRequest): boolean => reasoning.effort === 'none' || reasoning.enabled === false;

function levelConfig(reasoning: ReasoningRequest, facts: GeminiFacts, report: AdjustmentReport): Wire {
  // Thinking cannot be switched off in Gemini 3; its least level comes closest.
  const effort = isOff(reasoning) ? 'none' : reasoning.effort;
  // Level and budget in one request are refused; a budget alone is still taken (recorded 2026 for gemini-3-pro-preview and gemini-3.5-flash).
  if (effort === undefined) return reasoning.budgetTokens === undefined ? {} : { thinkingBudget: reasoning.budgetTokens };
  const level = nearest(levelOf(effort), facts.thinkingLevels);
  if (effort !== level) report.add('reasoning', 'clamped', level);
  return { thinkingLevel: level };
}

function levelOf(effort: ReasoningEffort): ThinkingLevel {
  if (effort === 'none') return 'minimal';
  return effort === 'xhigh' || effort === 'max' ? 'high' : effort;
}

/** The level itself, else the next higher one, else the highest. */
function nearest(wanted: ThinkingLevel, offered: readonly ThinkingLevel[]): ThinkingLevel {
  const from = ORDER.indexOf(wanted);
  return ORDER.find((level, place) => place >= from && offered.includes(level)) ?? offered.at(-1) ?? 'high';
}

function budgetConfig(reasoning: ReasoningRequest, facts: GeminiFacts, report: AdjustmentReport): Wire {
  const { min, max, off } = facts.thinkingBudget;
  if (isOff(reasoning)) {
    if (!off) report.add('reasoning', 'clamped', String(min));
    return { thinkingBudget: off ? 0 : min };
  }
  const wanted = wantedBudget(reasoning);
  if (wanted === undefined) return reasoning.enabled === true ? { thinkingBudget: -1 } : {};
  const budget = Math.min(max, Math.max(min, wanted));
  const beyondHigh = reasoning.effort === 'xhigh' || reasoning.effort === 'max';
  if (budget !== wanted || beyondHigh) report.add('reasoning', 'clamped', String(budget));
  return { thinkingBudget: budget };
}

function wantedBudget(reasoning: ReasoningRequest): number | undefined {
  return reasoning.budgetTokens ?? (reasoning.effort === undefined ? undefined : BUDGET[levelOf(reasoning.effort)]);
}
