import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { normaliseResponse, StreamNormaliser } from '../../src/core/chat/normalise-stream.js';
import { ResponseOfEvents } from '../../src/core/chat/response-of-events.js';
import type { StreamItem } from '../../src/core/chat/event.js';
import type { ChatResponse } from '../../src/core/chat/response.js';
import { completionTokens, NO_USAGE, promptTokens, type Usage } from '../../src/core/chat/usage.js';
import { GatewayError } from '../../src/core/errors/gateway-error.js';
import type { UpstreamFailure } from '../../src/core/errors/upstream-failure.js';
import { scanBody, spliceBody } from '../../src/core/json/index.js';
import type { ResponseDialect } from '../../src/core/protocols/dialect.js';
import { openaiChat } from '../../src/core/protocols/openai-chat/index.js';
import { UnreadableAnswer, type AnswerSummary, type RenderContext } from '../../src/core/protocols/protocol.js';

/**
 * Recorded traffic of real providers, read from beside the repository when it is there. What is compared is what a client
 * must get: text, reasoning, tool calls, finish, usage in OpenAI's meaning, refusal; and the same again after the answer was
 * rendered (native and translated) and read back.
 */
const CORPUS = join(__dirname, '../../../shared/corpus');
const present = existsSync(join(CORPUS, 'index.json'));

/** Deviations of the answers, as provider definitions state them. */
const DIALECTS: Readonly<Record<string, ResponseDialect>> = {
  xai: { usageSemantics: { completionIncludesReasoning: false } },
};

interface Entry {
  id: string;
  file: string;
  provider: string;
  status: number;
  expect: boolean;
  features: string[];
}
interface Expectation {
  choices?: number;
  text?: string;
  reasoning?: string;
  toolCalls?: { id?: string; name: string; arguments: string }[];
  finish?: string;
  usage?: Record<string, unknown>;
  refusal?: string;
}
interface Exchange {
  request: { body?: unknown };
  response: { status: number; wire: string; body?: unknown; sse?: string; text?: string };
  expect?: Expectation;
}

const entries: Entry[] = present
  ? (JSON.parse(readFileSync(join(CORPUS, 'index.json'), 'utf8')) as { exchanges: (Entry & { api: string })[] }).exchanges.filter(
      (entry) => entry.api === 'openai.chat',
    )
  : [];
const load = (entry: Entry): Exchange => JSON.parse(readFileSync(join(CORPUS, entry.file), 'utf8')) as Exchange;

const CONTEXT: RenderContext = {
  requestId: 'req_1',
  responseId: 'chatcmpl-1',
  createdS: 1,
  model: 'public/model',
  includeUsage: true,
  reasoningField: 'reasoning_content',
};

/** Sizes that fall on no boundary of anything. */
function* pieces(bytes: Buffer): Generator<Buffer> {
  for (let at = 0, step = 1; at < bytes.length; at += step, step = (step * 7 + 3) % 61 || 5) yield bytes.subarray(at, at + step);
}

interface Read {
  response?: ChatResponse;
  items: { item: StreamItem; native: boolean }[];
  failure?: UpstreamFailure;
  ended: boolean;
}

function readStream(text: string, dialect: ResponseDialect): Read {
  const read: Read = { items: [], ended: false };
  const gathered = new ResponseOfEvents();
  const normaliser = new StreamNormaliser('req_1');
  const parser = openaiChat.createStreamParser(
    (item) => {
      const normal = normaliser.push(item);
      read.items.push(normal);
      for (const event of normal.item.events) {
        gathered.push(event);
        if (event.type === 'error') read.failure = event.failure;
        if (event.type === 'end') read.ended = true;
      }
    },
    { dialect, choices: 1 },
  );
  for (const piece of pieces(Buffer.from(text))) parser.push(piece);
  parser.end();
  read.response = gathered.response();
  return read;
}

function summaryOf(usage: Usage | undefined): AnswerSummary {
  return { usage: usage ?? NO_USAGE, estimated: usage === undefined, costUsd: '0.000001', og: { provider: 'p' } };
}

/** The facts of choice 0, as the expectation has them. */
function factsOf(response: ChatResponse) {
  const [choice] = response.choices;
  const of = (type: 'text' | 'reasoning' | 'refusal') => (choice?.parts ?? []).map((part) => (part.type === type ? part.text : '')).join('');
  const toolCalls = (choice?.parts ?? [])
    .filter((part) => part.type === 'tool-call')
    .map((part) => ({ id: part.id, name: part.name, arguments: part.arguments }));
  return { text: of('text'), reasoning: of('reasoning'), refusal: of('refusal'), toolCalls, finish: choice?.finish };
}

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
};

/** `eos` and the like in OpenAI's words; `stop` with tool calls is `tool_calls`. */
function expectedFinish(expected: Expectation): string | undefined {
  const raw = expected.finish === 'eos' ? 'stop' : expected.finish;
  return raw === 'stop' && (expected.toolCalls?.length ?? 0) > 0 ? 'tool_calls' : raw;
}

