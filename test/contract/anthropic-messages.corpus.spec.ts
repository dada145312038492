import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { ChatEvent, StreamItem } from '../../src/core/chat/event.js';
import type { Part } from '../../src/core/chat/message.js';
import type { ChatResponse } from '../../src/core/chat/response.js';
import { completionTokens, NO_USAGE, promptTokens, type Usage } from '../../src/core/chat/usage.js';
import { classifyUpstreamError } from '../../src/core/errors/classify-upstream.js';
import { GatewayError } from '../../src/core/errors/gateway-error.js';
import { anthropicMessages } from '../../src/core/protocols/anthropic-messages/index.js';
import type { ParseContext, RenderContext, UpstreamRenderContext } from '../../src/core/protocols/protocol.js';

/** Recorded traffic of real providers, when it lies beside the checkout (`OG_CORPUS` names another place). Nothing of it is in this project. */
const CORPUS = process.env['OG_CORPUS'] ?? join(process.cwd(), '..', 'shared', 'corpus');
const present = existsSync(join(CORPUS, 'index.json'));

type Json = Record<string, unknown>;
interface Expectation {
  text?: string;
  reasoning?: string;
  toolCalls?: { id: string; name: string; arguments: string }[];
  finish?: string;
  usage?: Json;
  stopSequence?: string;
}
interface Exchange {
  id: string;
  stream: boolean;
  request: { body: Json | null };
  response: { status: number; wire: string; body?: Json; sse?: string };
  expect?: Expectation | null;
}

const exchanges: Exchange[] = present
  ? (JSON.parse(readFileSync(join(CORPUS, 'index.json'), 'utf8')) as { exchanges: { api: string; file: string }[] }).exchanges
      .filter((entry) => entry.api === 'anthropic.messages')
      .map((entry) => JSON.parse(readFileSync(join(CORPUS, entry.file), 'utf8')) as Exchange)
  : [];
/** Recordings whose request Anthropic itself refused for its shape. */
const REFUSED = new Set(['anthropic.messages.a212d9fe1a']);

const PARSE: ParseContext = { dialect: {}, choices: 1 };
const RENDER: RenderContext = {
  requestId: 'req_1',
  responseId: 'msg_ours',
  createdS: 1,
  model: 'public/model',
  includeUsage: true,
  reasoningField: 'reasoning_content',
};
const upstream = (more: Partial<UpstreamRenderContext> = {}): UpstreamRenderContext => ({ upstreamModel: 'up', reasons: true, modelFacts: {}, ...more });

interface Answer {
  text: string;
  reasoning: string;
  calls: { id: string; name: string; arguments: unknown }[];
  finish: string[];
  stopSequence: string | null;
  usage: Usage | undefined;
  ended: boolean;
  error: string | null;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function ofEvents(events: readonly ChatEvent[]): Answer {
  const answer: Answer = { text: '', reasoning: '', calls: [], finish: [], stopSequence: null, usage: undefined, ended: false, error: null };
  const argumentsText: string[] = [];
  for (const event of events) {
    if (event.type === 'text-delta') answer.text += event.text;
    else if (event.type === 'reasoning-delta') answer.reasoning += event.text;
    else if (event.type === 'tool-call-start') answer.calls[event.index] = { id: event.id, name: event.name, arguments: '' };
    else if (event.type === 'tool-call-delta') argumentsText[event.index] = (argumentsText[event.index] ?? '') + event.argumentsText;
    else if (event.type === 'usage') answer.usage = event.usage;
    else if (event.type === 'finish') {
      answer.finish.push(event.reason);
      answer.stopSequence = event.stopSequence ?? null;
    } else if (event.type === 'end') answer.ended = true;
    else if (event.type === 'error') answer.error = event.failure.code;
  }
  answer.calls.forEach((call, index) => (call.arguments = parseJson(argumentsText[index] ?? '')));
  return answer;
}

function ofResponse(response: ChatResponse): Answer {
  const choice = response.choices[0];
  const parts = choice?.parts ?? [];
  const texts = (type: 'text' | 'reasoning') => parts.map((part: Part) => (part.type === type ? part.text : '')).join('');
  return {
    text: texts('text'),
    reasoning: texts('reasoning'),
    calls: parts.flatMap((part) => (part.type === 'tool-call' ? [{ id: part.id, name: part.name, arguments: parseJson(part.arguments) }] : [])),
    finish: choice === undefined ? [] : [choice.finish],
    stopSequence: choice?.stopSequence ?? null,
    usage: response.usage,
    ended: true,
    error: null,
  };
}

/** Pieces of odd sizes that cut lines and UTF-8 sequences. */
function pieces(text: string): Uint8Array[] {
  const bytes = Buffer.from(text);
  const out: Uint8Array[] = [];
  for (let at = 0, step = 1; at < bytes.length; at += step, step = (step * 7 + 3) % 61 || 1) out.push(bytes.subarray(at, at + step));
  return out;
}

function parseStream(sse: string): StreamItem[] {
  const items: StreamItem[] = [];
  const parser = anthropicMessages.createStreamParser((item) => items.push(item), PARSE);
  for (const piece of pieces(sse)) parser.push(piece);
  parser.end();
  return items;
}

function answerOf(exchange: Exchange): Answer {
  if (exchange.response.wire === 'sse') return ofEvents(parseStream(exchange.response.sse ?? '').flatMap((item) => item.events));
  return ofResponse(anthropicMessages.parseResponse(exchange.response.body, PARSE));
}

/** The recording's own words, in OpenAI's vocabulary and meaning: computed here independently of the code under test. */
const FINISH: Record<string, string> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  pause_turn: 'stop',
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  tool_use: 'tool_calls',
  refusal: 'content_filter',
};
const count = (usage: Json, key: string): number => Number(usage[key] ?? 0);

