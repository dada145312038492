import Anthropic, { AuthenticationError } from '@anthropic-ai/sdk';
import { check, done, refused, target } from './check.mjs';

const client = new Anthropic({ baseURL: target.url, apiKey: target.key, maxRetries: 0 });
const messages = [{ role: 'user', content: 'hello there' }];

const answer = await client.messages.create({ model: 'sandbox/echo', max_tokens: 100, messages });
check(answer.content[0].text === 'hello there' && answer.stop_reason === 'end_turn', 'messages', answer);
check(answer.usage.input_tokens > 0 && answer.usage.output_tokens > 0, 'usage', answer.usage);

const streamed = await client.messages.stream({ model: 'sandbox/lorem', max_tokens: 20, messages }).finalMessage();
check(streamed.content[0].text.length > 20, 'stream', streamed);

const tools = [{ name: 'get_weather', description: 'weather', input_schema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] } }];
const called = await client.messages.stream({ model: 'sandbox/tools', max_tokens: 100, messages, tools }).finalMessage();
const use = called.content.find((block) => block.type === 'tool_use');
check(called.stop_reason === 'tool_use' && use.name === 'get_weather', 'tools', called);
const next = await client.messages.create({
  model: 'sandbox/echo',
  max_tokens: 100,
  tools,
  messages: [...messages, { role: 'assistant', content: called.content }, { role: 'user', content: [{ type: 'tool_result', tool_use_id: use.id, content: '21' }, { type: 'text', text: 'thanks' }] }],
});
check(next.content[0].text === 'thanks', 'a history with tool results', next);

const thought = await client.messages.create({ model: 'sandbox/reasoning', max_tokens: 2048, thinking: { type: 'enabled', budget_tokens: 1024 }, messages });
check(thought.content.some((block) => block.type === 'thinking' && block.thinking.length > 0), 'thinking', thought);

const bad = await refused(new Anthropic({ baseURL: target.url, apiKey: 'sk-og-nonsense', maxRetries: 0 }).messages.create({ model: 'sandbox/echo', max_tokens: 10, messages }), 'a bad key');
check(bad instanceof AuthenticationError && bad.error.type === 'error' && bad.error.error.type === 'authentication_error', "Anthropic's envelope", bad.error);
const cut = await refused(client.messages.stream({ model: 'sandbox/stream-cut', max_tokens: 100, messages }).finalMessage(), 'a cut stream');
check(cut instanceof Error, 'a cut stream throws', String(cut));

done();
