import { completionTokens, promptTokens, type Usage } from '../../src/core/chat/usage.js';
import type { StreamItem } from '../../src/core/chat/event.js';
import type { Part } from '../../src/core/chat/message.js';
import { classifyUpstreamError } from '../../src/core/errors/classify-upstream.js';
import { ERROR_CATALOGUE } from '../../src/core/errors/catalogue.js';
import { GatewayError } from '../../src/core/errors/gateway-error.js';
import { geminiGenerate } from '../../src/core/protocols/gemini-generate/index.js';
import type { UpstreamRenderContext } from '../../src/core/protocols/protocol.js';
import { bodyBytes, Corpus, type Exchange } from '../support/upstream-simulator/corpus.js';

const corpus = Corpus.find();
const exchanges = corpus === null ? [] : corpus.list('gemini.generateContent').map((entry) => corpus.read(entry));
const CONTEXT = { dialect: {}, choices: 1 };

/** What a client would be told, whether it streamed or not. */
interface Answer {
  text: string;
  reasoning: string;
  calls: { name: string; arguments: unknown }[];
  ids: string[];
  finishes: string[];
  usage?: Usage;
  failed: boolean;
  ended: boolean;
  drift: string[];
}

/** The recording streams arguments in pieces, which its decoding lists as calls without a name; these are the calls they make up. */
const STREAMED_ARGUMENTS: Readonly<Record<string, { name: string; arguments: unknown }[]>> = {
  'gemini.generateContent.c2fc217104': [
    { name: 'read_theme', arguments: {} },
    { name: 'read_screen', arguments: { id: 'A' } },
    { name: 'read_screen', arguments: { id: 'B' } },
    { name: 'read_screen', arguments: { id: 'C' } },
  ],
};

const blank = (): Answer => ({ text: '', reasoning: '', calls: [], ids: [], finishes: [], failed: false, ended: false, drift: [] });

function collect(items: StreamItem[]): Answer {
  const answer = blank();
  const texts: string[] = [];
  for (const event of items.flatMap((item) => item.events)) {
    if (event.type === 'text-delta') answer.text += event.text;
    else if (event.type === 'reasoning-delta') answer.reasoning += event.text;
    else if (event.type === 'tool-call-start') {
      expect(event.index).toBe(answer.calls.length);
      answer.calls.push({ name: event.name, arguments: null });
      answer.ids.push(event.id);
      texts.push('');
    } else if (event.type === 'tool-call-delta') texts[event.index] += event.argumentsText;
    else if (event.type === 'finish') answer.finishes.push(event.reason);
    else if (event.type === 'usage') answer.usage = event.usage;
    else if (event.type === 'error') answer.failed = true;
    else if (event.type === 'end') answer.ended = true;
    else if (event.type === 'drift') answer.drift.push(event.what);
  }
  answer.calls.forEach((call, index) => (call.arguments = JSON.parse(texts[index] as string)));
  return answer;
}

/** Cuts that depend on the exchange alone, at odd places. */
function streamed(exchange: Exchange, sizes: readonly number[]): Answer {
  const items: StreamItem[] = [];
  const parser = geminiGenerate.createStreamParser((item) => items.push(item), CONTEXT);
  const bytes = bodyBytes(exchange);
  let at = 0;
  for (let step = 0; at < bytes.length; step += 1) {
    const size = sizes[step % sizes.length] as number;
    parser.push(bytes.subarray(at, at + size));
    at += size;
  }
  parser.end();
  return collect(items);
}

function whole(exchange: Exchange): Answer {
  const response = geminiGenerate.parseResponse(exchange.response.body, CONTEXT);
  const parts: Part[] = response.choices[0]?.parts ?? [];
  const answer = blank();
  answer.text = parts.map((part) => (part.type === 'text' ? part.text : '')).join('');
  answer.reasoning = parts.map((part) => (part.type === 'reasoning' ? part.text : '')).join('');
  for (const part of parts) {
    if (part.type !== 'tool-call') continue;
    answer.calls.push({ name: part.name, arguments: JSON.parse(part.arguments) });
    answer.ids.push(part.id);
  }
  answer.finishes = response.choices.map((choice) => choice.finish);
  answer.usage = response.usage;
  answer.drift = response.drift;
  answer.ended = true;
  return answer;
}

const FINISH: Readonly<Record<string, string>> = { STOP: 'stop', '1': 'stop', MAX_TOKENS: 'length', '2': 'length' };

/** The recording's raw usage in OpenAI's meaning, written down independently of the parser. */
function expectedUsage(raw: Record<string, unknown>): Record<string, number> {
  const n = (name: string): number => (typeof raw[name] === 'number' ? raw[name] : 0);
  const prompt = n('promptTokenCount') + n('toolUsePromptTokenCount');
  const completion = n('candidatesTokenCount') + n('thoughtsTokenCount');
  return { prompt, completion, total: prompt + completion, cached: n('cachedContentTokenCount'), reasoning: n('thoughtsTokenCount') };
}

function seenUsage(usage: Usage | undefined): Record<string, number> | undefined {
  if (usage === undefined) return undefined;
  return {
    prompt: promptTokens(usage),
    completion: completionTokens(usage),
    total: promptTokens(usage) + completionTokens(usage),
    cached: usage.cacheRead,
    reasoning: usage.reasoning,
  };
}

