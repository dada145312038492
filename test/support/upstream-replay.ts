import type { StreamItem } from '../../src/core/chat/event.js';
import { ResponseOfEvents } from '../../src/core/chat/response-of-events.js';
import type { ChatResponse } from '../../src/core/chat/response.js';
import { completionTokens, promptTokens } from '../../src/core/chat/usage.js';
import { classifyUpstreamError } from '../../src/core/errors/classify-upstream.js';
import type { UpstreamFailure } from '../../src/core/errors/upstream-failure.js';
import type { UpstreamProtocol } from '../../src/core/protocols/protocol.js';
import { expectationOf, expectedAnswer, expectedStatuses, parsed, type ClientAnswer } from './corpus-expectation.js';
import { bodyBytes, type Exchange } from './upstream-simulator/index.js';
import { ERROR_CATALOGUE } from '../../src/core/errors/catalogue.js';

const CONTEXT = { dialect: {}, choices: 1 };
/** Odd places, and everything at once. */
const CUTS: readonly (readonly number[])[] = [[7, 1, 113, 3, 41], [1], [Number.MAX_SAFE_INTEGER]];

/** What became of one recorded answer, whether it came in one piece or as a stream. */
export interface Replayed {
  answer: ClientAnswer;
  finishCount: number;
  drift: readonly string[];
  ids: readonly string[];
}

/** Every recorded answer of one API through the protocol's parsers; the misses, in words. */
export function replayAnswers(protocol: UpstreamProtocol, exchanges: readonly Exchange[]): string[] {
  return exchanges.flatMap((exchange) => faultsOf(protocol, exchange).map((fault) => `${exchange.id}: ${fault}`));
}

function faultsOf(protocol: UpstreamProtocol, exchange: Exchange): string[] {
  if (exchange.response.status >= 400) return faultsOfError(protocol, exchange);
  if (exchange.response.wire === 'json') return compare(replayed(protocol.parseResponse(exchange.response.body, CONTEXT)), exchange);
  const results = CUTS.map((sizes) => streamOf(protocol, bodyBytes(exchange), sizes));
  const first = results[0] as StreamResult;
  if (results.some((result) => JSON.stringify(merged(result)) !== JSON.stringify(merged(first)))) return ['differs by where it is cut'];
  if (exchange.expect?.streamError != null || exchange.expect === null) return first.failure === null ? ['no failure for a broken stream'] : [];
  return first.failure === null ? compare(replayed(first.response), exchange) : [`failed: ${first.failure.message}`];
}

interface StreamResult {
  response: ChatResponse;
  failure: UpstreamFailure | null;
}

const merged = ({ response, failure }: StreamResult) => [response, failure?.message];

export function streamOf(protocol: UpstreamProtocol, bytes: Uint8Array, sizes: readonly number[]): StreamResult {
  const items: StreamItem[] = [];
  const parser = protocol.createStreamParser((item) => items.push(item), CONTEXT);
  let at = 0;
  for (let step = 0; at < bytes.length; step += 1) {
    const size = sizes[step % sizes.length] as number;
    parser.push(bytes.subarray(at, at + size));
    at += size;
  }
  parser.end();
  const gathered = new ResponseOfEvents();
  let failure: UpstreamFailure | null = null;
  let ended = false;
  for (const event of items.flatMap((item) => item.events)) {
    gathered.push(event);
    if (event.type === 'error') failure = event.failure;
    if (event.type === 'end') ended = true;
  }
  if (failure === null && !ended) throw new Error('neither end nor error');
  return { response: gathered.response(), failure };
}

export function replayed(response: ChatResponse): Replayed {
  const parts = response.choices[0]?.parts ?? [];
  const calls = parts.filter((part) => part.type === 'tool-call');
  const textOf = (type: 'text' | 'reasoning') => parts.map((part) => (part.type === type ? part.text : '')).join('');
  const { usage } = response;
  const finish = response.choices[0]?.finish ?? null;
  return {
    answer: {
      text: textOf('text'),
      reasoning: textOf('reasoning'),
      toolCalls: calls.map((call) => ({ name: call.name, arguments: parsed(call.arguments) })),
      // `stop` with calls is the normaliser's to correct.
      finish: finish === 'stop' && calls.length > 0 ? 'tool_calls' : finish,
      usage:
        usage === undefined
          ? null
          : { prompt: promptTokens(usage), completion: completionTokens(usage), total: promptTokens(usage) + completionTokens(usage), cached: usage.cacheRead },
    },
    finishCount: response.choices.length,
    drift: response.drift,
    ids: calls.map((call) => call.id),
  };
}

function compare(got: Replayed, exchange: Exchange): string[] {
  const wanted = expectedAnswer(exchange);
  const faults: string[] = [];
  for (const key of ['text', 'reasoning', 'toolCalls', 'finish', 'usage'] as const) {
    const [seen, expected] = [JSON.stringify(got.answer[key]), JSON.stringify(wanted[key])];
    if (seen !== expected) faults.push(`${key}: got ${seen.slice(0, 200)}, expected ${expected.slice(0, 200)}`);
  }
  const recorded = (expectationOf(exchange).toolCalls ?? []).map((call) => call.id).filter((id) => id !== null && id !== undefined);
  if (recorded.length > 0 && JSON.stringify(recorded) !== JSON.stringify(got.ids)) faults.push(`ids: ${got.ids.join()} for ${recorded.join()}`);
  if (got.finishCount !== 1) faults.push(`${got.finishCount} choices`);
  if (got.drift.length > 0) faults.push(`drift: ${got.drift.join()}`);
  return faults;
}

function faultsOfError(protocol: UpstreamProtocol, exchange: Exchange): string[] {
  const { status, body, headers } = exchange.response;
  const facts = protocol.parseError(body, headers);
  if (facts === null || facts.message === '') return ['no message read'];
  const failure = classifyUpstreamError(facts, { kind: 'http', status, headers });
  const given = ERROR_CATALOGUE[failure.code].status;
  return expectedStatuses(status).includes(given) ? [] : [`${given} ${failure.code} for ${status}`];
}