function expectedUsage(usage: Json): Json {
  const prompt = count(usage, 'input_tokens') + count(usage, 'cache_read_input_tokens') + count(usage, 'cache_creation_input_tokens');
  const details = (usage['output_tokens_details'] ?? {}) as Json;
  return { prompt, completion: count(usage, 'output_tokens'), cached: count(usage, 'cache_read_input_tokens'), reasoning: count(details, 'thinking_tokens') };
}

function usageOf(usage: Usage | undefined): Json | undefined {
  return usage && { prompt: promptTokens(usage), completion: completionTokens(usage), cached: usage.cacheRead, reasoning: usage.reasoning };
}

function missesOf(answer: Answer, expected: Expectation): string[] {
  const checks: [string, unknown, unknown][] = [
    ['text', answer.text, expected.text ?? ''],
    ['reasoning', answer.reasoning, expected.reasoning ?? ''],
    ['tool calls', answer.calls, (expected.toolCalls ?? []).map((call) => ({ id: call.id, name: call.name, arguments: parseJson(call.arguments) }))],
    ['finish', answer.finish, [FINISH[expected.finish ?? ''] ?? `unmapped ${String(expected.finish)}`]],
    ['usage', usageOf(answer.usage), expectedUsage(expected.usage ?? {})],
    ['stop sequence', answer.stopSequence, expected.stopSequence ?? null],
    ['end', answer.ended, true],
    ['error', answer.error, null],
  ];
  return checks
    .filter(([, got, wanted]) => !isDeepStrictEqual(got, wanted))
    .map(([what, got, wanted]) => `${what}: got ${JSON.stringify(got)}, wanted ${JSON.stringify(wanted)}`);
}

/** One line of score per subject, and every miss with its reason. */
function score(subject: string, misses: Map<string, string[]>, total: number): void {
  const lines = [...misses].map(([id, why]) => `\n  ${id}: ${why.join('; ').slice(0, 600)}`);
  process.stdout.write(`anthropic-messages corpus, ${subject}: ${total - misses.size}/${total}${lines.join('')}\n`);
  expect(misses).toEqual(new Map());
}

function examine(list: readonly Exchange[], judge: (exchange: Exchange) => string[]): Map<string, string[]> {
  const misses = new Map<string, string[]>();
  for (const exchange of list) {
    let why: string[];
    try {
      why = judge(exchange);
    } catch (error) {
      why = [String(error)];
    }
    if (why.length > 0) misses.set(exchange.id, why);
  }
  return misses;
}

