import type { Message } from '../../chat/message.js';
import type { ChatRequest, ReasoningEffort, ReasoningRequest } from '../../chat/request.js';
import type { Adjustments } from './adjustments.js';
import type { AnthropicModelFacts } from './model-facts.js';
import { PROTOCOL, type JsonObject } from './types.js';

export interface ReasoningPlan {
  thinking?: JsonObject;
  effort?: ReasoningEffort;
  /** The model thinks: limits sampling and tool choice. */
  thinks: boolean;
}

interface ReasoningSurroundings {
  facts: AnthropicModelFacts;
  /** The request leaves the model no way around a tool. */
  forced: boolean;
  /** `max_tokens` of the rendered request. */
  maxTokens: number;
}

const LEVELS: readonly ReasoningEffort[] = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'];
/** Thinking tokens for an effort on models that take a budget only. Anthropic's floor is 1,024. */
const BUDGETS: Readonly<Record<ReasoningEffort, number>> = { none: 0, minimal: 1_024, low: 2_048, medium: 8_192, high: 16_384, xhigh: 32_768, max: 65_536 };
const MIN_BUDGET_TOKENS = 1_024;
/** Share of max_tokens that thinking may take, so that something is left for the answer. */
const BUDGET_SHARE = 0.8;
/** `thinking.display` words; OpenAI's `auto`, `concise` and `detailed` all mean a summary. */
const DISPLAYS: ReadonlySet<string> = new Set(['summarized', 'omitted', 'updates']);

/** What the client asked of the model's thinking → `thinking` and `output_config.effort`, as far as the model's facts allow. */
export function planReasoning(request: ChatRequest, surroundings: ReasoningSurroundings, adjustments: Adjustments): ReasoningPlan {
  const { facts, forced } = surroundings;
  const asked = request.reasoning;
  if (asked === undefined) return { thinks: false };
  if (asked.enabled === false || asked.effort === 'none') return switchOff(asked, facts, adjustments);
  if (facts.thinking === 'none') return dropped(adjustments, 'the model does not think');
  // "Thinking may not be enabled when tool_choice forces tool use" (400, platform.claude.com, extended thinking with tool use, 2026-11).
  if (forced && facts.forcedTools) return dropped(adjustments, 'a tool is forced');
  const adaptive = facts.thinking === 'adaptive' || (facts.thinking === 'both' && asked.budgetTokens === undefined);
  return adaptive ? adaptivePlan(asked, facts, adjustments) : budgetPlan(asked, request.messages, surroundings, adjustments);
}

function dropped(adjustments: Adjustments, why: string): ReasoningPlan {
  adjustments.add('reasoning', 'dropped', why);
  return { thinks: false };
}

/** Without thinking, models take no effort above high (what's new in Opus 5 and Sonnet 5.5, 2026-11). */
function switchOff(asked: ReasoningRequest, facts: AnthropicModelFacts, adjustments: Adjustments): ReasoningPlan {
  const upToHigh = { ...facts, efforts: facts.efforts.filter((level) => level !== 'xhigh' && level !== 'max') };
  if (facts.thinking === 'none') return { thinks: false, ...effortOf(asked.effort, facts, adjustments) };
  if (facts.thinkingOff === null) {
    adjustments.add('reasoning', 'dropped', 'the model always thinks');
    return { thinks: true, ...effortOf(asked.effort, facts, adjustments) };
  }
  if (facts.thinkingOff === 'between_tools') adjustments.add('reasoning', 'emulated', 'between_tools');
  return { thinks: false, thinking: { type: facts.thinkingOff }, ...effortOf(asked.effort, upToHigh, adjustments) };
}

function adaptivePlan(asked: ReasoningRequest, facts: AnthropicModelFacts, adjustments: Adjustments): ReasoningPlan {
  if (asked.budgetTokens !== undefined) adjustments.add('reasoning', 'emulated', 'adaptive');
  return { thinks: true, thinking: { type: 'adaptive', ...displayOf(asked, facts) }, ...effortOf(asked.effort, facts, adjustments) };
}

function budgetPlan(
  asked: ReasoningRequest,
  messages: readonly Message[],
  { facts, maxTokens }: ReasoningSurroundings,
  adjustments: Adjustments,
): ReasoningPlan {
  if (maxTokens <= MIN_BUDGET_TOKENS) return dropped(adjustments, `max_tokens leaves less than ${MIN_BUDGET_TOKENS}`);
  if (midToolLoopWithoutThinking(messages)) return dropped(adjustments, 'the history lacks the signed thinking of its tool calls');
  const wanted = asked.budgetTokens ?? BUDGETS[asked.effort ?? 'medium'];
  const room = asked.budgetTokens === undefined ? Math.floor(maxTokens * BUDGET_SHARE) : maxTokens - 1;
  const budget = Math.max(MIN_BUDGET_TOKENS, Math.min(wanted, room));
  if (asked.budgetTokens !== undefined && budget !== asked.budgetTokens) adjustments.add('reasoning', 'clamped', String(budget));
  const effort = asked.budgetTokens === undefined ? {} : effortOf(asked.effort, facts, adjustments);
  return { thinks: true, thinking: { type: 'enabled', budget_tokens: budget, ...displayOf(asked, facts) }, ...effort };
}

/** The nearest level the model knows, downwards first; nothing where it knows none. */
function effortOf(asked: ReasoningEffort | undefined, facts: AnthropicModelFacts, adjustments: Adjustments): Pick<ReasoningPlan, 'effort'> {
  if (asked === undefined || asked === 'none') return {};
  if (facts.efforts.length === 0) return {};
  const known = LEVELS.filter((level) => facts.efforts.includes(level));
  const effort = known.findLast((level) => LEVELS.indexOf(level) <= LEVELS.indexOf(asked)) ?? known[0];
  if (effort !== asked && effort !== undefined) adjustments.add('reasoning', 'clamped', effort);
  return effort === undefined ? {} : { effort };
}

function displayOf(asked: ReasoningRequest, facts: AnthropicModelFacts): JsonObject {
  if (asked.summary !== undefined) return { display: DISPLAYS.has(asked.summary) ? asked.summary : 'summarized' };
  return facts.thinkingDisplay ? { display: 'summarized' } : {};
}

/**
 * With a thinking budget, the assistant turn that tool results answer must begin with its signed thinking, or Anthropic answers 400
 * ("Expected `thinking` or `redacted_thinking`, but found `tool_use`"); adaptive thinking has no such rule.
 */
function midToolLoopWithoutThinking(messages: readonly Message[]): boolean {
  const last = messages.findLastIndex((message) => message.role === 'assistant');
  if (last < 0 || last === messages.length - 1) return false;
  if (!messages.slice(last + 1).every((message) => message.role === 'tool')) return false;
  const parts = messages[last]?.parts ?? [];
  if (!parts.some((part) => part.type === 'tool-call')) return false;
  return !parts.some((part) => part.type === 'reasoning' && part.origin === PROTOCOL && (part.signature !== undefined || part.encrypted !== undefined));
}
