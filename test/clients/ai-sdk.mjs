import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { generateText, jsonSchema, Output, stepCountIs, streamText, tool } from 'ai';
import { WEATHER_SCHEMA, check, countingFetch, done, refused, target } from './check.mjs';

const counter = countingFetch();
const { fetch } = counter;
const baseURL = `${target.url}/v1`;
const compatible = (apiKey) => createOpenAICompatible({ name: 'og', baseURL, apiKey, includeUsage: true, supportsStructuredOutputs: true, fetch });
const THINKING = {
  anthropic: { thinking: { type: 'enabled', budgetTokens: 1024 } },
  openai: { reasoningEffort: 'low', reasoningSummary: 'auto', forceReasoning: true },
};
globalThis.AI_SDK_LOG_WARNINGS = false;

/** Each of its providers; OpenAI's speaks both of OpenAI's APIs. */
const PROVIDERS = {
  'openai-compatible': compatible,
  'openai, responses': (apiKey) => createOpenAI({ baseURL, apiKey, fetch }).responses,
  'openai, chat': (apiKey) => createOpenAI({ baseURL, apiKey, fetch }).chat,
  anthropic: (authToken) => createAnthropic({ baseURL, authToken, fetch }),
};
/** Reads no field that is not OpenAI's own, `reasoning_content` for one. */
const ONLY_OPENAI = 'openai, chat';

for (const [name, provider] of Object.entries(PROVIDERS)) {
  const og = provider(target.key);

  const { text, usage, finishReason } = await generateText({ model: og('sandbox/echo'), prompt: 'hello there' });
  check(text === 'hello there' && finishReason === 'stop', `${name}: generateText`, { text, finishReason });
  check(usage.inputTokens > 0 && usage.outputTokens > 0, `${name}: usage`, usage);

  const streamed = streamText({ model: og('sandbox/lorem'), prompt: 'go', maxOutputTokens: 20 });
  let whole = '';
  for await (const piece of streamed.textStream) whole += piece;
  check(whole.length > 20, `${name}: streamText`, whole);
  check((await streamed.usage).outputTokens > 0 && (await streamed.finishReason) === 'length', `${name}: streamed usage and finish`, await streamed.usage);

  const tools = {
    get_weather: tool({ description: 'weather', inputSchema: jsonSchema(WEATHER_SCHEMA), execute: async ({ city }) => ({ city, celsius: 21 }) }),
  };
  const looped = await generateText({ model: og('sandbox/tools'), prompt: 'Weather in Seoul?', stopWhen: stepCountIs(3), tools });
  check(looped.steps.length === 2 && looped.steps[0].toolResults.length === 1, `${name}: the tool ran`, looped.steps);
  check(looped.text.startsWith('The tool answered: '), `${name}: its result came back to the model`, looped.text);
  const streamedLoop = streamText({ model: og('sandbox/tools'), prompt: 'Weather in Seoul?', stopWhen: stepCountIs(3), tools });
  check((await streamedLoop.text).startsWith('The tool answered: '), `${name}: the same, streamed`, await streamedLoop.text);

  const structured = await generateText({ model: og('sandbox/json'), prompt: 'as JSON', output: Output.object({ schema: jsonSchema(WEATHER_SCHEMA) }) });
  check(typeof structured.output.city === 'string', `${name}: structured output`, structured.output);

  const image = {
    type: 'file',
    mediaType: 'image/png',
    data: 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==',
  };
  const seen = await generateText({ model: og('sandbox/echo'), messages: [{ role: 'user', content: [{ type: 'text', text: 'see ' }, image] }] });
  check(seen.text === 'see [image]', `${name}: images`, seen.text);

  const reasoned = await generateText({ model: og('sandbox/reasoning'), prompt: 'Think', providerOptions: THINKING });
  const thought = reasoned.reasoningText ?? '';
  check(reasoned.text === 'Think', `${name}: reasoning is apart from text`, { text: reasoned.text, thought });
  check(name === ONLY_OPENAI || thought.length > 0, `${name}: reasoning is shown`, thought);

  counter.calls = 0;
  const broke = await refused(generateText({ model: provider(target.poorKey)('sandbox/echo'), prompt: 'x' }), `${name}: no credit`);
  check(broke.statusCode === 402 && counter.calls === 1, `${name}: 402 is asked exactly once`, { status: broke.statusCode, calls: counter.calls });

  const failing = await refused(generateText({ model: og('sandbox/error-500'), prompt: 'x', maxRetries: 0 }), `${name}: a simulated 500`);
  check(/error|500/i.test(failing.message), `${name}: the 500 arrives`, failing.message);

  const parts = [];
  for await (const part of streamText({ model: og('sandbox/stream-cut'), prompt: 'x', onError: () => undefined }).fullStream) parts.push(part);
  // OpenAI's chat half takes our frame for one that ends the answer, because it has `choices`: not an error, and no success either.
  const told = (part) => part.type === 'error' || (name === ONLY_OPENAI && part.type === 'finish' && part.rawFinishReason === 'error');
  check(parts.some(told), `${name}: a cut stream is told`, parts.at(-1));
}

done();
