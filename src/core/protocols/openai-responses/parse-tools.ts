import type { FunctionTool, ResponseFormat, Tool, ToolChoice } from '../../chat/request.js';
import { Fields, isObject, type JsonObject } from '../../json/index.js';
import { customParameters, PROTOCOL, text } from './types.js';

/** An agent with many servers of tools has some hundreds; ten thousand are an attack. */
const MAX_TOOLS = 2_048;
const MAX_NAME_CHARS = 256;
const FUNCTION_MEMBERS: ReadonlySet<string> = new Set(['type', 'name', 'description', 'parameters', 'strict']);

export function parseTools(fields: Fields): Tool[] {
  return (fields.array('tools', MAX_TOOLS) ?? []).map((tool, at) => parseTool(Fields.of(tool, `tools[${at}]`)));
}

function parseTool(fields: Fields): Tool {
  const type = fields.requiredString('type');
  if (type === 'function') return functionTool(fields);
  if (type === 'custom') return customTool(fields);
  const name = fields.object['name'];
  return { type: 'opaque', protocol: PROTOCOL, value: fields.object, name: typeof name === 'string' && name !== '' ? name : type };
}

function functionTool(fields: Fields): FunctionTool {
  const tool: FunctionTool = { type: 'function', name: nameOf(fields) };
  const description = fields.string('description');
  if (description !== undefined) tool.description = description;
  const parameters = fields.rawObject('parameters');
  if (parameters !== undefined) tool.parameters = parameters;
  const strict = fields.boolean('strict');
  if (strict !== undefined) tool.strict = strict;
  const members = Object.fromEntries(Object.entries(fields.object).filter(([key]) => !FUNCTION_MEMBERS.has(key)));
  if (Object.keys(members).length > 0) tool.foreign = { protocol: PROTOCOL, members };
  return tool;
}

/** Free text, perhaps in a grammar: where no such tools exist, a function with one text argument whose description says so. */
function customTool(fields: Fields): FunctionTool {
  const { name: _name, ...members } = fields.object;
  const description = [fields.string('description') ?? '', grammarOf(fields.object['format'])].filter((words) => words !== '').join('\n\n');
  return {
    type: 'function',
    name: nameOf(fields),
    ...(description === '' ? {} : { description }),
    parameters: customParameters(),
    foreign: { protocol: PROTOCOL, members },
  };
}

function grammarOf(format: unknown): string {
  if (!isObject(format) || format['type'] !== 'grammar') return '';
  return `The input must match this ${text(format['syntax'])} grammar:\n${text(format['definition'])}`;
}

function nameOf(fields: Fields): string {
  const name = fields.requiredString('name');
  if (name.length > MAX_NAME_CHARS) throw fields.wrong('name', `a string of at most ${MAX_NAME_CHARS} characters`);
  return name;
}

/** `extra`: a choice that names a built-in tool, which only this protocol can say. */
export function parseToolChoice(fields: Fields): { choice?: ToolChoice; extra?: unknown } {
  const value = fields.object['tool_choice'];
  if (value === undefined || value === null) return {};
  if (typeof value === 'string') {
    if (value === 'auto' || value === 'none' || value === 'required') return { choice: { type: value } };
    throw fields.wrong('tool_choice', '"none", "auto", "required" or an object that names a tool');
  }
  const choice = fields.requiredFields('tool_choice');
  const type = choice.requiredString('type');
  if (type === 'function' || type === 'custom') return { choice: { type: 'tool', name: choice.requiredString('name') } };
  return type === 'allowed_tools' ? allowedTools(choice, value as JsonObject) : { extra: value };
}

function allowedTools(choice: Fields, value: JsonObject): { choice?: ToolChoice; extra?: unknown } {
  const names = (choice.array('tools', MAX_TOOLS) ?? []).map((tool) => (isObject(tool) ? text(tool['name']) : ''));
  if (names.includes('')) return { extra: value };
  return { choice: { type: 'allowed', mode: choice.oneOf('mode', ['auto', 'required']) ?? 'auto', names } };
}

export function parseFormat(fields: Fields | undefined): ResponseFormat | undefined {
  const format = fields?.fields('format');
  if (format === undefined) return undefined;
  const type = format.requiredString('type');
  if (type === 'text') return { type: 'text' };
  if (type === 'json_object') return { type: 'json' };
  if (type !== 'json_schema') throw format.wrong('type', '"text", "json_object" or "json_schema"');
  const result: ResponseFormat = { type: 'json-schema', name: format.string('name') ?? 'response', schema: format.rawObject('schema') ?? {} };
  const description = format.string('description');
  if (description !== undefined) result.description = description;
  const strict = format.boolean('strict');
  if (strict !== undefined) result.strict = strict;
  return result;
}
