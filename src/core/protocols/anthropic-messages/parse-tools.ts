import type { ChatRequest, FunctionTool, Tool, ToolChoice } from '../../chat/request.js';
import { Fields } from '../../json/index.js';
import { cacheControlOf, compact, foreignMembers } from './read.js';
import { PROTOCOL } from './types.js';

const MAX_TOOLS = 2_048;
const CUSTOM_MEMBERS = new Set(['type', 'name', 'description', 'input_schema', 'strict', 'cache_control']);

/** Tools without a type or of type `custom` are the client's functions; every other type runs at the provider or is known only here. */
export function parseTools(fields: Fields): Tool[] {
  return (fields.array('tools', MAX_TOOLS) ?? []).map((value, index) => parseTool(Fields.of(value, `tools[${index}]`)));
}

function parseTool(tool: Fields): Tool {
  const type = tool.string('type');
  if (type !== undefined && type !== 'custom') return compact({ type: 'opaque' as const, protocol: PROTOCOL, name: tool.string('name'), value: tool.object });
  return compact<FunctionTool>({
    type: 'function',
    name: tool.requiredString('name'),
    description: tool.string('description'),
    parameters: tool.rawObject('input_schema'),
    strict: tool.boolean('strict'),
    cacheControl: cacheControlOf(tool),
    foreign: foreignMembers(tool.object, CUSTOM_MEMBERS),
  });
}

export function parseToolChoice(fields: Fields): Pick<ChatRequest, 'toolChoice' | 'parallelToolCalls'> {
  const choice = fields.fields('tool_choice');
  if (choice === undefined) return {};
  const disabled = choice.boolean('disable_parallel_tool_use');
  return compact({ toolChoice: toolChoiceOf(choice), parallelToolCalls: disabled === undefined ? undefined : !disabled });
}

function toolChoiceOf(choice: Fields): ToolChoice {
  switch (choice.oneOf('type', ['auto', 'any', 'tool', 'none'])) {
    case 'auto':
      return { type: 'auto' };
    case 'any':
      return { type: 'required' };
    case 'none':
      return { type: 'none' };
    case 'tool':
      return { type: 'tool', name: choice.requiredString('name') };
    default:
      throw choice.wrong('type', '"auto", "any", "tool" or "none"');
  }
}
