import type { ReasoningEffort, ReasoningRequest } from '../../chat/request.js';
import type { JsonObject } from '../../json/index.js';
import type { AdjustmentReport } from '../adjustment-report.js';
import type { BedrockFacts } from './model-facts.js';

const LEVELS: readonly ReasoningEffort[] = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'];
const BUDGETS: Readonly<Record<ReasoningEffort, number>> = { none: 0, minimal: 1_024, low: 2_048, medium: 8_192, high: 16_384, xhigh: 32_768, max: 65_536 };
const MIN_BUDGET_TOKENS = 1_024;
/** Share of the output that thinking may take, so that something is left for the answer. */
const BUDGET_SHARE = 0.8;
const DEFAULT_OUTPUT_TOKENS = 4_096;

export interface ReasoningPlan {
  /** Members of `additionalModelRequestFields`. */
  fields: JsonObject;
  /** Which limits thinking sets to sampling: Claude's, Nova's at high effort, or none. */
  limits: 'claude' | 'nova-high' | 'none';
}

interface Surroundings {
  facts: BedrockFacts;
  forced: boolean;
  maxTokens: number | undefined;
}

const NOTHING: ReasoningPlan = { fields: {}, limits: 'none' };

/** What was asked of the model's thinking → the fields of the model behind Converse. */
export function planReasoning(asked: ReasoningRequest | undefined, surroundings: Surroundings, report: AdjustmentReport): ReasoningPlan {
  if (asked === undefined) return NOTHING;
  const { facts, forced } = surroundings;
  if (isOff(asked)) return switchedOff(facts);
  if (facts.thinking === 'none') return dropped(report, undefined);
  // "Thinking may not be enabled when tool_choice forces tool use": 400.
  if (forced && facts.family === 'claude') return dropped(report, 'a tool is forced');
  switch (facts.thinking) {
    case 'budget':
      return budgetPlan(asked, surroundings.maxTokens, report);
    case 'adaptive':
      return { fields: { thinking: { type: 'adaptive' }, ...effortOf(asked, facts, report, (effort) => ({ output_config: { effort } })) }, limits: 'claude' };
    case 'nova':
      return novaPlan(asked, facts, report);
    case 'effort':
      return { fields: effortOf(asked, facts, report, (effort) => ({ reasoning_effort: effort })), limits: 'none' };
  }
}

const isOff = (asked: ReasoningRequest): boolean => asked.enabled === false || asked.effort === 'none';

function switchedOff(facts: BedrockFacts): ReasoningPlan {
  if (facts.thinking === 'adaptive') return { fields: { thinking: { type: 'disabled' } }, limits: 'none' };
  // Everywhere else thinking is off unless it is asked for.
  return NOTHING;
}

function dropped(report: AdjustmentReport, why: string | undefined): ReasoningPlan {
  report.add('reasoning', 'dropped', why);
  return NOTHING;
}

function budgetPlan(asked: ReasoningRequest, maxTokens: number | undefined, report: AdjustmentReport): ReasoningPlan {
  const room = maxTokens ?? DEFAULT_OUTPUT_TOKENS;
  if (room <= MIN_BUDGET_TOKENS) return dropped(report, `max_tokens leaves less than ${MIN_BUDGET_TOKENS}`);
  const wanted = asked.budgetTokens ?? BUDGETS[asked.effort ?? 'medium'];
  const limit = asked.budgetTokens === undefined ? Math.floor(room * BUDGET_SHARE) : room - 1;
  const budget = Math.max(MIN_BUDGET_TOKENS, Math.min(wanted, limit));
  if (asked.budgetTokens !== undefined && budget !== asked.budgetTokens) report.add('reasoning', 'clamped', String(budget));
  return { fields: { thinking: { type: 'enabled', budget_tokens: budget } }, limits: 'claude' };
}

/** https://docs.aws.amazon.com/nova/latest/nova2-userguide/extended-thinking.html (read 2026-11-21): at high effort no temperature, topP and maxTokens. */
function novaPlan(asked: ReasoningRequest, facts: BedrockFacts, report: AdjustmentReport): ReasoningPlan {
  const level = nearest(asked.effort ?? 'medium', facts.efforts);
  if (asked.effort !== undefined && level !== asked.effort) report.add('reasoning', 'clamped', level);
  if (asked.budgetTokens !== undefined) report.add('reasoning', 'emulated', level);
  return { fields: { reasoningConfig: { type: 'enabled', maxReasoningEffort: level } }, limits: level === 'high' ? 'nova-high' : 'none' };
}

function effortOf(asked: ReasoningRequest, facts: BedrockFacts, report: AdjustmentReport, render: (effort: string) => JsonObject): JsonObject {
  if (asked.budgetTokens !== undefined) report.add('reasoning', 'emulated', 'effort');
  if (asked.effort === undefined) return {};
  const level = nearest(asked.effort, facts.efforts);
  if (level !== asked.effort) report.add('reasoning', 'clamped', level);
  return render(level);
}

/** The level itself, else the next lower one that the model knows, else its lowest. */
function nearest(wanted: ReasoningEffort, offered: readonly ReasoningEffort[]): ReasoningEffort {
  const known = LEVELS.filter((level) => offered.includes(level));
  return known.findLast((level) => LEVELS.indexOf(level) <= LEVELS.indexOf(wanted)) ?? known[0] ?? 'medium';
}
