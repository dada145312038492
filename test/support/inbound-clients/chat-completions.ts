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

export const CHAT_COMPLETIONS: InboundClient = {
  name: 'chat completions',
  async ask(gateway, asked) {
    const media: Json = asked.file
      ? { type: 'file', file: { filename: 'a.pdf', file_data: `data:application/pdf;base64,${PDF}` } }
      : { type: 'image_url', image_url: { url: imageUrl(asked) } };
    const content: unknown = hasMedia(asked) ? [{ type: 'text', text: 'What is this?' }, media] : 'Hello';
    const messages: Json[] = [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content },
    ];
    if (asked.toolResult) {
      messages.push({
        role: 'assistant',
        content: null,
        tool_calls: [{ id: CALL_ID, type: 'function', function: { name: 'get_weather', arguments: '{"city":"Seoul"}' } }],
      });
      messages.push({ role: 'tool', tool_call_id: CALL_ID, content: '{"celsius":21}' });
    }
    const body: Json = { model: asked.model, stream: asked.stream, messages };
    if (asked.stream) body['stream_options'] = { include_usage: true };
    if (asked.tools) body['tools'] = [{ type: 'function', function: { name: 'get_weather', parameters: SCHEMA } }];
    if (asked.schema) body['response_format'] = { type: 'json_schema', json_schema: { name: 'place', strict: true, schema: SCHEMA } };
    if (asked.reasoning) body['reasoning_effort'] = 'low';
    if (asked.maxTokens !== undefined) body['max_tokens'] = asked.maxTokens;
    const answer = await post(gateway, '/v1/chat/completions', body);
    const raw = await answer.text();
    if (answer.status !== 200) return failed(answer.status, raw);
    return asked.stream ? chatStream(raw) : chatAnswer(record(parsed(raw)));
  },
};

export function chatUsage(usage: unknown): Got['usage'] {
  const json = record(usage);
  if (usage === null || usage === undefined) return null;
  return {
    prompt: number(json['prompt_tokens']),
    completion: number(json['completion_tokens']),
    cached: number(record(json['prompt_tokens_details'])['cached_tokens']),
  };
}

function chatAnswer(body: Json): Got {
  const choice = list(body['choices'])[0] ?? {};
  const message = record(choice['message']);
  const calls = list(message['tool_calls']).map((call) => ({
    name: text(record(call['function'])['name']),
    arguments: parsed(text(record(call['function'])['arguments'])),
  }));
  return {
    ...nothing(200),
    text: text(message['content']),
    reasoning: text(message['reasoning_content']),
    calls,
    finish: text(choice['finish_reason']),
    usage: chatUsage(body['usage']),
    ended: true,
  };
}

function chatStream(raw: string): Got {
  const got = nothing(200);
  const calls: { name: string; text: string }[] = [];
  for (const chunk of events(raw)) {
    if (chunk['error'] !== undefined) got.errorCode = text(record(chunk['error'])['code']);
    got.usage = chatUsage(chunk['usage']) ?? got.usage;
    const choice = list(chunk['choices'])[0] ?? {};
    const delta = record(choice['delta']);
    got.text += text(delta['content']);
    got.reasoning += text(delta['reasoning_content']);
    got.finish = (choice['finish_reason'] as string | null) ?? got.finish;
    for (const call of list(delta['tool_calls'])) {
      const known = (calls[number(call['index'])] ??= { name: '', text: '' });
      known.name += text(record(call['function'])['name']);
      known.text += text(record(call['function'])['arguments']);
    }
  }
  got.calls = calls.map((call) => ({ name: call.name, arguments: parsed(call.text) }));
  got.ended = raw.trimEnd().endsWith('data: [DONE]');
  return got;
}
