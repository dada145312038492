import type { ReasoningEffort, ReasoningRequest } from '../../chat/request.js';
import type { Fields } from '../../json/index.js';

export const EFFORTS: readonly ReasoningEffort[] = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'];
const BUDGET = { min: 0, max: 2 ** 31 - 1 };

interface Found {
  value: ReasoningRequest;
  /** The member that asked first. */
  wireName: string;
}

/**
 * How clients of the OpenAI family ask for reasoning: `reasoning_effort` (OpenAI), `reasoning` (OpenRouter), `thinking`
 * (DeepSeek, Anthropic's compatible API), `enable_thinking` and `thinking_budget` (Qwen). All of them are merged.
 */
export function parseReasoning(fields: Fields): Found | undefined {
  const value: ReasoningRequest = {};
  const names: string[] = [];
  const note = (name: string, part: ReasoningRequest) => {
    if (!fields.has(name)) return;
    Object.assign(value, Object.fromEntries(Object.entries(part).filter(([, found]) => found !== undefined)));
    names.push(name);
  };
  note('thinking', thinking(fields.fields('thinking')));
  note('enable_thinking', { enabled: fields.boolean('enable_thinking') });
  note('thinking_budget', { budgetTokens: fields.integer('thinking_budget', BUDGET) });
  note('reasoning', openRouter(fields.fields('reasoning')));
  note('reasoning_effort', { effort: fields.oneOf('reasoning_effort', EFFORTS) });
  const [wireName] = names;
  return wireName === undefined || Object.keys(value).length === 0 ? undefined : { value, wireName };
}

function thinking(fields: Fields | undefined): ReasoningRequest {
  if (fields === undefined) return {};
  const type = fields.string('type');
  return { enabled: type === undefined ? undefined : type !== 'disabled', budgetTokens: fields.integer('budget_tokens', BUDGET) };
}

function openRouter(fields: Fields | undefined): ReasoningRequest {
  if (fields === undefined) return {};
  return {
    effort: fields.oneOf('effort', EFFORTS),
    budgetTokens: fields.integer('max_tokens', BUDGET),
    enabled: fields.boolean('enabled'),
    summary: fields.string('summary'),
  };
}