function compare(answer: Answer, exchange: Exchange): void {
  const expected = exchange.expect;
  if (expected === null) throw new Error('no expectation');
  const calls =
    STREAMED_ARGUMENTS[exchange.id] ?? (expected.toolCalls ?? []).map((call) => ({ name: call.name, arguments: JSON.parse(call.arguments) as unknown }));
  expect(answer).toMatchObject({ text: expected.text ?? '', reasoning: expected.reasoning ?? '', calls, failed: false, ended: true, drift: [] });
  expect(answer.finishes).toEqual([calls.length > 0 ? 'tool_calls' : FINISH[String(expected.finish)]]);
  expect(seenUsage(answer.usage)).toEqual(expectedUsage(expected.usage ?? {}));
  expect(answer.ids.every((id) => id !== '') && new Set(answer.ids).size === answer.ids.length).toBe(true);
}

function contextOf(exchange: Exchange): UpstreamRenderContext {
  const upstreamModel = /models\/([^:]+):/.exec(exchange.request.path)?.[1] ?? exchange.model;
  return { upstreamModel, reasons: false, modelFacts: { thoughtSignatures: 'optional' } };
}

const requestOf = (exchange: Exchange): unknown => exchange.request.body;
const hasRequest = (exchange: Exchange): boolean => typeof requestOf(exchange) === 'object' && requestOf(exchange) !== null;
const name = (exchange: Exchange): string => `${exchange.id} (${exchange.model})`;

let passed = 0;
function scored(check: () => void): () => void {
  return () => {
    check();
    passed += 1;
  };
}

(corpus === null ? describe.skip : describe)('recorded Gemini traffic', () => {
  const answered = exchanges.filter((exchange) => exchange.response.status === 200 && exchange.expect !== null);
  const broken = exchanges.filter((exchange) => exchange.response.status === 200 && exchange.expect === null);
  const refused = exchanges.filter((exchange) => exchange.response.status !== 200);
  const asStream = answered.filter((exchange) => exchange.response.wire === 'sse' || Array.isArray(exchange.response.body));
  const asWhole = answered.filter((exchange) => exchange.response.wire !== 'sse');

  afterAll(() =>
    process.stdout.write(
      `gemini-generate: ${passed} of ${asStream.length + asWhole.length + broken.length + refused.length + exchanges.filter(hasRequest).length} recorded checks\n`,
    ),
  );

  test.each(asStream.map((exchange) => [name(exchange), exchange] as const))('stream %s', (_, exchange) =>
    scored(() => {
      compare(streamed(exchange, [7, 1, 113, 3, 41]), exchange);
      compare(streamed(exchange, [Number.MAX_SAFE_INTEGER]), exchange);
    })(),
  );

  test.each(asWhole.map((exchange) => [name(exchange), exchange] as const))('answer %s', (_, exchange) => scored(() => compare(whole(exchange), exchange))());

  test.each(broken.map((exchange) => [name(exchange), exchange] as const))('broken stream %s', (_, exchange) =>
    scored(() => {
      const answer = streamed(exchange, [5, 2]);
      expect(answer).toMatchObject({ failed: true, ended: false });
    })(),
  );

  test.each(refused.map((exchange) => [name(exchange), exchange] as const))('error %s', (_, exchange) =>
    scored(() => {
      const facts = geminiGenerate.parseError(exchange.response.body);
      expect(facts?.message).not.toBe('');
      const failure = classifyUpstreamError(facts, { kind: 'http', status: exchange.response.status });
      const status = ERROR_CATALOGUE[failure.code].status;
      const credential = /API key not valid/.test(facts?.message ?? '') || exchange.response.status === 403;
      const expected = credential ? 502 : ({ 400: 400, 404: 502, 429: 429, 503: 503 } as Record<number, number>)[exchange.response.status];
      expect(status).toBe(expected);
      if (/RetryInfo/.test(JSON.stringify(exchange.response.body))) expect(failure.retryAfterMs).toBeGreaterThan(0);
    })(),
  );

  test.each(exchanges.filter(hasRequest).map((exchange) => [name(exchange), exchange] as const))(
    'request %s means the same after parse and render',
    (_, exchange) =>
      scored(() => {
        if (JSON.stringify(requestOf(exchange)).includes('invalid_role')) {
          expect(() => geminiGenerate.parseRequest(requestOf(exchange))).toThrow(GatewayError);
          return;
        }
        const parsed = geminiGenerate.parseRequest(requestOf(exchange));
        const rendered = geminiGenerate.renderRequest(parsed, contextOf(exchange));
        expect(rendered.report.filter((item) => item.action === 'dropped')).toEqual([]);
        const again = geminiGenerate.parseRequest(rendered.wire);
        expect(meaning(again)).toEqual(meaning(parsed));
        expect(geminiGenerate.renderRequest(again, contextOf(exchange)).wire).toEqual(rendered.wire);
      })(),
  );
});

/** Everything but what the URL says, how things were spelled, and pieces of text that say nothing. */
function meaning(request: ReturnType<typeof geminiGenerate.parseRequest>): unknown {
  const { model: _, wireNames: __, messages, ...rest } = request;
  const said = messages.map((message) => ({ ...message, parts: message.parts.filter((part) => part.type !== 'text' || part.text !== '') }));
  return JSON.parse(JSON.stringify({ ...rest, messages: said })) as unknown;
}
