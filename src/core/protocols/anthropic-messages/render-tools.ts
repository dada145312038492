import { GatewayError } from '../../errors/gateway-error.js';
import type { ChatRequest, FunctionTool, Tool, ToolChoice } from '../../chat/request.js';
import type { Adjustments } from './adjustments.js';
import type { AnthropicModelFacts } from './model-facts.js';
import { PROTOCOL, type JsonObject } from './types.js';

/** True when the request's tool choice leaves the model no way around a tool. */
export function forcesTool(request: ChatRequest): boolean {
  const choice = request.toolChoice;
  if (choice === undefined || request.tools.length === 0) return false;
  return choice.type === 'required' || choice.type === 'tool' || (choice.type === 'allowed' && choice.mode === 'required');
}

export function renderTools(request: ChatRequest, facts: AnthropicModelFacts, thinks: boolean, adjustments: Adjustments): JsonObject {
  if (request.tools.length === 0) return withoutTools(request, adjustments);
  const tools = allowedTools(request, adjustments).map((tool, index) => renderTool(tool, index, facts, adjustments));
  const choice = renderChoice(request, facts.forcedTools && !thinks, adjustments);
  return choice === undefined ? { tools } : { tools, tool_choice: choice };
}

function withoutTools(request: ChatRequest, adjustments: Adjustments): JsonObject {
  const { toolChoice } = request;
  if (toolChoice !== undefined && toolChoice.type !== 'auto' && toolChoice.type !== 'none') adjustments.add('toolChoice', 'dropped', 'no tools');
  return {};
}

/** OpenAI's `allowed_tools`: only those are offered. */
function allowedTools(request: ChatRequest, adjustments: Adjustments): Tool[] {
  const choice = request.toolChoice;
  if (choice?.type !== 'allowed') return request.tools;
  const names = new Set(choice.names);
  const kept = request.tools.filter((tool) => tool.name !== undefined && names.has(tool.name));
  if (kept.length === 0) throw adjustments.refuse('toolChoice', 'none of the allowed tools is among the tools.');
  adjustments.add('toolChoice', 'emulated', 'only the allowed tools are sent');
  return kept;
}

function renderTool(tool: Tool, index: number, facts: AnthropicModelFacts, adjustments: Adjustments): JsonObject {
  if (tool.type === 'function') return renderFunction(tool, facts, adjustments);
  if (tool.protocol === PROTOCOL) return tool.value as JsonObject;
  const param = `tools[${index}]`;
  throw new GatewayError('unsupported_parameter', `'${param}': this model has no such tool; only functions can be offered to it.`, { param });
}

/** `input_schema.type` must be `object` (400 "tools.0.custom.input_schema.type: Field required", observed 2026). */
function renderFunction(tool: FunctionTool, facts: AnthropicModelFacts, adjustments: Adjustments): JsonObject {
  const wire: JsonObject = { name: tool.name, input_schema: { type: 'object', ...(tool.parameters ?? { properties: {} }) } };
  if (tool.description !== undefined && tool.description !== '') wire['description'] = tool.description;
  if (tool.strict === true) {
    if (facts.structuredOutput) wire['strict'] = true;
    else adjustments.add('tools.strict', 'dropped');
  }
  if (tool.cacheControl !== undefined) wire['cache_control'] = tool.cacheControl;
  return tool.foreign?.protocol === PROTOCOL ? { ...tool.foreign.members, ...wire } : wire;
}

function renderChoice(request: ChatRequest, mayForce: boolean, adjustments: Adjustments): JsonObject | undefined {
  const choice = wireChoice(request.toolChoice, mayForce, adjustments);
  if (request.parallelToolCalls !== false || choice?.['type'] === 'none') return choice;
  return { ...(choice ?? { type: 'auto' }), disable_parallel_tool_use: true };
}

function wireChoice(choice: ToolChoice | undefined, mayForce: boolean, adjustments: Adjustments): JsonObject | undefined {
  if (choice === undefined) return undefined;
  if (choice.type === 'auto' || choice.type === 'none') return { type: choice.type };
  if (choice.type === 'allowed' && choice.mode === 'auto') return { type: 'auto' };
  // Models that cannot but think refuse to be forced.
  if (!mayForce) {
    adjustments.add('toolChoice', 'clamped', 'auto');
    return { type: 'auto' };
  }
  return choice.type === 'tool' ? { type: 'tool', name: choice.name } : { type: 'any' };
}
