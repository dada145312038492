import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { normaliseResponse, StreamNormaliser } from '../../src/core/chat/normalise-stream.js';
import { ResponseOfEvents } from '../../src/core/chat/response-of-events.js';
import type { StreamItem } from '../../src/core/chat/event.js';
import type { ChatRequest } from '../../src/core/chat/request.js';
import type { ChatResponse } from '../../src/core/chat/response.js';
import { completionTokens, NO_USAGE, promptTokens, type Usage } from '../../src/core/chat/usage.js';
import { classifyUpstreamError } from '../../src/core/errors/classify-upstream.js';
import { GatewayError } from '../../src/core/errors/gateway-error.js';
import type { UpstreamFailure } from '../../src/core/errors/upstream-failure.js';
import { scanBody, spliceBody } from '../../src/core/json/index.js';
import { openaiResponses } from '../../src/core/protocols/openai-responses/index.js';
import type { AnswerSummary, RenderContext } from '../../src/core/protocols/protocol.js';
import { eventsOfWire, grammarFaults, type WireEvent } from './openai-responses.grammar.js';

/**
 * Recorded traffic of real providers, read from beside the repository when it is there. What is compared is what a client must
 * get: text, reasoning, tool calls, finish, usage, refusal; and the same again after the answer was rendered (native and
 * translated) and read back.
 */
const CORPUS = join(__dirname, '../../../shared/corpus');
const present = existsSync(join(CORPUS, 'index.json'));
type Json = Record<string, unknown>;

interface Entry {
  id: string;
  file: string;
  api: string;
  status: number;
  features: string[];
}
interface Expectation {
  text?: string;
  reasoning?: string;
  refusal?: string;
  toolCalls?: { id: string; name: string; arguments: string }[];
  finish?: string;
  usage?: Json;
}
interface Exchange {
  request: { body?: unknown };
  response: { status: number; wire: string; body?: Json; sse?: string };
  expect?: Expectation;
}

const entries: Entry[] = present
  ? (JSON.parse(readFileSync(join(CORPUS, 'index.json'), 'utf8')) as { exchanges: Entry[] }).exchanges.filter((entry) => entry.api === 'openai.responses')
  : [];
const load = (entry: Entry): Exchange => JSON.parse(readFileSync(join(CORPUS, entry.file), 'utf8')) as Exchange;
const PARSE = { dialect: {}, choices: 1 };
const contextOf = (): RenderContext => ({
  requestId: 'req_1',
  responseId: 'resp_1',
  createdS: 1,
  model: 'public/model',
  includeUsage: true,
  reasoningField: 'reasoning_content',
});

function* pieces(bytes: Buffer): Generator<Buffer> {
  for (let at = 0, step = 1; at < bytes.length; at += step, step = (step * 7 + 3) % 61 || 5) yield bytes.subarray(at, at + step);
}

interface Read {
  response: ChatResponse;
  items: { item: StreamItem; native: boolean }[];
  failure?: UpstreamFailure;
  ended: boolean;
  drift: string[];
}

function readStream(text: string): Read {
  const gathered = new ResponseOfEvents();
  const normaliser = new StreamNormaliser('req_1');
  const read: Omit<Read, 'response'> = { items: [], ended: false, drift: [] };
  const parser = openaiResponses.createStreamParser((item) => {
    const normal = normaliser.push(item);
    read.items.push(normal);
    for (const event of normal.item.events) {
      gathered.push(event);
      if (event.type === 'error') read.failure = event.failure;
      if (event.type === 'end') read.ended = true;
      if (event.type === 'drift') read.drift.push(event.what);
    }
  }, PARSE);
  for (const piece of pieces(Buffer.from(text))) parser.push(piece);
  parser.end();
  return { ...read, response: gathered.response() };
}

const summaryOf = (usage: Usage | undefined): AnswerSummary => ({ usage: usage ?? NO_USAGE, estimated: usage === undefined, costUsd: '0.000001' });
const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
};

function factsOf(response: ChatResponse) {
  const [choice] = response.choices;
  const of = (type: 'text' | 'reasoning' | 'refusal') => (choice?.parts ?? []).map((part) => (part.type === type ? part.text : '')).join('');
  const toolCalls = (choice?.parts ?? []).filter((part) => part.type === 'tool-call').map((part) => [part.id, part.name, parsed(part.arguments)]);
  const proofs = (choice?.parts ?? []).flatMap((part) => (part.type === 'reasoning' && part.encrypted !== undefined ? [part.encrypted] : []));
  const opaque = (choice?.parts ?? []).filter((part) => part.type === 'opaque').map((part) => part.value);
  return { text: of('text'), reasoning: of('reasoning'), refusal: of('refusal'), toolCalls, finish: choice?.finish, proofs, opaque };
}