/** What two requests must share to mean the same: defaults, nulls and empty text left out, one text block as a string. */
function meaning(wire: Json): Json {
  const out = normal(wire) as Json;
  const choice = out['tool_choice'] as Json | undefined;
  if (choice?.['disable_parallel_tool_use'] === false) delete choice['disable_parallel_tool_use'];
  if (out['stream'] === false) delete out['stream'];
  if (out['output_format'] !== undefined) {
    out['output_config'] = { ...((out['output_config'] ?? {}) as Json), format: out['output_format'] };
    delete out['output_format'];
  }
  delete out['model'];
  return out;
}

function normal(value: unknown): unknown {
  if (Array.isArray(value)) {
    const kept = value.filter((item) => !((item as Json | null)?.['type'] === 'text' && String((item as Json)['text']).trim() === ''));
    const [only] = kept as Json[];
    if (kept.length === 1 && only?.['type'] === 'text' && Object.keys(only).length === 2) return only['text'];
    return kept.map(normal);
  }
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(
    ([key, member]) => member !== null && member !== undefined && !DEFAULTS.some(([name, usual]) => key === name && member === usual),
  );
  const object = Object.fromEntries(entries.map(([key, member]) => [key, normal(member)]));
  // A tool's input is an object whether its schema says so or not; Anthropic wants it said.
  if (typeof object['input_schema'] === 'object') object['input_schema'] = { type: 'object', ...object['input_schema'] };
  return object;
}

/** Members that say nothing when they have this value. */
const DEFAULTS: readonly [string, unknown][] = [
  ['type', 'custom'],
  ['is_error', false],
  ['strict', false],
  ['description', ''],
];

function factsFor(body: Json): UpstreamRenderContext {
  const thinking = (body['thinking'] as Json | undefined)?.['type'] === 'adaptive' ? 'adaptive' : 'budget';
  return upstream({ modelFacts: { thinking, structured_output: true, sampling: true, system_messages: true } });
}

const ifPresent = present ? describe : describe.skip;

