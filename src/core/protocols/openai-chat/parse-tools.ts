import type { CacheControl } from '../../chat/message.js';
import type { FunctionTool, ResponseFormat, Tool, ToolChoice } from '../../chat/request.js';
import { Fields } from '../../json/index.js';

/** An agent with many servers of tools has some hundreds; ten thousand are an attack. */
const MAX_TOOLS = 2_048;
const MAX_NAME_CHARS = 256;

export function parseTools(fields: Fields): Tool[] {
  const tools = (fields.array('tools', MAX_TOOLS) ?? []).map((tool, at) => parseTool(Fields.of(tool, `tools[${at}]`)));
  // The names before November 2023; still sent by old clients.
  const functions = (fields.array('functions', MAX_TOOLS) ?? []).map((tool, at) => functionTool(Fields.of(tool, `functions[${at}]`)));
  return [...tools, ...functions];
}

function parseTool(fields: Fields): Tool {
  const type = fields.requiredString('type');
  if (type !== 'function') return opaqueTool(fields, type);
  const tool = functionTool(fields.requiredFields('function'));
  const cacheControl = fields.rawObject('cache_control');
  if (cacheControl !== undefined) tool.cacheControl = cacheControl as unknown as CacheControl;
  return tool;
}

function opaqueTool(fields: Fields, type: string): Tool {
  const inner = fields.object[type];
  const name = typeof inner === 'object' && inner !== null ? (inner as { name?: unknown }).name : undefined;
  return { type: 'opaque', protocol: 'openai-chat', value: fields.object, ...(typeof name === 'string' ? { name } : {}) };
}

function functionTool(fields: Fields): FunctionTool {
  const name = fields.requiredString('name');
  if (name.length > MAX_NAME_CHARS) throw fields.wrong('name', `a string of at most ${MAX_NAME_CHARS} characters`);
  const tool: FunctionTool = { type: 'function', name };
  const description = fields.string('description');
  if (description !== undefined) tool.description = description;
  const parameters = fields.rawObject('parameters');
  if (parameters !== undefined) tool.parameters = parameters;
  const strict = fields.boolean('strict');
  if (strict !== undefined) tool.strict = strict;
  return tool;
}

export function parseToolChoice(fields: Fields): ToolChoice | undefined {
  const name = fields.has('tool_choice') ? 'tool_choice' : 'function_call';
  const value = fields.object[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return choiceOfWord(fields, name, value);
  const choice = fields.requiredFields(name);
  if (choice.object['type'] === 'allowed_tools') return allowedTools(choice.requiredFields('allowed_tools'));
  return { type: 'tool', name: chosenName(choice) };
}

function choiceOfWord(fields: Fields, key: string, word: string): ToolChoice {
  if (word === 'auto' || word === 'none' || word === 'required') return { type: word };
  // Mistral's word for `required` (spec providers.md, 7).
  if (word === 'any') return { type: 'required' };
  throw fields.wrong(key, '"none", "auto", "required" or an object that names a tool');
}

function chosenName(choice: Fields): string {
  if (choice.has('function')) return choice.requiredFields('function').requiredString('name');
  if (choice.has('custom')) return choice.requiredFields('custom').requiredString('name');
  if (choice.has('type') && !choice.has('name')) return choice.requiredFields('function').requiredString('name');
  return choice.requiredString('name');
}

function allowedTools(fields: Fields): ToolChoice {
  const tools = fields.array('tools', MAX_TOOLS) ?? [];
  const names = tools.map((tool, at) => chosenName(Fields.of(tool, `${fields.at('tools')}[${at}]`)));
  return { type: 'allowed', mode: fields.oneOf('mode', ['auto', 'required']) ?? 'auto', names };
}

export function parseResponseFormat(fields: Fields): ResponseFormat | undefined {
  const format = fields.fields('response_format');
  if (format === undefined) return undefined;
  const type = format.requiredString('type');
  if (type === 'text') return { type: 'text' };
  if (type === 'json_object') return { type: 'json' };
  if (type !== 'json_schema') throw format.wrong('type', '"text", "json_object" or "json_schema"');
  const schema = format.requiredFields('json_schema');
  // Perplexity and vLLM take a schema without a name (recorded 2026); OpenAI itself states what it wants.
  const result: ResponseFormat = { type: 'json-schema', name: schema.string('name') ?? 'response', schema: schema.rawObject('schema') ?? {} };
  const description = schema.string('description');
  if (description !== undefined) result.description = description;
  const strict = schema.boolean('strict');
  if (strict !== undefined) result.strict = strict;
  return result;
}