function expectedUsage(usage: Json) {
  const details = (usage['input_tokens_details'] ?? {}) as Json;
  const made = (usage['output_tokens_details'] ?? {}) as Json;
  return {
    input: usage['input_tokens'] ?? usage['prompt_tokens'],
    output: usage['output_tokens'] ?? usage['completion_tokens'],
    cached: details['cached_tokens'] ?? 0,
    reasoning: made['reasoning_tokens'] ?? 0,
  };
}

function compare(id: string, response: ChatResponse, expected: Expectation): string[] {
  const facts = factsOf(response);
  const misses: string[] = [];
  const check = (what: string, got: unknown, wanted: unknown) => {
    if (JSON.stringify(got) !== JSON.stringify(wanted)) {
      misses.push(`${id} ${what}: got ${JSON.stringify(got)?.slice(0, 160)}, expected ${JSON.stringify(wanted)?.slice(0, 160)}`);
    }
  };
  // A chat completion at this address has no items: the recording's decoding found nothing in it.
  if (expected.finish !== undefined) {
    check('text', facts.text, expected.text ?? '');
    check('reasoning', facts.reasoning, expected.reasoning ?? '');
    check('refusal', facts.refusal, expected.refusal ?? '');
    check('finish', facts.finish, (expected.toolCalls?.length ?? 0) > 0 ? 'tool_calls' : 'stop');
    check(
      'toolCalls',
      facts.toolCalls,
      (expected.toolCalls ?? []).map((call) => [call.id, call.name, parsed(call.arguments)]),
    );
  } else if (facts.text === '') misses.push(`${id}: no text`);
  const { usage } = response;
  const got = usage && { input: promptTokens(usage), output: completionTokens(usage), cached: usage.cacheRead, reasoning: usage.reasoning };
  if (expected.usage !== undefined) check('usage', got, expectedUsage(expected.usage));
  return misses;
}

const again = (response: ChatResponse): string => JSON.stringify(factsOf(response));

function streamMisses(entry: Entry, exchange: Exchange): string[] {
  const read = readStream(exchange.response.sse ?? '');
  if (entry.features.includes('stream_error')) return read.failure?.message && !read.ended ? [] : [`${entry.id}: no error for a stream that failed`];
  if (read.failure !== undefined || !read.ended) return [`${entry.id}: ${read.failure?.message ?? 'no end'}`];
  const misses = compare(entry.id, read.response, exchange.expect ?? {});
  misses.push(...read.drift.map((what) => `${entry.id}: drift ${what}`));
  for (const native of [true, false]) {
    const renderer = openaiResponses.createStreamRenderer(contextOf());
    const items = native ? read.items : read.items.map(({ item }) => ({ item: { events: item.events }, native: false }));
    const text = items.map(({ item, native: intact }) => renderer.render(item, intact)).join('') + renderer.finish(summaryOf(read.response.usage));
    const events = eventsOfWire(text);
    const lane = native ? 'native' : 'rebuilt';
    misses.push(...grammarFaults(events, { native, id: 'resp_1', model: 'public/model' }).map((fault) => `${entry.id} ${lane}: ${fault}`));
    const second = readStream(text);
    if (again(second.response) !== again(read.response))
      misses.push(`${entry.id} ${lane}: ${again(second.response).slice(0, 400)} instead of ${again(read.response).slice(0, 400)}`);
    if (read.response.usage !== undefined && promptTokens(second.response.usage ?? NO_USAGE) !== promptTokens(read.response.usage))
      misses.push(`${entry.id}: usage lost`);
    if (native) misses.push(...lostMembers(entry.id, exchange.response.sse ?? '', events));
  }
  return misses;
}

/** In the native lane every event but the first response's and the last one's is what it was. */
function lostMembers(id: string, sse: string, events: readonly WireEvent[]): string[] {
  const before = eventsOfWire(sse).filter((event) => event.data['response'] === undefined);
  const after = events.filter((event) => event.data['response'] === undefined);
  const bare = (list: readonly WireEvent[]) => list.map(({ data }) => JSON.stringify(Object.entries({ ...data, sequence_number: 0 }).sort()));
  const [wanted, got] = [bare(before), bare(after)];
  return wanted.length === got.length && wanted.every((text, at) => text === got[at]) ? [] : [`${id} native: events differ`];
}

