import {
  SCHEMA,
  PDF,
  CALL_ID,
  record,
  list,
  text,
  number,
  nothing,
  hasMedia,
  imageUrl,
  post,
  parsed,
  events,
  failed,
  type Got,
  type InboundClient,
  type Json,
} from './asked.js';

export const RESPONSES: InboundClient = {
  name: 'responses',
  async ask(gateway, asked) {
    const media: Json = asked.file
      ? { type: 'input_file', filename: 'a.pdf', file_data: `data:application/pdf;base64,${PDF}` }
      : { type: 'input_image', image_url: imageUrl(asked) };
    const content: unknown = hasMedia(asked) ? [{ type: 'input_text', text: 'What is this?' }, media] : 'Hello';
    const input: Json[] = [{ role: 'user', content }];
    if (asked.toolResult) {
      input.push({ type: 'function_call', call_id: CALL_ID, name: 'get_weather', arguments: '{"city":"Seoul"}' });
      input.push({ type: 'function_call_output', call_id: CALL_ID, output: '{"celsius":21}' });
    }
    const body: Json = { model: asked.model, stream: asked.stream, instructions: 'Be brief.', input, store: false };
    if (asked.tools) body['tools'] = [{ type: 'function', name: 'get_weather', parameters: SCHEMA, strict: true }];
    if (asked.schema) body['text'] = { format: { type: 'json_schema', name: 'place', strict: true, schema: SCHEMA } };
    if (asked.reasoning) body['reasoning'] = { effort: 'low', summary: 'auto' };
    if (asked.maxTokens !== undefined) body['max_output_tokens'] = asked.maxTokens;
    const answer = await post(gateway, '/v1/responses', body);
    const raw = await answer.text();
    if (answer.status !== 200) return failed(answer.status, raw);
    if (!asked.stream) return responsesAnswer(record(parsed(raw)));
    return responsesStream(events(raw));
  },
};

/** The last event has the whole answer; text is what the deltas said, which must be the same unless it failed. */
function responsesStream(said: readonly Json[]): Got {
  const last = said.findLast((event) => ['response.completed', 'response.incomplete', 'response.failed'].includes(text(event['type'])));
  if (last === undefined) return nothing(200);
  const whole = responsesAnswer(record(last['response']));
  const deltas = said.filter((event) => event['type'] === 'response.output_text.delta').map((event) => text(event['delta']));
  return whole.ended && whole.text !== deltas.join('') ? { ...whole, text: `${whole.text} ≠ ${deltas.join('')}` } : { ...whole, text: deltas.join('') };
}

function responsesAnswer(body: Json): Got {
  const items = list(body['output']);
  const calls = items
    .filter((item) => item['type'] === 'function_call')
    .map((item) => ({ name: text(item['name']), arguments: parsed(text(item['arguments'])) }));
  const parts = items.filter((item) => item['type'] === 'message').flatMap((item) => list(item['content']));
  const reasoning = items.filter((item) => item['type'] === 'reasoning').flatMap((item) => [...list(item['summary']), ...list(item['content'])]);
  const usage = record(body['usage']);
  const reason = text(record(body['incomplete_details'])['reason']);
  const finish = body['status'] === 'incomplete' ? (reason === 'content_filter' ? 'content_filter' : 'length') : calls.length > 0 ? 'tool_calls' : 'stop';
  return {
    ...nothing(200),
    text: parts.map((part) => text(part['text'])).join(''),
    reasoning: reasoning.map((part) => text(part['text'])).join(''),
    calls,
    finish,
    usage: {
      prompt: number(usage['input_tokens']),
      completion: number(usage['output_tokens']),
      cached: number(record(usage['input_tokens_details'])['cached_tokens']),
    },
    errorCode: body['error'] === null || body['error'] === undefined ? null : text(record(body['error'])['code']),
    ended: body['status'] !== 'failed',
  };
}
