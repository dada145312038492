import type { Message, Part } from '../core/chat/message.js';
import type { ChatRequest, FunctionTool } from '../core/chat/request.js';
import type { FinishReason } from '../core/chat/response.js';
import { GatewayError } from '../core/errors/gateway-error.js';
import { fillSchema } from './fill-schema.js';
import { loremWords } from './lorem.js';
import { findNamedCall } from './named-call.js';
import type { Piece, Script } from './script.js';

const DEFAULT_LOREM_WORDS = 64;
const DEFAULT_SLOW_WORDS = 30;
const MAX_WORDS = 16_384;
const SLOW_FIRST_MS = 2_000;
const SLOW_WORD_MS = 100;
const CUT_AFTER_WORDS = 8;

/** One deterministic model: the same request gives the same script. `attempt` counts the calls with this very request from 1. */
type SandboxModel = (request: ChatRequest, attempt: number) => Script;

/** CONTRACT section 7, by upstream name. */
export const SANDBOX_MODELS: Readonly<Record<string, SandboxModel>> = {
  echo: (request) => answer(request, lastUserText(request)),
  lorem: (request) => words(request, DEFAULT_LOREM_WORDS, 0, 0),
  slow: (request) => words(request, DEFAULT_SLOW_WORDS, SLOW_FIRST_MS, SLOW_WORD_MS),
  tools: toolsScript,
  json: jsonScript,
  reasoning: reasoningScript,
  'error-429': () => simulated(429, 'rate_limit_exceeded', 'Simulated: the rate limit is exceeded. Please try again in 1s.', { 'retry-after': '1' }),
  'error-500': () => simulated(500, 'internal_error', 'Simulated: the server had an error while processing the request.'),
  'error-401': () => simulated(401, 'invalid_api_key', 'Simulated: the API key is not valid.'),
  'error-context': () =>
    simulated(400, 'context_length_exceeded', "Simulated: this model's maximum context length is 8192 tokens. Please reduce the length of the messages."),
  'stream-cut': () => ({ kind: 'answer', pieces: loremPieces(CUT_AFTER_WORDS, 0, 0), finish: 'stop', ending: 'cut' }),
  'stream-stall': () => ({ kind: 'answer', pieces: loremPieces(CUT_AFTER_WORDS, 0, 0), finish: 'stop', ending: 'stall' }),
  flaky: (request, attempt) =>
    attempt % 2 === 1 ? simulated(503, 'upstream_overloaded', 'Simulated: overloaded; the next attempt succeeds.') : answer(request, lastUserText(request)),
};

/** What the last user message says; images and the like are named in brackets. */
export function lastUserText(request: ChatRequest): string {
  const last = request.messages.findLast((message) => message.role === 'user');
  return last === undefined ? '' : textOf(last);
}

function textOf(message: Message): string {
  return message.parts.map(partText).join('');
}

function partText(part: Part): string {
  if (part.type === 'text') return part.text;
  if (part.type === 'tool-result') return part.content.map(partText).join('');
  return part.type === 'image' || part.type === 'audio' || part.type === 'file' || part.type === 'video' ? `[${part.type}]` : '';
}

/** Text, unless the request demands another form: a forced tool call, a JSON schema. */
function answer(request: ChatRequest, text: string): Script {
  const forced = forcedTool(request);
  if (forced !== null) return toolCall(forced, text);
  const { responseFormat } = request;
  if (responseFormat === undefined || responseFormat.type === 'text') return textScript(request, text);
  const value = responseFormat.type === 'json-schema' ? fillSchema(responseFormat.schema, text === '' ? 'sandbox' : text) : { text };
  return textScript(request, JSON.stringify(value));
}

function words(request: ChatRequest, usual: number, firstMs: number, eachMs: number): Script {
  const count = Math.min(MAX_WORDS, request.maxOutputTokens ?? usual);
  return { kind: 'answer', pieces: loremPieces(count, firstMs, eachMs), finish: request.maxOutputTokens === undefined ? 'stop' : 'length', ending: 'whole' };
}