function jsonMisses(entry: Entry, exchange: Exchange): string[] {
  const body = exchange.response.body as Json;
  const response = normaliseResponse(openaiResponses.parseResponse(body, PARSE), 'req_1');
  const misses = compare(entry.id, response, exchange.expect ?? {});
  misses.push(...response.drift.map((what) => `${entry.id}: drift ${what}`));
  const summary = summaryOf(response.usage);
  const rendered = openaiResponses.renderResponse(response, contextOf(), summary);
  const native = openaiResponses.renderNativeResponse(body, contextOf(), summary, response);
  for (const wire of [rendered, native]) {
    const second = openaiResponses.parseResponse(wire, PARSE);
    if (again(second) !== again(response)) misses.push(`${entry.id}: rendered ${again(second).slice(0, 300)} instead of ${again(response).slice(0, 300)}`);
  }
  const ours = new Set(['id', 'object', 'created_at', 'model', 'usage', 'og']);
  if (Array.isArray(body['output'])) {
    for (const [name, value] of Object.entries(body)) {
      if (!ours.has(name) && JSON.stringify(native[name]) !== JSON.stringify(value)) misses.push(`${entry.id} native: ${name} differs`);
    }
  }
  return misses;
}

function errorMisses(entry: Entry, { response }: Exchange): string[] {
  const facts = openaiResponses.parseError(response.body);
  if (facts === null || facts.message === '') return [`${entry.id}: no message was read from the error`];
  const failure = classifyUpstreamError(facts, { kind: 'http', status: response.status });
  const wanted = response.status === 401 || /api key/i.test(facts.message) ? 'upstream_auth_failed' : undefined;
  return wanted !== undefined && failure.code !== wanted ? [`${entry.id}: ${failure.code}`] : [];
}

function responseMisses(entry: Entry, exchange: Exchange): string[] {
  if (exchange.response.status >= 400) return errorMisses(entry, exchange);
  return exchange.response.wire === 'sse' ? streamMisses(entry, exchange) : jsonMisses(entry, exchange);
}

/** What a request means: everything canonical but names, and what only the native lane can say. */
function meaning({ extra: _extra, wireNames: _names, store, tools, ...rest }: ChatRequest): string {
  const plain = tools.map((tool) => (tool.type === 'function' ? { ...tool, strict: tool.strict ?? false, parameters: tool.parameters ?? {} } : tool));
  const messages = rest.messages.map((message) => ({
    ...message,
    // Thoughts without proof, and under ids of the provider's own, are replayed only where they can be believed.
    parts: message.parts.filter((part) => part.type !== 'reasoning' || part.encrypted !== undefined || part.id !== undefined),
  }));
  return JSON.stringify({
    ...rest,
    messages,
    store: store ?? false,
    tools: plain,
    model: '',
    reasoning: rest.reasoning && { ...rest.reasoning, summary: 'auto' },
  });
}

function requestMisses(entry: Entry, exchange: Exchange): string[] {
  const recorded = exchange.request.body;
  if (typeof recorded !== 'object' || recorded === null || entry.status >= 400) return [];
  const scanned = scanBody(Buffer.from(JSON.stringify(recorded)));
  try {
    const request = openaiResponses.parseRequest(scanned.value);
    const context = { upstreamModel: 'upstream', reasons: true, modelFacts: {} };
    const native = openaiResponses.renderNativeRequest(scanned.value, request, context);
    const sent = spliceBody(scanned, native.wire).toString();
    const wanted = JSON.stringify({ ...recorded, model: 'upstream' });
    const misses = sent === wanted ? [] : [`${entry.id}: the forwarded request differs`];
    const second = openaiResponses.parseRequest(openaiResponses.renderRequest(request, context).wire);
    if (meaning(second) !== meaning(request)) misses.push(`${entry.id}: ${meaning(second).slice(0, 600)} instead of ${meaning(request).slice(0, 600)}`);
    return misses;
  } catch (error) {
    if (error instanceof GatewayError) return [`${entry.id}: request refused: ${error.message}`];
    throw error;
  }
}

(present ? describe : describe.skip)('openai-responses against recorded traffic (the corpus stands beside the repository)', () => {
  it('reads every recorded answer as recorded, and renders it so that it reads the same', () => {
    const misses = entries.flatMap((entry) => responseMisses(entry, load(entry)));
    const missed = new Set(misses.map((miss) => miss.split(/[ :]/)[0]));
    process.stdout.write(`openai-responses corpus: ${entries.length - missed.size} of ${entries.length} exchanges as recorded\n`);
    expect(misses).toEqual([]);
  });

  it('takes every recorded request that its provider took, forwards it whole, and renders it in the same meaning', () => {
    const misses = entries.flatMap((entry) => requestMisses(entry, load(entry)));
    expect(misses).toEqual([]);
  });
});
