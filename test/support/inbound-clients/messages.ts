import {
  SCHEMA,
  PDF,
  PIXEL,
  CALL_ID,
  record,
  list,
  text,
  number,
  nothing,
  hasMedia,
  post,
  parsed,
  events,
  failed,
  type Asked,
  type Got,
  type InboundClient,
  type Json,
} from './asked.js';

const STOP: Readonly<Record<string, string>> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  max_tokens: 'length',
  tool_use: 'tool_calls',
  refusal: 'content_filter',
};

export const MESSAGES: InboundClient = {
  name: 'messages',
  async ask(gateway, asked) {
    const content: unknown = hasMedia(asked) ? [{ type: 'text', text: 'What is this?' }, messagesMedia(asked)] : 'Hello';
    const messages: Json[] = [{ role: 'user', content }];
    if (asked.toolResult) {
      messages.push({ role: 'assistant', content: [{ type: 'tool_use', id: CALL_ID, name: 'get_weather', input: { city: 'Seoul' } }] });
      messages.push({ role: 'user', content: [{ type: 'tool_result', tool_use_id: CALL_ID, content: '{"celsius":21}' }] });
    }
    const body: Json = { model: asked.model, stream: asked.stream, max_tokens: asked.maxTokens ?? 3000, system: 'Be brief.', messages };
    if (asked.tools) body['tools'] = [{ name: 'get_weather', input_schema: SCHEMA }];
    if (asked.schema) body['output_config'] = { format: { type: 'json_schema', schema: SCHEMA } };
    if (asked.reasoning) body['thinking'] = { type: 'enabled', budget_tokens: 1024 };
    const answer = await post(gateway, '/v1/messages', body);
    const raw = await answer.text();
    if (answer.status !== 200) return failed(answer.status, raw, 'type');
    return asked.stream ? messagesStream(raw) : messagesAnswer(record(parsed(raw)));
  },
};

function messagesMedia(asked: Asked): Json {
  if (asked.file) return { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: PDF } };
  if (asked.imageAddress !== undefined) return { type: 'image', source: { type: 'url', url: asked.imageAddress } };
  return { type: 'image', source: { type: 'base64', media_type: 'image/png', data: PIXEL } };
}

/** `input_tokens` excludes what was read from and written to the cache. */
function messagesUsage(usage: Json): Got['usage'] {
  const cached = number(usage['cache_read_input_tokens']);
  return { prompt: number(usage['input_tokens']) + cached + number(usage['cache_creation_input_tokens']), completion: number(usage['output_tokens']), cached };
}

function messagesAnswer(body: Json): Got {
  const blocks = list(body['content']);
  const joined = (type: string, field: string): string => blocks.map((block) => (block['type'] === type ? text(block[field]) : '')).join('');
  const calls = blocks.filter((block) => block['type'] === 'tool_use').map((block) => ({ name: text(block['name']), arguments: block['input'] }));
  const stop = text(body['stop_reason']);
  return {
    ...nothing(200),
    text: joined('text', 'text'),
    reasoning: joined('thinking', 'thinking'),
    calls,
    finish: STOP[stop] ?? stop,
    usage: messagesUsage(record(body['usage'])),
    ended: true,
  };
}

function messagesStream(raw: string): Got {
  const got = nothing(200);
  const calls = new Map<number, { name: string; text: string }>();
  let usage: Json = {};
  for (const event of events(raw)) {
    const delta = record(event['delta']);
    if (event['type'] === 'error') got.errorCode = text(record(event['error'])['type']);
    if (event['type'] === 'message_start') usage = record(record(event['message'])['usage']);
    if (event['type'] === 'message_delta') usage = { ...usage, ...record(event['usage']) };
    if (event['type'] === 'message_stop') got.ended = true;
    const block = record(event['content_block']);
    if (block['type'] === 'tool_use') calls.set(number(event['index']), { name: text(block['name']), text: '' });
    got.text += text(delta['text']);
    got.reasoning += text(delta['thinking']);
    const call = calls.get(number(event['index']));
    if (call !== undefined) call.text += text(delta['partial_json']);
    if (delta['stop_reason'] !== undefined && delta['stop_reason'] !== null) got.finish = STOP[text(delta['stop_reason'])] ?? text(delta['stop_reason']);
  }
  got.calls = [...calls.values()].map((call) => ({ name: call.name, arguments: parsed(call.text === '' ? '{}' : call.text) }));
  got.usage = messagesUsage(usage);
  return got;
}