function loremPieces(count: number, firstMs: number, eachMs: number): Piece[] {
  return loremWords(count).map((word, index) => ({ kind: 'text', text: index === 0 ? word : ` ${word}`, delayMs: index === 0 ? firstMs : eachMs }));
}

function toolsScript(request: ChatRequest): Script {
  const named = findNamedCall(request);
  if (named !== null)
    return named.result === null ? callScript(named.tool.name, named.argumentsText) : textScript(request, `The tool answered: ${textOf(named.result)}`);
  const last = request.messages.at(-1);
  if (last?.role === 'tool') return textScript(request, `The tool answered: ${textOf(last)}`);
  const tool = forcedTool(request) ?? (request.toolChoice?.type === 'none' ? null : firstTool(request));
  return tool === null
    ? textScript(request, 'This model calls the first of the `tools` it is given; this request has none.')
    : toolCall(tool, lastUserText(request));
}

function jsonScript(request: ChatRequest): Script {
  if (request.responseFormat?.type === 'json-schema') return answer(request, 'sandbox');
  return answer({ ...request, responseFormat: { type: 'json' } }, lastUserText(request));
}

function reasoningScript(request: ChatRequest): Script {
  const script = answer(request, lastUserText(request));
  const { reasoning } = request;
  if (script.kind !== 'answer' || reasoning?.enabled === false || reasoning?.effort === 'none') return script;
  const thought = `The user wrote ${JSON.stringify(lastUserText(request).slice(0, 200))}. I repeat it.`;
  return { ...script, pieces: [...split(thought).map((text): Piece => ({ kind: 'reasoning', text, delayMs: 0 })), ...script.pieces] };
}

const firstTool = (request: ChatRequest): FunctionTool | null => request.tools.find((tool) => tool.type === 'function') ?? null;

function forcedTool(request: ChatRequest): FunctionTool | null {
  const choice = request.toolChoice;
  if (choice?.type === 'required') return firstTool(request);
  const names = choice?.type === 'tool' ? [choice.name] : choice?.type === 'allowed' && choice.mode === 'required' ? choice.names : [];
  return (request.tools.find((tool) => tool.type === 'function' && names.includes(tool.name)) as FunctionTool | undefined) ?? null;
}

function toolCall(tool: FunctionTool, text: string): Script {
  const filled = fillSchema(tool.parameters ?? { type: 'object', properties: {} }, text === '' ? 'sandbox' : text);
  return callScript(tool.name, JSON.stringify(filled));
}

function callScript(name: string, argumentsText: string): Script {
  return { kind: 'answer', pieces: [{ kind: 'tool-call', name, argumentsText, delayMs: 0 }], finish: 'tool_calls', ending: 'whole' };
}

/** Word by word, cut at the first stop sequence and at the maximum of tokens (one word each). */
function textScript(request: ChatRequest, text: string): Script {
  const stops = (request.sampling.stop ?? []).map((stop) => text.indexOf(stop)).filter((at) => at !== -1);
  const pieces = split(stops.length === 0 ? text : text.slice(0, Math.min(...stops)));
  const most = request.maxOutputTokens ?? Number.POSITIVE_INFINITY;
  const finish: FinishReason = pieces.length > most ? 'length' : 'stop';
  return { kind: 'answer', pieces: pieces.slice(0, most).map((piece) => ({ kind: 'text', text: piece, delayMs: 0 })), finish, ending: 'whole' };
}

/** Into tokens as the counting rule knows them; white space goes with the word behind it, and joining gives the text back. */
function split(text: string): string[] {
  const pieces = text.match(/\s*(?:[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3\uf900-\ufaff]|[^\s\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3\uf900-\ufaff]+)/g) ?? [];
  const rest = text.slice(pieces.reduce((length, piece) => length + piece.length, 0));
  if (rest === '') return pieces;
  return pieces.length === 0 ? [rest] : [...pieces.slice(0, -1), `${pieces.at(-1) ?? ''}${rest}`];
}

function simulated(status: number, code: ConstructorParameters<typeof GatewayError>[0], message: string, headers: Record<string, string> = {}): Script {
  return { kind: 'error', status, error: new GatewayError(code, message), headers: { ...headers, 'x-og-simulated': 'true' } };
}
