import { HumanMessage, ToolMessage } from '@langchain/core/messages';
import { tool } from '@langchain/core/tools';
import { ChatOpenAI, OpenAIEmbeddings } from '@langchain/openai';
import { WEATHER_SCHEMA, check, countingFetch, done, refused, target } from './check.mjs';

const counter = countingFetch();
const common = { apiKey: target.key, maxRetries: 1, configuration: { baseURL: `${target.url}/v1`, fetch: counter.fetch } };
const weather = tool(async ({ city }) => `${city}: 21`, { name: 'get_weather', description: 'weather', schema: WEATHER_SCHEMA });

/** Over both of OpenAI's APIs. */
for (const useResponsesApi of [false, true]) {
  const over = useResponsesApi ? 'responses' : 'chat';
  const chat = (model, more = {}) => new ChatOpenAI({ model, useResponsesApi, ...common, ...more });

  const answer = await chat('sandbox/echo').invoke('안녕 hello');
  check(answer.text === '안녕 hello' && answer.usage_metadata.output_tokens > 0, `${over}: invoke`, answer);

  const whole = await streamed(chat('sandbox/lorem', { maxTokens: 20 }), 'go');
  check(whole.text.split(' ').length >= 15 && whole.usage_metadata.output_tokens > 0, `${over}: stream`, whole);

  const asked = new HumanMessage('Weather in Seoul?');
  const bound = chat('sandbox/tools').bindTools([weather]);
  const called = await bound.invoke([asked]);
  check(called.tool_calls[0]?.name === 'get_weather', `${over}: tools`, called);
  const result = await weather.invoke(called.tool_calls[0]);
  check(result instanceof ToolMessage, `${over}: the tool ran`, result);
  const after = await bound.invoke([asked, called, result]);
  check(after.text.startsWith('The tool answered: '), `${over}: tool results`, after);

  const structured = await chat('sandbox/json').withStructuredOutput(WEATHER_SCHEMA, { name: 'weather', method: 'jsonSchema' }).invoke('as JSON');
  check(typeof structured.city === 'string' && typeof structured.celsius === 'number', `${over}: structured output`, structured);

  const reasoned = await chat('sandbox/reasoning', { reasoning: { effort: 'low', summary: 'auto' } }).invoke('Think');
  check(reasoned.text === 'Think', `${over}: reasoning`, reasoned);

  const image = { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } };
  const seen = await chat('sandbox/echo').invoke([new HumanMessage({ content: [{ type: 'text', text: 'see ' }, image] })]);
  check(seen.text === 'see [image]', `${over}: images`, seen.text);

  counter.calls = 0;
  const broke = await refused(chat('sandbox/echo', { apiKey: target.poorKey }).invoke('x'), `${over}: no credit`);
  check(broke.status === 402 && counter.calls === 1, `${over}: 402 is asked exactly once`, { status: broke.status, calls: counter.calls });
  // Over responses LangChain passes `response.failed` by: no error, but no completed answer either.
  const cut = await streamed(chat('sandbox/stream-cut'), 'x').catch((error) => error);
  const told = cut instanceof Error || (useResponsesApi && cut.response_metadata.status === undefined && cut.usage_metadata === undefined);
  check(told, `${over}: a cut stream is no success`, cut);
}

const embeddings = new OpenAIEmbeddings({ model: 'sandbox/embed', ...common });
const [one, two] = await embeddings.embedDocuments(['a cat sits', 'a cat lies']);
check(one.length > 0 && one.length === two.length, 'embeddings', one.length);

/** All chunks joined, as LangChain joins them. */
async function streamed(model, prompt) {
  let whole;
  for await (const chunk of await model.stream(prompt)) whole = whole?.concat(chunk) ?? chunk;
  return whole;
}

done();