/** OpenAI's meaning from the provider's own numbers: completion includes reasoning, prompt includes audio. */
function expectedUsage(provider: string, usage: Record<string, unknown>) {
  const number = (value: unknown) => (typeof value === 'number' ? value : 0);
  const details = (usage['prompt_tokens_details'] ?? {}) as Record<string, unknown>;
  const made = (usage['completion_tokens_details'] ?? {}) as Record<string, unknown>;
  const total = number(usage['total_tokens']);
  let prompt = number(usage['prompt_tokens']);
  let completion = number(usage['completion_tokens']);
  if (provider === 'xai') completion += number(made['reasoning_tokens']);
  // Mistral's voxtral counts sound beside the prompt: only the total adds up.
  if (prompt + completion + number(details['audio_tokens']) === total) prompt += number(details['audio_tokens']);
  const cached = number(details['cached_tokens'] ?? usage['prompt_cache_hit_tokens'] ?? usage['cached_tokens']);
  // Grok at Azure AI counts its cached system prompt beside the prompt.
  if (cached > prompt) prompt += cached;
  return { prompt, completion, total: prompt + completion, cached };
}

function compare(id: string, provider: string, response: ChatResponse, expected: Expectation): string[] {
  const facts = factsOf(response);
  const misses: string[] = [];
  const check = (what: string, got: unknown, wanted: unknown) => {
    if (JSON.stringify(got) !== JSON.stringify(wanted))
      misses.push(`${id} ${what}: got ${JSON.stringify(got)?.slice(0, 120)}, expected ${JSON.stringify(wanted)?.slice(0, 120)}`);
  };
  check('text', facts.text, expected.text ?? '');
  check('reasoning', facts.reasoning, expected.reasoning ?? '');
  check('refusal', facts.refusal, expected.refusal ?? '');
  check('finish', facts.finish, expectedFinish(expected));
  check(
    'toolCalls',
    facts.toolCalls.map((call) => [call.name, parsed(call.arguments)]),
    (expected.toolCalls ?? []).map((call) => [call.name, parsed(call.arguments)]),
  );
  if (facts.toolCalls.some((call) => call.id === '')) misses.push(`${id} a tool call has no id`);
  if (expected.usage !== undefined) {
    const { usage } = response;
    const got =
      usage === undefined
        ? undefined
        : { prompt: promptTokens(usage), completion: completionTokens(usage), total: promptTokens(usage) + completionTokens(usage), cached: usage.cacheRead };
    check('usage', got, expectedUsage(provider, expected.usage));
  }
  return misses;
}

/** Everything but numbering that may differ: what a second reading must give again. */
function again(response: ChatResponse) {
  return { ...factsOf(response), choices: response.choices.length };
}

function streamMisses(entry: Entry, exchange: Exchange): string[] {
  const dialect = DIALECTS[entry.provider] ?? {};
  const read = readStream(exchange.response.sse ?? '', dialect);
  if (entry.features.includes('stream_error') || entry.features.includes('truncated_stream')) {
    return read.failure !== undefined && !read.ended ? [] : [`${entry.id}: no error for a stream that broke`];
  }
  if (read.failure !== undefined) return [`${entry.id}: ${read.failure.message}`];
  const response = read.response as ChatResponse;
  const misses = exchange.expect === undefined ? [] : compare(entry.id, entry.provider, response, exchange.expect);
  for (const native of [true, false]) {
    const renderer = openaiChat.createStreamRenderer(CONTEXT);
    const text = read.items.map(({ item, native: intact }) => renderer.render(item, native && intact)).join('') + renderer.finish(summaryOf(response.usage));
    misses.push(...frameFaults(entry.id, text));
    const second = readStream(text, {});
    if (!second.ended) misses.push(`${entry.id}: the rendered stream has no end`);
    const [got, wanted] = [again(second.response as ChatResponse), again(response)];
    if (JSON.stringify(got) !== JSON.stringify(wanted))
      misses.push(`${entry.id} ${native ? 'native' : 'rebuilt'}: ${JSON.stringify(got).slice(0, 300)} instead of ${JSON.stringify(wanted).slice(0, 300)}`);
    if (response.usage !== undefined && promptTokens(second.response?.usage ?? NO_USAGE) !== promptTokens(response.usage))
      misses.push(`${entry.id}: usage lost`);
  }
  return misses;
}

