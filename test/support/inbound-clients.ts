import type { GatewayProcess } from './gateway-process.js';

type Json = Record<string, unknown>;

/** What a feature asks for, in no protocol's words. */
export interface Asked {
  model: string;
  stream: boolean;
  tools?: boolean;
  /** The second turn of a tool loop: the call and its result are in the history. */
  toolResult?: boolean;
  image?: boolean;
  schema?: boolean;
  reasoning?: boolean;
  maxTokens?: number;
}

/** What came back, in OpenAI's words. */
export interface Got {
  status: number;
  text: string;
  reasoning: string;
  calls: { name: string; arguments: unknown }[];
  finish: string | null;
  usage: { prompt: number; completion: number; cached: number } | null;
  errorCode: string | null;
  ended: boolean;
}

const SCHEMA = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'], additionalProperties: false };
const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==';
const CALL_ID = 'call_abcdef123';

export interface InboundClient {
  readonly name: string;
  ask(gateway: GatewayProcess, asked: Asked): Promise<Got>;
}

function post(gateway: GatewayProcess, path: string, body: Json): Promise<Response> {
  return fetch(gateway.url + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${gateway.bootstrap.demo_key ?? ''}`, 'content-type': 'application/json', 'anthropic-version': '2023-06-01' },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(20_000),
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

const record = (value: unknown): Json => (typeof value === 'object' && value !== null ? (value as Json) : {});
const list = (value: unknown): Json[] => (Array.isArray(value) ? (value as Json[]) : []);
const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const number = (value: unknown): number => (typeof value === 'number' ? value : 0);

function events(body: string): Json[] {
  return body
    .split('\n')
    .filter((line) => line.startsWith('data: {'))
    .map((line) => parsed(line.slice(6)) as Json);
}

const nothing = (status: number): Got => ({ status, text: '', reasoning: '', calls: [], finish: null, usage: null, errorCode: null, ended: false });

export const CHAT_COMPLETIONS: InboundClient = {
  name: 'chat completions',
  async ask(gateway, asked) {
    const content: unknown = asked.image
      ? [
          { type: 'text', text: 'What is this?' },
          { type: 'image_url', image_url: { url: `data:image/png;base64,${PIXEL}` } },
        ]
      : 'Hello';
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
    if (answer.status !== 200) return { ...nothing(answer.status), errorCode: text(record(record(parsed(raw))['error'])['code']) };
    return asked.stream ? chatStream(raw) : chatAnswer(record(parsed(raw)));
  },
};

function chatUsage(usage: unknown): Got['usage'] {
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
    const content: unknown = asked.image
      ? [
          { type: 'text', text: 'What is this?' },
          { type: 'image', source: { type: 'base64', media_type: 'image/png', data: PIXEL } },
        ]
      : 'Hello';
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
    if (answer.status !== 200) return { ...nothing(answer.status), errorCode: text(record(record(parsed(raw))['error'])['type']) };
    return asked.stream ? messagesStream(raw) : messagesAnswer(record(parsed(raw)));
  },
};

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

export const RESPONSES: InboundClient = {
  name: 'responses',
  async ask(gateway, asked) {
    const content: unknown = asked.image
      ? [
          { type: 'input_text', text: 'What is this?' },
          { type: 'input_image', image_url: `data:image/png;base64,${PIXEL}` },
        ]
      : 'Hello';
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
    if (answer.status !== 200) return { ...nothing(answer.status), errorCode: text(record(record(parsed(raw))['error'])['code']) };
    if (!asked.stream) return responsesAnswer(record(parsed(raw)));
    const last = events(raw).findLast((event) => ['response.completed', 'response.incomplete', 'response.failed'].includes(text(event['type'])));
    return last === undefined ? nothing(200) : responsesAnswer(record(last['response']));
  },
};

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
