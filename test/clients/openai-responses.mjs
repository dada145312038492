import OpenAI, { APIError, BadRequestError } from 'openai';
import { WEATHER_SCHEMA, check, done, refused, target } from './check.mjs';

const client = new OpenAI({ baseURL: `${target.url}/v1`, apiKey: target.key, maxRetries: 0 });

// One answer.
const answer = await client.responses.create({ model: 'sandbox/echo', instructions: 'Be brief.', input: '안녕하세요 👋' });
check(answer.output_text === '안녕하세요 👋', 'echo repeats the input', answer);
check(
  answer.object === 'response' && answer.id.startsWith('resp_') && answer.status === 'completed' && answer.model === 'sandbox/echo',
  'the envelope',
  answer,
);
check(
  answer.usage.total_tokens === answer.usage.input_tokens + answer.usage.output_tokens && answer.usage.cost > 0,
  'usage adds up and has the cost',
  answer.usage,
);
check(answer.instructions === 'Be brief.' && answer.error === null, 'the request is repeated', answer);

// A stream, event by event.
const events = [];
for await (const event of await client.responses.create({ model: 'sandbox/lorem', max_output_tokens: 20, input: 'go', stream: true })) events.push(event);
check(events[0].type === 'response.created' && events[1].type === 'response.in_progress', 'the beginning', events.slice(0, 2));
check(
  events.every((event, at) => event.sequence_number === at),
  'sequence_number rises',
);
const last = events.at(-1);
check(['response.completed', 'response.incomplete'].includes(last.type) && last.response.usage.total_tokens > 0, 'the end', last);
const said = events
  .filter((event) => event.type === 'response.output_text.delta')
  .map((event) => event.delta)
  .join('');
check(said.length > 0 && said === events.find((event) => event.type === 'response.output_text.done').text, 'the deltas are the text', said);

// The SDK's own accumulator.
const final = await client.responses.stream({ model: 'sandbox/echo', input: 'accumulate me' }).finalResponse();
check(final.output_text === 'accumulate me', "the SDK's accumulator", final);

// Tools, and the round trip with their results.
const tools = [
  { type: 'function', name: 'get_weather', strict: false, parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] } },
];
const input = [{ role: 'user', content: 'Weather in Seoul?' }];
const called = await client.responses.create({ model: 'sandbox/tools', input, tools });
const call = called.output.find((item) => item.type === 'function_call');
check(call.name === 'get_weather' && typeof JSON.parse(call.arguments) === 'object', 'the tool is called', called.output);
const output = { type: 'function_call_output', call_id: call.call_id, output: '{"celsius":21}' };
const second = await client.responses.create({
  model: 'sandbox/echo',
  input: [...input, ...called.output, output, { role: 'user', content: 'thanks' }],
  tools,
});
check(second.output_text === 'thanks', 'a history with tool results', second);
const streamed = await client.responses.stream({ model: 'sandbox/tools', input, tools }).finalResponse();
check(
  streamed.output.some((item) => item.type === 'function_call' && item.name === 'get_weather'),
  'tools over a stream',
  streamed.output,
);
const custom = [{ type: 'custom', name: 'apply_patch', description: 'Edits files', format: { type: 'grammar', syntax: 'lark', definition: 'start: "x"' } }];
const patched = await client.responses.create({ model: 'sandbox/tools', input: 'Edit it', tools: custom });
const patch = patched.output.find((item) => item.type === 'custom_tool_call');
check(patch?.name === 'apply_patch' && typeof patch.input === 'string', 'a custom tool is called with plain text', patched.output);
const back = { type: 'custom_tool_call_output', call_id: patch.call_id, output: 'done' };
check(
  (await client.responses.create({ model: 'sandbox/echo', tools: custom, input: ['Edit it', ...patched.output, back, 'ok'].map(message) })).output_text ===
    'ok',
  'and its result is taken back',
);

// JSON schema.
const parsed = await client.responses.parse({
  model: 'sandbox/json',
  input: 'Weather as JSON',
  text: { format: { type: 'json_schema', name: 'weather', strict: true, schema: WEATHER_SCHEMA } },
});
check(typeof parsed.output_parsed.city === 'string' && typeof parsed.output_parsed.celsius === 'number', 'the schema is filled', parsed.output_parsed);

// Reasoning.
const thought = await client.responses.create({
  model: 'sandbox/reasoning',
  input: 'Think',
  reasoning: { effort: 'low', summary: 'auto' },
  include: ['reasoning.encrypted_content'],
});
const item = thought.output.find((one) => one.type === 'reasoning');
check(item.summary[0].text.length > 0 && thought.usage.output_tokens_details.reasoning_tokens > 0, 'thoughts are summarised and counted', thought);
const replay = await client.responses.create({ model: 'sandbox/echo', input: ['Think', ...thought.output, 'again'].map(message) });
check(replay.output_text === 'again', 'thoughts are taken back', replay);

// Kept responses.
const first = await client.responses.create({ model: 'sandbox/echo', input: 'remember me' });
const next = await client.responses.create({ model: 'sandbox/echo', input: 'and me', previous_response_id: first.id });
check(
  next.output_text === 'and me' && next.previous_response_id === first.id && next.usage.input_tokens > first.usage.input_tokens,
  'the history is put before',
  next,
);
const kept = await client.responses.retrieve(next.id);
check(kept.id === next.id && kept.output[0].content[0].text === 'and me', 'a response is kept', kept);
const items = [];
for await (const one of client.responses.inputItems.list(next.id, { order: 'asc', limit: 2 })) items.push(one);
check(items.length === 3 && items[0].content[0].text === 'remember me' && items[1].role === 'assistant', 'with what it answers', items);
await client.responses.delete(next.id);
check((await refused(client.responses.retrieve(next.id), 'a deleted response')).status === 404, 'and can be forgotten');
const streamedFirst = await client.responses.stream({ model: 'sandbox/echo', input: 'streamed and kept' }).finalResponse();
check(
  (await client.responses.retrieve(streamedFirst.id)).output_text === 'streamed and kept' ||
    (await client.responses.retrieve(streamedFirst.id)).output[0].content[0].text === 'streamed and kept',
  'streams are kept too',
);

// Tokens.
const counted = await client.responses.inputTokens.count({ model: 'sandbox/echo', input: 'How many tokens is this?' });
check(counted.input_tokens > 3, 'tokens are counted', counted);

// Errors.
const bad = await refused(
  client.responses.create({ model: 'sandbox/echo', input: [{ role: 'user', content: [{ type: 'input_text' }] }] }),
  'a part without text',
);
check(bad instanceof BadRequestError && bad.param === 'input[0].content[0].text', 'the path of what is wrong', bad.param);
check((await refused(client.responses.create({ model: 'sandbox/ecko', input: 'x' }), 'an unknown model')).code === 'model_not_found', 'an unknown model');
const cutEvents = [];
for await (const event of await client.responses.create({ model: 'sandbox/stream-cut', input: 'x', stream: true })) cutEvents.push(event);
const failed = cutEvents.at(-1);
check(
  failed.type === 'response.failed' && failed.response.status === 'failed' && failed.response.error.code === 'server_error',
  'a cut stream ends with response.failed',
  failed,
);
const limited = await refused(client.responses.create({ model: 'sandbox/error-429', input: 'x', stream: true }), 'a simulated 429');
check(limited instanceof APIError && limited.status === 429, 'an error before the first byte has its status', String(limited));

function message(one) {
  return typeof one === 'string' ? { role: 'user', content: one } : one;
}

done();