/** api-conventions 38 and 39. */
function frameFaults(id: string, text: string): string[] {
  if (!text.endsWith('data: [DONE]\n\n')) return [`${id}: no [DONE]`];
  const frames = text
    .split('\n\n')
    .slice(0, -2)
    .map((frame) => JSON.parse(frame.slice('data: '.length)) as Record<string, unknown>);
  const last = frames.at(-1) as Record<string, unknown>;
  const chunks = frames.slice(0, -1);
  const faults: string[] = [];
  if ((last['choices'] as unknown[]).length !== 0 || last['usage'] === null) faults.push('no final usage chunk');
  if (chunks.some((chunk) => (chunk['choices'] as unknown[]).length === 0 || chunk['usage'] !== null)) faults.push('a chunk without choice, or with usage');
  if (
    frames.some(
      (chunk) =>
        chunk['id'] !== CONTEXT.responseId || chunk['created'] !== 1 || chunk['model'] !== CONTEXT.model || chunk['object'] !== 'chat.completion.chunk',
    )
  )
    faults.push('identity differs');
  const choices = chunks.flatMap((chunk) => chunk['choices'] as { index: number; delta: { role?: string }; finish_reason: string | null }[]);
  for (const index of new Set(choices.map((choice) => choice.index))) {
    const own = choices.filter((choice) => choice.index === index);
    if (own[0]?.delta.role !== 'assistant') faults.push('the first delta has no role');
    if (own.filter((choice) => (choice.finish_reason ?? null) !== null).length !== 1) faults.push('not exactly one finish');
  }
  return faults.map((fault) => `${id}: ${fault}`);
}

function jsonMisses(entry: Entry, exchange: Exchange): string[] {
  const dialect = DIALECTS[entry.provider] ?? {};
  const body = exchange.response.body as Record<string, unknown>;
  if (entry.features.includes('error_in_200') || exchange.expect?.choices === 0) {
    return refusedAsError(body) ? [] : [`${entry.id}: the error inside the 200 was not seen`];
  }
  const response = normaliseResponse(openaiChat.parseResponse(body, { dialect, choices: 1 }), 'req_1');
  const misses = exchange.expect === undefined ? [] : compare(entry.id, entry.provider, response, exchange.expect);
  const rendered = openaiChat.renderResponse(response, CONTEXT, summaryOf(response.usage));
  const native = openaiChat.renderNativeResponse(body, CONTEXT, summaryOf(response.usage), response);
  for (const wire of [rendered, native]) {
    const second = openaiChat.parseResponse(wire, { dialect: {}, choices: 1 });
    if (JSON.stringify(again(second)) !== JSON.stringify(again(response))) misses.push(`${entry.id}: rendered ${JSON.stringify(again(second)).slice(0, 300)}`);
  }
  return misses;
}

function refusedAsError(body: unknown): boolean {
  try {
    openaiChat.parseResponse(body, { dialect: {}, choices: 1 });
    return false;
  } catch (error) {
    return error instanceof UnreadableAnswer && error.facts !== null && error.facts.message !== '';
  }
}

function responseMisses(entry: Entry, exchange: Exchange): string[] {
  const { wire, status, body, text } = exchange.response;
  if (status >= 400) {
    const facts = openaiChat.parseError(wire === 'json' ? body : text);
    return facts === null || facts.message === '' ? [`${entry.id}: no message was read from the error`] : [];
  }
  return wire === 'sse' ? streamMisses(entry, exchange) : jsonMisses(entry, exchange);
}

/** A recorded request that the provider took must be taken, and forwarded in the native lane with nothing else changed. */
function requestMisses(entry: Entry, exchange: Exchange): string[] {
  const recorded = exchange.request.body;
  if (typeof recorded !== 'object' || recorded === null || entry.status >= 400) return [];
  const scanned = scanBody(Buffer.from(JSON.stringify(recorded)));
  try {
    const request = openaiChat.parseRequest(scanned.value);
    const context = { upstreamModel: 'upstream', reasons: true, modelFacts: {} };
    const native = openaiChat.renderNativeRequest(scanned.value, request, context);
    const sent = JSON.parse(spliceBody(scanned, native.wire).toString()) as Record<string, unknown>;
    const wanted = { ...recorded, model: 'upstream', ...(request.stream ? { stream_options: { include_usage: true } } : {}) };
    const misses =
      JSON.stringify(Object.entries(sent).sort()) === JSON.stringify(Object.entries(wanted).sort()) ? [] : [`${entry.id}: the forwarded request differs`];
    const second = openaiChat.parseRequest(openaiChat.renderRequest(request, context).wire);
    return second.messages.length >= request.messages.length ? misses : [...misses, `${entry.id}: messages were lost in rendering`];
  } catch (error) {
    if (error instanceof GatewayError) return [`${entry.id}: request refused: ${error.message}`];
    throw error;
  }
}

(present ? describe : describe.skip)('openai-chat against recorded traffic (the corpus stands beside the repository)', () => {
  it('reads every recorded answer as recorded, and renders it so that it reads the same', () => {
    const misses = entries.flatMap((entry) => responseMisses(entry, load(entry)));
    const missed = new Set(misses.map((miss) => miss.split(/[ :]/)[0]));
    process.stdout.write(`openai-chat corpus: ${entries.length - missed.size} of ${entries.length} exchanges as recorded\n`);
    expect(misses).toEqual([]);
  });

  it('takes every recorded request that its provider took', () => {
    const misses = entries.flatMap((entry) => requestMisses(entry, load(entry)));
    expect(misses).toEqual([]);
  });
});
