import type { ParameterAdjustment } from '../../chat/parameter-report.js';
import type { FunctionTool, ResponseFormat, Tool, ToolChoice } from '../../chat/request.js';
import { isObject, type JsonObject } from '../../json/index.js';
import { PROTOCOL } from './types.js';

export function renderTools(tools: readonly Tool[], report: ParameterAdjustment[]): JsonObject[] {
  return tools.map((tool) => renderTool(tool, report)).filter((tool) => tool !== null);
}

function renderTool(tool: Tool, report: ParameterAdjustment[]): JsonObject | null {
  if (tool.type === 'function') return functionTool(tool);
  if (tool.protocol === PROTOCOL) return tool.value as JsonObject;
  const custom = chatCustomTool(tool.value);
  if (custom === null) report.push({ parameter: 'tools', action: 'dropped', detail: tool.name ?? tool.protocol });
  return custom;
}

function functionTool(tool: FunctionTool): JsonObject {
  const { name, description, parameters, strict, foreign } = tool;
  const own = foreign?.protocol === PROTOCOL ? foreign.members : {};
  if (own['type'] === 'custom') return { ...own, name };
  return {
    ...own,
    type: 'function',
    name,
    ...(description === undefined ? {} : { description }),
    parameters: parameters ?? { type: 'object', properties: {} },
    // Left out, OpenAI tries to make a schema strict, and refuses what cannot be made so; in Chat Completions it does not.
    strict: strict ?? false,
  };
}

/** Chat Completions nests what the Responses API writes flat (https://platform.openai.com/docs/guides/function-calling#custom-tools, 2026-11). */
function chatCustomTool(value: unknown): JsonObject | null {
  if (!isObject(value) || value['type'] !== 'custom' || !isObject(value['custom'])) return null;
  const { format, ...rest } = value['custom'];
  if (!isObject(format)) return { type: 'custom', ...rest };
  const { grammar, ...plain } = format;
  return { type: 'custom', ...rest, format: isObject(grammar) ? { ...plain, ...grammar } : plain };
}

export function renderToolChoice(choice: ToolChoice, tools: readonly Tool[]): unknown {
  const named = (name: string) => ({ type: typeOf(name, tools), name });
  if (choice.type === 'tool') return named(choice.name);
  if (choice.type === 'allowed') return { type: 'allowed_tools', mode: choice.mode, tools: choice.names.map(named) };
  return choice.type;
}

function typeOf(name: string, tools: readonly Tool[]): string {
  const custom = tools.some((tool) =>
    tool.name !== name ? false : tool.type === 'opaque' ? chatCustomTool(tool.value) !== null : tool.foreign?.members['type'] === 'custom',
  );
  return custom ? 'custom' : 'function';
}

export function renderFormat(format: ResponseFormat): JsonObject {
  if (format.type === 'text') return { type: 'text' };
  if (format.type === 'json') return { type: 'json_object' };
  const { name, description, schema, strict } = format;
  return { type: 'json_schema', name, ...(description === undefined ? {} : { description }), schema, ...(strict === undefined ? {} : { strict }) };
}
