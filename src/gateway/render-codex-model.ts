import type { Model } from '../core/catalog/model.js';

const LEVELS: readonly { effort: string; description: string }[] = [
  { effort: 'low', description: 'Quick answers with little thought' },
  { effort: 'medium', description: 'A balance of speed and thought' },
  { effort: 'high', description: 'The most thought, for hard problems' },
];

/** Codex takes a model's prompt from the list of models; one that is empty would leave it without any. */
const INSTRUCTIONS = [
  'You are a coding agent in a terminal. You and the user share one working directory.',
  'Read the code that a task concerns before you change it, keep to the style you find there, and change no more than the task needs.',
  'Run the commands and tests that show whether a change works, and say plainly what you could not verify.',
  'Work on until the task is done or a decision is needed that only the user can take. Answer briefly.',
].join('\n');

/** What a tool says is cut by Codex at so many bytes before it is sent. */
const TOOL_OUTPUT_BYTES = 10_000;

/**
 * One model as Codex's client reads it (its `ModelInfo`: https://github.com/openai/codex, codex-rs/protocol/src/openai_models.rs,
 * 2026-11). `place` orders the list; Codex takes the lowest for its default.
 */
export function renderCodexModel(model: Model, place: number): Record<string, unknown> {
  const { capabilities } = model;
  const reasons = capabilities.reasoning === true;
  return {
    slug: model.id,
    display_name: model.name ?? model.id,
    description: null,
    default_reasoning_level: reasons ? 'medium' : null,
    supported_reasoning_levels: reasons ? LEVELS : [],
    shell_type: 'shell_command',
    visibility: 'list',
    supported_in_api: true,
    priority: place,
    upgrade: null,
    base_instructions: INSTRUCTIONS,
    supports_reasoning_summaries: reasons,
    default_reasoning_summary: 'auto',
    support_verbosity: false,
    default_verbosity: null,
    apply_patch_tool_type: null,
    web_search_tool_type: 'text',
    truncation_policy: { mode: 'bytes', limit: TOOL_OUTPUT_BYTES },
    supports_parallel_tool_calls: capabilities.parallelTools !== false,
    ...(capabilities.contextWindow === undefined ? {} : { context_window: capabilities.contextWindow }),
    experimental_supported_tools: [],
    input_modalities: capabilities.vision === true ? ['text', 'image'] : ['text'],
  };
}
