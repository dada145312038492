import type { ChatRequest, FunctionTool, ResponseFormat } from '../../chat/request.js';
import type { JsonObject } from '../../json/index.js';
import type { AdjustmentReport } from '../adjustment-report.js';
import { BEDROCK, STRUCTURED_OUTPUT_TOOL } from './facts.js';
import type { BedrockFacts } from './model-facts.js';
import type { BlockRenderer } from './render-blocks.js';
import { calledNames } from './tool-ids.js';

const EMPTY_SCHEMA = { type: 'object', properties: {} };

/** `toolConfig`, or nothing. Calls in the history need it too ("The toolConfig field must be defined when using toolUse", 400). */
export function renderTools(request: ChatRequest, facts: BedrockFacts, blocks: BlockRenderer, report: AdjustmentReport): JsonObject {
  const choice = request.toolChoice;
  const history = calledNames(request.messages);
  if (choice?.type === 'none' && history.length === 0) return {};
  const specs = offered(request, facts, blocks, report);
  const named = new Set(request.tools.map((tool) => tool.name));
  // Under `none` what the history needs stays declared, and the model is not told to call.
  const missing = specs.length === 0 ? history.filter((name) => !named.has(name) || choice?.type === 'none') : [];
  const tools = [...specs, ...missing.map((name) => ({ toolSpec: { name, description: name, inputSchema: { json: EMPTY_SCHEMA } } }))];
  if (choice?.type === 'none') report.add('toolChoice', 'emulated', 'tools are withheld as far as the history allows');
  if (tools.length === 0) return {};
  const rendered = choiceOf(request);
  return { toolConfig: { tools, ...(specs.length > 0 && rendered !== undefined && { toolChoice: rendered }) } };
}

function offered(request: ChatRequest, facts: BedrockFacts, blocks: BlockRenderer, report: AdjustmentReport): JsonObject[] {
  const choice = request.toolChoice;
  if (choice?.type === 'none') return [];
  const allowed = choice?.type === 'allowed' ? choice.names : null;
  if (allowed !== null) report.add('toolChoice', 'emulated', 'only the allowed tools are sent');
  return request.tools.flatMap((tool, index) => {
    if (tool.type === 'opaque') {
      if (tool.protocol === BEDROCK) return [tool.value as JsonObject];
      report.addNamed(`tools[${index}]`, 'dropped', tool.name);
      return [];
    }
    if (allowed?.includes(tool.name) === false) return [];
    const point = blocks.cachePoint(tool.cacheControl);
    return point === null ? [toolSpec(tool, facts)] : [toolSpec(tool, facts), point];
  });
}

function toolSpec(tool: FunctionTool, facts: BedrockFacts): JsonObject {
  const description = tool.description ?? '';
  const strict = tool.strict === true && facts.structuredOutput;
  // Nova and others refuse a schema without a type; an empty description is refused.
  const json = { type: 'object', ...(tool.parameters ?? EMPTY_SCHEMA) };
  return { toolSpec: { name: tool.name, ...(description !== '' && { description }), inputSchema: { json }, ...(strict && { strict }) } };
}

function choiceOf({ toolChoice }: ChatRequest): JsonObject | undefined {
  if (toolChoice?.type === 'tool') return { tool: { name: toolChoice.name } };
  if (toolChoice?.type === 'required' || (toolChoice?.type === 'allowed' && toolChoice.mode === 'required')) return { any: {} };
  return undefined;
}

/** How the wished answer format is brought about. At most one of the three is set. */
export interface FormatPlan {
  /** `outputConfig`: the model's own structured output. */
  output?: JsonObject;
  /** `toolConfig` with the one tool the model is made to call; the parsers turn its input back into text. */
  forced?: JsonObject;
  /** Words at the end of the system prompt: a wish, not a guarantee. */
  instruction?: JsonObject[];
}

export function planFormat(request: ChatRequest, facts: BedrockFacts, report: AdjustmentReport): FormatPlan {
  const format = request.responseFormat;
  if (format === undefined || format.type === 'text') return {};
  if (format.type === 'json') {
    report.add('responseFormat', 'emulated', 'instruction');
    return { instruction: [{ text: 'Answer with one JSON object and nothing else: no prose, no code fence.' }] };
  }
  return facts.structuredOutput ? { output: outputConfig(format) } : emulated(request, format, facts, report);
}

type JsonSchemaFormat = Extract<ResponseFormat, { type: 'json-schema' }>;

/** https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html, and recorded traffic of 2026. */
function outputConfig(format: JsonSchemaFormat): JsonObject {
  return { textFormat: { type: 'json_schema', structure: { jsonSchema: { schema: JSON.stringify(format.schema), name: format.name } } } };
}

function emulated(request: ChatRequest, format: JsonSchemaFormat, facts: BedrockFacts, report: AdjustmentReport): FormatPlan {
  const forcible = (facts.family === 'claude' || facts.family === 'nova') && request.tools.length === 0 && format.schema['type'] === 'object';
  if (forcible && calledNames(request.messages).length === 0) {
    report.add('responseFormat', 'emulated', 'forced tool');
    const description = `Give the answer (${format.name}) by calling this tool once.`;
    const toolSpec = { name: STRUCTURED_OUTPUT_TOOL, description, inputSchema: { json: format.schema } };
    return { forced: { toolConfig: { tools: [{ toolSpec }], toolChoice: { tool: { name: STRUCTURED_OUTPUT_TOOL } } } } };
  }
  // A strict schema is a promise that an instruction cannot keep.
  if (format.strict === true) throw report.refuse('responseFormat', 'this model cannot be bound to a JSON schema in this request.');
  report.add('responseFormat', 'emulated', 'instruction');
  return {
    instruction: [{ text: `Answer with JSON that fits this JSON Schema and nothing else, no prose, no code fence:\n${JSON.stringify(format.schema)}` }],
  };
}
