import OpenAI, { APIError, AuthenticationError, NotFoundError, RateLimitError } from 'openai';
import { WEATHER_SCHEMA, check, countingFetch, done, refused, target } from './check.mjs';

const client = new OpenAI({ baseURL: `${target.url}/v1`, apiKey: target.key, maxRetries: 0 });
const user = (content) => [{ role: 'user', content }];

// Chat.
const answer = await client.chat.completions.create({ model: 'sandbox/echo', messages: user('안녕하세요 👋') });
check(answer.choices[0].message.content === '안녕하세요 👋', 'echo repeats the message', answer);
check(answer.object === 'chat.completion' && answer.id.startsWith('chatcmpl-'), 'the envelope', answer);
check(answer.usage.total_tokens === answer.usage.prompt_tokens + answer.usage.completion_tokens && answer.usage.total_tokens > 0, 'usage adds up', answer.usage);
check(typeof answer.usage.cost === 'number' && answer.usage.cost > 0, 'usage has the cost', answer.usage);
check(/^req_/.test(answer._request_id), 'the request id is there', answer._request_id);

// Streams.
let text = '';
const chunks = [];
const stream = await client.chat.completions.create({ model: 'sandbox/lorem', max_tokens: 20, messages: user('go'), stream: true, stream_options: { include_usage: true } });
for await (const chunk of stream) {
  chunks.push(chunk);
  text += chunk.choices[0]?.delta?.content ?? '';
}
check(text.split(/\s+/).length >= 10, 'the stream has text', text);
check(new Set(chunks.map((chunk) => chunk.id)).size === 1, 'one id throughout');
check(chunks[0].choices[0].delta.role === 'assistant', 'role first', chunks[0]);
check(chunks.at(-1).choices.length === 0 && chunks.at(-1).usage.total_tokens > 0, 'usage last', chunks.at(-1));
check(chunks.filter((chunk) => chunk.choices[0]?.finish_reason).length === 1, 'one finish reason');

// The SDK's own accumulator.
const final = await client.chat.completions.stream({ model: 'sandbox/echo', messages: user('accumulate me') }).finalChatCompletion();
check(final.choices[0].message.content === 'accumulate me', "the SDK's accumulator", final);

// Tools, and the round trip with their result.
const tools = [{ type: 'function', function: { name: 'get_weather', parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] } } }];
const called = await client.chat.completions.create({ model: 'sandbox/tools', messages: user('Weather in Seoul?'), tools });
const [call] = called.choices[0].message.tool_calls;
check(called.choices[0].finish_reason === 'tool_calls' && call.function.name === 'get_weather', 'the first tool is called', called);
check(typeof JSON.parse(call.function.arguments) === 'object', 'arguments are JSON', call);
const second = await client.chat.completions.create({
  model: 'sandbox/echo',
  messages: [...user('Weather in Seoul?'), called.choices[0].message, { role: 'tool', tool_call_id: call.id, content: '{"celsius":21}' }, ...user('thanks')],
  tools,
});
check(second.choices[0].message.content === 'thanks', 'a history with tool results', second);
const streamedTools = await client.chat.completions.stream({ model: 'sandbox/tools', messages: user('Weather?'), tools }).finalChatCompletion();
check(streamedTools.choices[0].message.tool_calls[0].function.name === 'get_weather', 'tools over a stream', streamedTools);

// JSON schema.
const structured = await client.chat.completions.create({
  model: 'sandbox/json',
  messages: user('Weather as JSON'),
  response_format: { type: 'json_schema', json_schema: { name: 'weather', strict: true, schema: WEATHER_SCHEMA } },
});
const parsed = JSON.parse(structured.choices[0].message.content);
check(typeof parsed.city === 'string' && typeof parsed.celsius === 'number', 'the schema is filled', parsed);

// Reasoning.
const reasoned = await client.chat.completions.create({ model: 'sandbox/reasoning', messages: user('Think'), reasoning_effort: 'low' });
check(reasoned.choices[0].message.reasoning_content.length > 0, 'reasoning_content is there', reasoned);
check(reasoned.usage.completion_tokens_details.reasoning_tokens > 0, 'reasoning tokens are counted', reasoned.usage);

// Models.
const models = await client.models.list();
check(models.data.some((model) => model.id === 'sandbox/echo'), 'the list of models');
check((await client.models.retrieve('sandbox/echo')).id === 'sandbox/echo', 'one model, slash and all');

// Errors are the SDK's own classes.
const notFound = await refused(client.chat.completions.create({ model: 'sandbox/ecko', messages: user('x') }), 'an unknown model');
check(notFound instanceof NotFoundError && notFound.code === 'model_not_found' && /sandbox\/echo/.test(notFound.message), 'near names are named', notFound.message);
const badKey = await refused(new OpenAI({ baseURL: `${target.url}/v1`, apiKey: 'sk-og-nonsense', maxRetries: 0 }).models.list(), 'a bad key');
check(badKey instanceof AuthenticationError && badKey.code === 'invalid_api_key', 'a bad key is 401', badKey.message);
const limited = await refused(client.chat.completions.create({ model: 'sandbox/error-429', messages: user('x') }), 'a simulated 429');
check(limited instanceof RateLimitError && limited.headers.get('x-og-simulated') === 'true', 'the simulated 429', limited);
const cut = await refused(
  (async () => {
    for await (const _chunk of await client.chat.completions.create({ model: 'sandbox/stream-cut', messages: user('x'), stream: true }));
  })(),
  'a cut stream',
);
check(cut instanceof APIError, 'a cut stream throws', String(cut));

// The SDK's retries: a flaky provider is covered by ours, an empty account is asked once.
const flaky = countingFetch();
const retrying = new OpenAI({ baseURL: `${target.url}/v1`, apiKey: target.key, fetch: flaky.fetch });
for (let round = 0; round < 4; round += 1) await retrying.chat.completions.create({ model: 'sandbox/flaky', messages: user('x') });
check(flaky.calls === 4, 'our retry covers the flaky provider', flaky.calls);
const poor = countingFetch();
const broke = await refused(new OpenAI({ baseURL: `${target.url}/v1`, apiKey: target.poorKey, fetch: poor.fetch }).chat.completions.create({ model: 'sandbox/echo', messages: user('x') }), 'no credit');
check(broke.status === 402 && broke.code === 'insufficient_credits' && poor.calls === 1, '402 is asked exactly once', { status: broke.status, calls: poor.calls });

done();
