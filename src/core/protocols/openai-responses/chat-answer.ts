import { isObject, type JsonObject } from '../../json/index.js';
import { objectsOf, text } from './types.js';

const STATUS: Readonly<Record<string, JsonObject>> = {
  length: { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } },
  content_filter: { status: 'incomplete', incomplete_details: { reason: 'content_filter' } },
};

/** A chat completion as the response it stands for: Azure answers so for models that it does not serve with this API (recorded 2026). */
export function responseOfChat(body: JsonObject): JsonObject {
  const [choice] = objectsOf(body['choices']);
  const message = isObject(choice?.['message']) ? choice['message'] : {};
  const { choices: _choices, usage, created, ...rest } = body;
  return {
    ...rest,
    created_at: created,
    status: 'completed',
    ...STATUS[text(choice?.['finish_reason'])],
    output: [...thoughts(message), ...words(message), ...calls(message)],
    usage: isObject(usage) ? usageOf(usage) : usage,
  };
}

function thoughts(message: JsonObject): JsonObject[] {
  const thought = text(message['reasoning_content']);
  return thought === '' ? [] : [{ type: 'reasoning', summary: [{ type: 'summary_text', text: thought }] }];
}

function words(message: JsonObject): JsonObject[] {
  const said = text(message['content']);
  return said === '' ? [] : [{ type: 'message', role: 'assistant', content: [{ type: 'output_text', text: said, annotations: [] }] }];
}

function calls(message: JsonObject): JsonObject[] {
  return objectsOf(message['tool_calls']).map((call) => {
    const inner = isObject(call['function']) ? call['function'] : {};
    return { type: 'function_call', call_id: text(call['id']), name: text(inner['name']), arguments: text(inner['arguments']) };
  });
}

function usageOf(usage: JsonObject): JsonObject {
  return {
    input_tokens: usage['prompt_tokens'],
    output_tokens: usage['completion_tokens'],
    input_tokens_details: usage['prompt_tokens_details'],
    output_tokens_details: usage['completion_tokens_details'],
  };
}
