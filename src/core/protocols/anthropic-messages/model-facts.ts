import type { ReasoningEffort } from '../../chat/request.js';
import type { UpstreamRenderContext } from '../protocol.js';

/**
 * What this protocol reads out of `modelFacts` (the catalogue writes it; every fact is optional):
 *
 * | fact | values | without it |
 * |---|---|---|
 * | `thinking` | `none`, `budget` (`{enabled, budget_tokens}`), `adaptive`, `both` | `budget` when the model reasons, else `none` |
 * | `thinking_off` | false: thinking cannot be switched off · `between_tools`: only down to that | true |
 * | `forced_tools` | false: `tool_choice` any and tool are refused | true, unless `thinking_off` is false |
 * | `thinking_display` | true: thinking text must be asked for (`display: summarized`) | false |
 * | `effort` | the levels `output_config.effort` takes | low, medium, high, max with adaptive thinking; none otherwise |
 * | `sampling` | true: all of it · `one`: temperature or top_p · false: none | `one` |
 * | `structured_output` | true: `output_config.format` and strict tools | false: emulated |
 * | `prefill` | false: the last turn must not be the assistant's | true |
 * | `system_messages` | true: `role: system` inside the conversation | false |
 *
 * Sources (read 2026-11-21): AWS Bedrock "Adaptive thinking" (older than 4.6: budget; 4.6: both; 4.7 and later: adaptive; Fable 5, Mythos 5
 * refuse `disabled`); platform.claude.com "What's new in" Opus 5 (thinks unless told not to; `disabled` up to effort high), Opus 5.5 (no
 * `disabled`, no forced tools), Sonnet 5.5 (`between_tools` in place of `disabled`, up to effort high; no forced tools); migration guide of
 * Sonnet 5 (sampling values other than the default are a 400) and of 4.6 (prefill is a 400, `output_config.format`); litellm issue 15097
 * (temperature with top_p is a 400 from Opus 4.1 and Sonnet 4.5 on); claude-code issue 49268 (`display` defaults to `omitted` from Opus 4.7
 * on); Vertex "Structured outputs" (4.5 and later); llm-anthropic issue 73 (`role: system` from Opus 4.8 on).
 */
export interface AnthropicModelFacts {
  thinking: 'none' | 'budget' | 'adaptive' | 'both';
  /** How thinking is switched off; null: it cannot be. */
  thinkingOff: 'disabled' | 'between_tools' | null;
  forcedTools: boolean;
  thinkingDisplay: boolean;
  efforts: readonly ReasoningEffort[];
  sampling: 'all' | 'one' | 'none';
  structuredOutput: boolean;
  prefill: boolean;
  systemMessages: boolean;
}

const THINKING: ReadonlySet<unknown> = new Set(['none', 'budget', 'adaptive', 'both']);
const ADAPTIVE_EFFORTS: readonly ReasoningEffort[] = ['low', 'medium', 'high', 'max'];

export function readModelFacts(context: UpstreamRenderContext): AnthropicModelFacts {
  const facts = context.modelFacts;
  const stated = facts['thinking'];
  const thinking = THINKING.has(stated) ? (stated as AnthropicModelFacts['thinking']) : context.reasons ? 'budget' : 'none';
  return {
    thinking,
    thinkingOff: facts['thinking_off'] === false ? null : facts['thinking_off'] === 'between_tools' ? 'between_tools' : 'disabled',
    forcedTools: (facts['forced_tools'] ?? facts['thinking_off']) !== false,
    thinkingDisplay: facts['thinking_display'] === true,
    efforts: effortsOf(facts['effort'], thinking),
    sampling: samplingOf(facts['sampling']),
    structuredOutput: facts['structured_output'] === true,
    prefill: facts['prefill'] !== false,
    systemMessages: facts['system_messages'] === true,
  };
}

function effortsOf(stated: unknown, thinking: AnthropicModelFacts['thinking']): readonly ReasoningEffort[] {
  if (Array.isArray(stated)) return stated.filter((level): level is ReasoningEffort => typeof level === 'string');
  return thinking === 'adaptive' || thinking === 'both' ? ADAPTIVE_EFFORTS : [];
}

function samplingOf(stated: unknown): AnthropicModelFacts['sampling'] {
  if (stated === false) return 'none';
  return stated === true ? 'all' : 'one';
}
