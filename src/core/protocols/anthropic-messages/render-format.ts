import type { ChatRequest, ResponseFormat } from '../../chat/request.js';
import type { Adjustments } from './adjustments.js';
import type { AnthropicModelFacts } from './model-facts.js';
import { outputSchema } from './output-schema.js';
import { STRUCTURED_OUTPUT_TOOL, type JsonObject, type WireBlock } from './types.js';

/** How the wished answer format is brought about. At most one of the three is set. */
export interface FormatPlan {
  /** `output_config.format`: the model's own structured output. */
  format?: JsonObject;
  /** The one tool the model is made to call; parse-response and parse-stream turn its input back into text. */
  forcedTool?: JsonObject;
  /** Words at the end of the system prompt: a wish, not a guarantee. */
  instruction?: WireBlock;
}

type JsonSchemaFormat = Extract<ResponseFormat, { type: 'json-schema' }>;

export function planFormat(request: ChatRequest, facts: AnthropicModelFacts, adjustments: Adjustments): FormatPlan {
  const format = request.responseFormat;
  if (format === undefined || format.type === 'text') return {};
  if (format.type === 'json') {
    adjustments.add('responseFormat', 'emulated', 'instruction');
    return { instruction: instruct('Answer with one JSON object and nothing else: no prose, no code fence.') };
  }
  if (facts.structuredOutput) return native(format, adjustments);
  if (canForceTool(request, facts, format)) {
    adjustments.add('responseFormat', 'emulated', 'forced tool');
    return { forcedTool: forcedTool(format) };
  }
  // A strict schema is a promise that an instruction cannot keep (api-conventions 50).
  if (format.strict === true)
    throw adjustments.refuse(
      'responseFormat',
      'this model cannot be bound to a JSON schema in this request (it has tools, the model cannot be forced to call one, or the schema is not of an object).',
    );
  adjustments.add('responseFormat', 'emulated', 'instruction');
  return { instruction: instruct(`Answer with JSON that fits this JSON Schema and nothing else, no prose, no code fence:\n${JSON.stringify(format.schema)}`) };
}

function native(format: JsonSchemaFormat, adjustments: Adjustments): FormatPlan {
  const { schema, changed } = outputSchema(format.schema);
  if (changed) adjustments.add('responseFormat', 'clamped', 'schema narrowed to the supported subset');
  return { format: { type: 'json_schema', schema } };
}

/** Safe only when the call cannot be mistaken for one of the client's and nothing forbids forcing it. */
function canForceTool(request: ChatRequest, facts: AnthropicModelFacts, format: JsonSchemaFormat): boolean {
  return request.tools.length === 0 && facts.forcedTools && format.schema['type'] === 'object';
}

function forcedTool(format: JsonSchemaFormat): JsonObject {
  const purpose = format.description === undefined ? '' : ` ${format.description}`;
  return { name: STRUCTURED_OUTPUT_TOOL, description: `Give the answer (${format.name}) by calling this tool once.${purpose}`, input_schema: format.schema };
}

function instruct(text: string): WireBlock {
  return { type: 'text', text };
}