ifPresent('Anthropic Messages: every recorded exchange', () => {
  const withBody = exchanges.filter((exchange) => exchange.request.body !== null);
  const requests = withBody.filter((exchange) => !REFUSED.has(exchange.id));
  const answers = exchanges.filter((exchange) => exchange.expect !== null && exchange.expect !== undefined);
  const errors = exchanges.filter((exchange) => exchange.response.status !== 200);
  const streams = answers.filter((exchange) => exchange.response.wire === 'sse');

  it('requests parse, and the native lane changes nothing but the model', () => {
    const misses = examine(requests, ({ request }) => {
      const body = request.body as Json;
      const before = JSON.stringify(body);
      const { wire, report } = anthropicMessages.renderNativeRequest(body, anthropicMessages.parseRequest(body), upstream());
      const changed = Object.keys({ ...body, ...wire }).filter((key) => wire[key] !== body[key] && key !== 'model');
      return [...changed, ...(report.length > 0 ? ['report'] : []), ...(JSON.stringify(body) === before && wire['model'] === 'up' ? [] : ['mutated'])];
    });
    score('native requests', misses, requests.length);
  });

  it('a request Anthropic refused for its shape is refused here, naming the path', () => {
    for (const exchange of withBody.filter(({ id }) => REFUSED.has(id))) {
      expect(() => anthropicMessages.parseRequest(exchange.request.body)).toThrow(GatewayError);
    }
  });

  it('requests translated and rendered again mean the same', () => {
    const misses = examine(requests, ({ request }) => {
      const body = request.body as Json;
      const canonical = anthropicMessages.parseRequest(body);
      const { wire, report } = anthropicMessages.renderRequest(canonical, factsFor(body));
      const expected = meaning(body);
      // Members that only this protocol knows are reported, never lost in silence.
      for (const item of report.filter((entry) => entry.action === 'dropped')) delete expected[item.parameter];
      const got = meaning(wire);
      const temperature = expected['temperature'];
      if (typeof temperature === 'number' && temperature < 0) expected['temperature'] = 0;
      const tightened = report.some((entry) => entry.detail?.startsWith('schema narrowed'));
      if (tightened) return closedOnly(expected['output_config'], got['output_config']);
      return Object.keys({ ...expected, ...got }).flatMap((key) =>
        isDeepStrictEqual(got[key], expected[key]) ? [] : [`${key}: got ${JSON.stringify(got[key])}, wanted ${JSON.stringify(expected[key])}`],
      );
    });
    score('translated requests', misses, requests.length);
  });

  it('answers: text, reasoning, tool calls, finish, usage', () => {
    score(
      'answers',
      examine(answers, (exchange) => missesOf(answerOf(exchange), exchange.expect as Expectation)),
      answers.length,
    );
  });

  it('errors: facts, status and code of the contract', () => {
    const wanted: Record<number, string> = {
      401: 'upstream_auth_failed',
      403: 'upstream_auth_failed',
      404: 'upstream_error',
      429: 'upstream_rate_limited',
      529: 'upstream_overloaded',
    };
    const misses = examine(errors, ({ response }) => {
      const facts = anthropicMessages.parseError(response.body);
      if (facts === null) return ['not recognised'];
      const error = (response.body as Json)['error'] as Json;
      const failure = classifyUpstreamError(facts, { kind: 'http', status: response.status });
      const code = facts.message.startsWith('prompt is too long') ? 'context_length_exceeded' : (wanted[response.status] ?? failure.code);
      const bad =
        failure.code !== code || (response.status === 400 && !['invalid_request', 'unsupported_parameter', 'context_length_exceeded'].includes(failure.code));
      return [
        ...(facts.message === error['message'] ? [] : ['message']),
        ...(facts.rawCode === error['type'] ? [] : ['code']),
        ...(bad ? [`classified ${failure.code}`] : []),
      ];
    });
    score('errors', misses, errors.length);
  });

  it('a recorded in-stream error is an error and never an end', () => {
    const broken = exchanges.filter((exchange) => exchange.response.wire === 'sse' && (exchange.expect === null || exchange.expect === undefined));
    const misses = examine(broken, (exchange) => {
      const answer = answerOf(exchange);
      return answer.error === null || answer.ended ? [`error ${String(answer.error)}, ended ${String(answer.ended)}`] : [];
    });
    score('in-stream errors', misses, broken.length);
  });

  it('every recorded stream, rendered for an Anthropic client in both lanes, reads the same again', () => {
    const misses = examine(streams, (exchange) => {
      const items = parseStream(exchange.response.sse ?? '');
      const original = ofEvents(items.flatMap((item) => item.events));
      const summary = { usage: original.usage ?? NO_USAGE, estimated: false, costUsd: '0.000001' };
      return [false, true].flatMap((native) => {
        const renderer = anthropicMessages.createStreamRenderer(RENDER);
        const sse = items.map((item) => renderer.render(item, native)).join('') + renderer.finish(summary);
        const again = ofEvents(parseStream(sse).flatMap((item) => item.events));
        return isDeepStrictEqual(again, original)
          ? []
          : [`${native ? 'native' : 'rendered'}: got ${JSON.stringify(again)}, wanted ${JSON.stringify(original)}`];
      });
    });
    score('streams rendered again', misses, streams.length);
  });

  it('every recorded answer, rendered for an Anthropic client in both lanes, reads the same again', () => {
    const whole = answers.filter((exchange) => exchange.response.wire === 'json');
    const misses = examine(whole, (exchange) => {
      const response = anthropicMessages.parseResponse(exchange.response.body, PARSE);
      const summary = { usage: response.usage ?? NO_USAGE, estimated: false };
      const rendered = [
        anthropicMessages.renderResponse(response, RENDER, summary),
        anthropicMessages.renderNativeResponse(exchange.response.body as Json, RENDER, summary),
      ];
      return rendered.flatMap((wire) => {
        const again = anthropicMessages.parseResponse(wire, PARSE);
        return isDeepStrictEqual(again.choices, response.choices) && isDeepStrictEqual(again.usage, response.usage) ? [] : [JSON.stringify(again)];
      });
    });
    score('answers rendered again', misses, whole.length);
  });
});

/** The schema may only have been closed (`additionalProperties: false`) or had limits moved into descriptions. */
function closedOnly(before: unknown, after: unknown): string[] {
  const names = (value: unknown): unknown => ((value as Json)['format'] as Json)['schema'];
  const properties = (schema: unknown): string[] => Object.keys(((schema as Json)['properties'] ?? {}) as Json);
  return isDeepStrictEqual(properties(names(before)), properties(names(after))) ? [] : ['schema properties'];
}
