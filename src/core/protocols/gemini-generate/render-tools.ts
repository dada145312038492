import type { ChatRequest, FunctionTool, ToolChoice } from '../../chat/request.js';
import type { GeminiFacts } from './model-facts.js';
import type { AdjustmentReport } from './report.js';
import { parametersSchema } from './schema-full.js';
import { schemaSubset } from './schema-subset.js';
import { GEMINI, isWire, put, type Wire } from './wire.js';

/** `tools`, or undefined when there are none left. Tools only another protocol knows are reported as dropped. */
export function renderTools(request: ChatRequest, facts: GeminiFacts, report: AdjustmentReport): Wire[] | undefined {
  const offered = offeredNames(request.toolChoice, facts);
  const declarations: Wire[] = [];
  const server: Wire[] = [];
  request.tools.forEach((tool, index) => {
    if (tool.type === 'function' && offered?.includes(tool.name) === false) return;
    if (tool.type === 'function') declarations.push(declaration(tool, facts));
    else if (tool.protocol === GEMINI && isWire(tool.value)) server.push(tool.value);
    else report.addNamed(`tools[${index}]`, 'dropped', tool.name);
  });
  const rendered = declarations.length === 0 ? server : [{ functionDeclarations: declarations }, ...server];
  return rendered.length === 0 ? undefined : rendered;
}

/** "Any of these, if at all" is VALIDATED with names; a model without that mode is shown only those tools. */
function offeredNames(choice: ToolChoice | undefined, facts: GeminiFacts): string[] | null {
  return choice?.type === 'allowed' && choice.mode === 'auto' && !facts.validatedToolMode ? choice.names : null;
}

function declaration(tool: FunctionTool, facts: GeminiFacts): Wire {
  const rendered: Wire = { name: tool.name };
  put(rendered, 'description', tool.description);
  if (tool.parameters === undefined || Object.keys(tool.parameters).length === 0) return rendered;
  if (facts.fullJsonSchema) return { ...rendered, parametersJsonSchema: parametersSchema(tool.parameters) };
  // An object without properties is refused in the subset; a declaration without parameters says the same.
  const subset = schemaSubset(tool.parameters);
  return subset['type'] === 'OBJECT' && subset['properties'] === undefined ? rendered : { ...rendered, parameters: subset };
}

/**
 * `toolConfig`. Names may be restricted under ANY and VALIDATED only; VALIDATED is AUTO with arguments held to the schema, which is
 * what `strict` asks for (https://ai.google.dev/api/caching#FunctionCallingConfig, read 2026-11-21).
 */
export function renderToolConfig(request: ChatRequest, facts: GeminiFacts): Wire | undefined {
  const kept = request.extra['toolConfig'];
  const calling = callingConfig(request, facts);
  const config: Wire = { ...(isWire(kept) ? kept : {}), ...(calling === undefined ? {} : { functionCallingConfig: calling }) };
  return Object.keys(config).length === 0 ? undefined : config;
}

function callingConfig(request: ChatRequest, facts: GeminiFacts): Wire | undefined {
  const choice = request.toolChoice;
  if (choice?.type === 'none') return { mode: 'NONE' };
  const functions = request.tools.filter((tool) => tool.type === 'function');
  if (choice === undefined || choice.type === 'auto') {
    const mode = facts.validatedToolMode && functions.some((tool) => tool.strict === true) ? 'VALIDATED' : 'AUTO';
    return choice === undefined && mode === 'AUTO' ? undefined : { mode };
  }
  return functions.length === 0 ? undefined : forced(choice, facts);
}

function forced(choice: Exclude<ToolChoice, { type: 'auto' | 'none' }>, facts: GeminiFacts): Wire {
  if (choice.type === 'required') return { mode: 'ANY' };
  if (choice.type === 'tool') return { mode: 'ANY', allowedFunctionNames: [choice.name] };
  if (choice.mode === 'required') return { mode: 'ANY', allowedFunctionNames: choice.names };
  return facts.validatedToolMode ? { mode: 'VALIDATED', allowedFunctionNames: choice.names } : { mode: 'AUTO' };
}
