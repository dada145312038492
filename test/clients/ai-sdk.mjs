import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { generateText, jsonSchema, Output, stepCountIs, streamText, tool } from 'ai';
import { WEATHER_SCHEMA, check, countingFetch, done, refused, target } from './check.mjs';

const counter = countingFetch();
const provider = (apiKey) => createOpenAICompatible({ name: 'og', baseURL: `${target.url}/v1`, apiKey, includeUsage: true, supportsStructuredOutputs: true, fetch: counter.fetch });
const og = provider(target.key);

const { text, usage, finishReason } = await generateText({ model: og('sandbox/echo'), prompt: 'hello there' });
check(text === 'hello there' && finishReason === 'stop', 'generateText', { text, finishReason });
check(usage.inputTokens > 0 && usage.outputTokens > 0, 'usage', usage);

const streamed = streamText({ model: og('sandbox/lorem'), prompt: 'go', maxOutputTokens: 20 });
let whole = '';
for await (const piece of streamed.textStream) whole += piece;
check(whole.length > 20, 'streamText', whole);
check((await streamed.usage).outputTokens > 0, 'streamed usage', await streamed.usage);

const called = await generateText({
  model: og('sandbox/tools'),
  prompt: 'Weather in Seoul?',
  stopWhen: stepCountIs(1),
  tools: { get_weather: tool({ description: 'weather', inputSchema: jsonSchema(WEATHER_SCHEMA), execute: async ({ city }) => ({ city, celsius: 21 }) }) },
});
check(called.toolCalls[0]?.toolName === 'get_weather', 'tools', called.toolCalls);
check(called.toolResults.length === 1, 'the tool ran', called.toolResults);

const structured = await generateText({ model: og('sandbox/json'), prompt: 'as JSON', output: Output.object({ schema: jsonSchema(WEATHER_SCHEMA) }) });
check(typeof structured.output.city === 'string', 'structured output', structured.output);

const reasoned = await generateText({ model: og('sandbox/reasoning'), prompt: 'Think' });
check((reasoned.reasoningText ?? '').length > 0 && reasoned.text.length > 0, 'reasoning is apart from text', reasoned.reasoningText);
check(!reasoned.text.includes(reasoned.reasoningText), 'reasoning is shown once');

counter.calls = 0;
const broke = await refused(generateText({ model: provider(target.poorKey)('sandbox/echo'), prompt: 'x' }), 'no credit');
check(broke.statusCode === 402 && counter.calls === 1, '402 is asked exactly once', { status: broke.statusCode, calls: counter.calls });

const failing = await refused(generateText({ model: og('sandbox/error-500'), prompt: 'x', maxRetries: 1 }), 'a simulated 500');
check(/error|500/i.test(failing.message), 'the 500 arrives', failing.message);

const parts = [];
for await (const part of streamText({ model: og('sandbox/stream-cut'), prompt: 'x', onError: () => undefined }).fullStream) parts.push(part.type);
check(parts.includes('error'), 'a cut stream is an error part', parts);

done();
