import type { FunctionTool, Tool, ToolChoice } from '../../chat/request.js';
import { invalidRequest } from '../../errors/gateway-error.js';
import { jsonSchemaOf } from './json-schema-of-openapi.js';
import { arrayMember, GEMINI, isWire, objectMember, remainder, snakeCase, stringMember, writtenName, type Wire } from './wire.js';

const DECLARATION_MEMBERS = new Set(['functionDeclarations']);
const FUNCTION_CALLING_MODES: Readonly<Record<string, string>> = {
  '1': 'AUTO',
  '2': 'ANY',
  '3': 'NONE',
  '4': 'VALIDATED',
  '0': 'AUTO',
  MODE_UNSPECIFIED: 'AUTO',
};

export interface ParsedTools {
  tools: Tool[];
  toolChoice?: ToolChoice;
  /** Members of `toolConfig` without a canonical place (`retrievalConfig`). */
  rest: Wire;
}

export function parseTools(body: Wire): ParsedTools {
  const written = arrayMember(body, 'tools', '') ?? [];
  const tools = written.flatMap((tool, index) => parseTool(tool, `tools[${index}]`));
  const config = objectMember(body, 'toolConfig', '');
  if (config === undefined) return { tools, rest: {} };
  const path = writtenName(body, 'toolConfig') as string;
  const calling = objectMember(config, 'functionCallingConfig', path);
  const rest = remainder(config, new Set(['functionCallingConfig']));
  if (calling === undefined) return { tools, rest };
  const mode = modeOf(calling, `${path}.${writtenName(config, 'functionCallingConfig')}`);
  const toolChoice = choiceOf(mode, arrayMember(calling, 'allowedFunctionNames', path) ?? []);
  // VALIDATED is AUTO with arguments that are held to the schema: what other APIs call strict tools.
  return { tools: mode === 'VALIDATED' ? tools.map(strict) : tools, toolChoice, rest };
}

const strict = (tool: Tool): Tool => (tool.type === 'function' ? { ...tool, strict: true } : tool);

function parseTool(tool: unknown, path: string): Tool[] {
  if (!isWire(tool)) throw invalidRequest(path, `\`${path}\` must be an object.`);
  const declarations = arrayMember(tool, 'functionDeclarations', path) ?? [];
  const name = writtenName(tool, 'functionDeclarations') ?? 'functionDeclarations';
  const functions = declarations.map((declaration, index) => parseDeclaration(declaration, `${path}.${name}[${index}]`));
  const server = remainder(tool, DECLARATION_MEMBERS);
  return [
    ...functions,
    ...Object.entries(server).map(([kind, value]): Tool => ({ type: 'opaque', protocol: GEMINI, name: snakeCase(kind), value: { [kind]: value } })),
  ];
}

function parseDeclaration(declaration: unknown, path: string): FunctionTool {
  if (!isWire(declaration)) throw invalidRequest(path, `\`${path}\` must be an object.`);
  const name = stringMember(declaration, 'name', path);
  if (name === undefined || name === '') throw invalidRequest(`${path}.name`, `\`${path}.name\` is required.`);
  const tool: FunctionTool = { type: 'function', name };
  const description = stringMember(declaration, 'description', path);
  if (description !== undefined) tool.description = description;
  const full = objectMember(declaration, 'parametersJsonSchema', path);
  const subset = objectMember(declaration, 'parameters', path);
  if (full !== undefined) tool.parameters = full;
  else if (subset !== undefined) tool.parameters = jsonSchemaOf(subset);
  return tool;
}

function modeOf(calling: Wire, path: string): string {
  const written = calling['mode'];
  if (written === undefined || written === null) return 'AUTO';
  if (typeof written !== 'string' && typeof written !== 'number')
    throw invalidRequest(`${path}.mode`, `\`${path}.mode\` must be AUTO, ANY, NONE or VALIDATED.`);
  const mode = String(written).toUpperCase();
  const known = FUNCTION_CALLING_MODES[mode] ?? mode;
  if (!['AUTO', 'ANY', 'NONE', 'VALIDATED'].includes(known)) throw invalidRequest(`${path}.mode`, `\`${path}.mode\` must be AUTO, ANY, NONE or VALIDATED.`);
  return known;
}

function choiceOf(mode: string, allowed: unknown[]): ToolChoice {
  const names = allowed.filter((name): name is string => typeof name === 'string');
  if (mode === 'NONE') return { type: 'none' };
  if (mode === 'ANY' && names.length === 0) return { type: 'required' };
  if (mode === 'ANY' && names.length === 1) return { type: 'tool', name: names[0] as string };
  if (mode === 'ANY') return { type: 'allowed', mode: 'required', names };
  return names.length === 0 ? { type: 'auto' } : { type: 'allowed', mode: 'auto', names };
}
