import { invalidRequest } from '../../errors/gateway-error.js';
import type { ChatRequest, FunctionTool, Tool, ToolChoice } from '../../chat/request.js';
import { asObject, at, compact, findArray, findBoolean, findCacheControl, findObject, findString, foreignMembers, getString } from './read.js';
import { PROTOCOL, type JsonObject } from './types.js';

const CUSTOM_MEMBERS = new Set(['type', 'name', 'description', 'input_schema', 'strict', 'cache_control']);

/** Tools without a type or of type `custom` are the client's functions; every other type runs at the provider or is known only here. */
export function parseTools(wire: JsonObject): Tool[] {
  return (findArray(wire, 'tools', '') ?? []).map((value, index) => parseTool(value, at('tools', index)));
}

function parseTool(value: unknown, path: string): Tool {
  const tool = asObject(value, path);
  const type = findString(tool, 'type', path);
  if (type !== undefined && type !== 'custom') return compact({ type: 'opaque' as const, protocol: PROTOCOL, name: findString(tool, 'name', path), value: tool });
  return compact<FunctionTool>({
    type: 'function',
    name: getString(tool, 'name', path),
    description: findString(tool, 'description', path),
    parameters: findObject(tool, 'input_schema', path),
    strict: findBoolean(tool, 'strict', path),
    cacheControl: findCacheControl(tool, path),
    foreign: foreignMembers(tool, CUSTOM_MEMBERS),
  });
}

export function parseToolChoice(wire: JsonObject): Pick<ChatRequest, 'toolChoice' | 'parallelToolCalls'> {
  const choice = findObject(wire, 'tool_choice', '');
  if (choice === undefined) return {};
  const disabled = findBoolean(choice, 'disable_parallel_tool_use', 'tool_choice');
  return compact({ toolChoice: toolChoiceOf(choice), parallelToolCalls: disabled === undefined ? undefined : !disabled });
}

function toolChoiceOf(choice: JsonObject): ToolChoice {
  switch (choice['type']) {
    case 'auto':
      return { type: 'auto' };
    case 'any':
      return { type: 'required' };
    case 'none':
      return { type: 'none' };
    case 'tool':
      return { type: 'tool', name: getString(choice, 'name', 'tool_choice') };
    default:
      throw invalidRequest('tool_choice.type', "'tool_choice.type' must be 'auto', 'any', 'tool' or 'none'.");
  }
}
