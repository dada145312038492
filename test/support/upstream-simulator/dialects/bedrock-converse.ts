import { encodeEventStream } from '../../../../src/core/protocols/eventstream/index.js';
import type { Fault } from '../scenario.js';
import { halves, type Dialect, type Frame, type Script } from './dialect.js';

type Json = Record<string, unknown>;

const STOP: Readonly<Record<Script['finish'], string>> = {
  stop: 'end_turn',
  length: 'max_tokens',
  tool_calls: 'tool_use',
  content_filter: 'content_filtered',
};
const EXCEPTIONS: Readonly<Record<number, string>> = {
  400: 'ValidationException',
  403: 'AccessDeniedException',
  404: 'ResourceNotFoundException',
  408: 'ModelTimeoutException',
  424: 'ModelErrorException',
  429: 'ThrottlingException',
  500: 'InternalServerException',
  503: 'ServiceUnavailableException',
};

/** Bedrock's input tokens exclude cache reads. */
function usageOf(script: Script): unknown {
  const { prompt, completion, cached } = script.tokens;
  const read = cached ?? 0;
  const totals = { inputTokens: prompt - read, outputTokens: completion, totalTokens: prompt + completion };
  return script.answer.usageRaw ?? { ...totals, cacheReadInputTokens: read, cacheWriteInputTokens: 0 };
}

interface Said {
  text: string;
  calls: { id: string; name: string; arguments: string }[];
}

/** A model that must call a tool says its text through it (that is how structured output is had from one that has none). */
function said(script: Script): Said {
  const calls = script.calls.map((call, index) => ({ ...call, arguments: script.arguments[index] ?? '{}' }));
  const { forcedTool } = script.call;
  if (forcedTool === undefined || calls.length > 0) return { text: script.text, calls };
  return { text: '', calls: [{ id: 'tooluse_forced', name: forcedTool, arguments: script.text }] };
}

const stopOf = (script: Script): string => (script.finish === 'stop' && said(script).calls.length > 0 ? STOP.tool_calls : STOP[script.finish]);

function whole(script: Script): unknown {
  const { text, calls } = said(script);
  const content = [
    ...(script.reasoning.length > 0
      ? [{ reasoningContent: { reasoningText: { text: script.reasoning.join(''), signature: script.signature ?? 'c2ltdWxhdGVk' } } }]
      : []),
    ...(text === '' ? [] : [{ text }]),
    ...calls.map((call) => ({ toolUse: { toolUseId: call.id, name: call.name, input: JSON.parse(call.arguments) as unknown } })),
  ];
  const answer = { output: { message: { role: 'assistant', content } }, stopReason: stopOf(script), metrics: { latencyMs: 12 } };
  return script.answer.usageAt === 'never' ? answer : { ...answer, usage: usageOf(script) };
}

/** `p` pads each event to a random length; clients ignore it. */
function event(type: string, data: Json, content = false): Frame {
  const headers = { ':event-type': type, ':content-type': 'application/json', ':message-type': 'event' };
  return { text: encodeEventStream(headers, JSON.stringify({ ...data, p: 'abcdefgh' })), content };
}

function* frames(script: Script): Iterable<Frame> {
  yield event('messageStart', { role: 'assistant' });
  yield* blockFrames(script);
  if (script.answer.unfinished !== true) yield event('messageStop', { stopReason: stopOf(script) });
  if (script.answer.usageAt === 'never' || script.answer.terminator === false) return;
  const wait = script.answer.usageAfterMs === undefined ? {} : { waitMs: script.answer.usageAfterMs };
  yield { ...event('metadata', { usage: usageOf(script), metrics: { latencyMs: 12 } }), ...wait };
}

function* blockFrames(script: Script): Iterable<Frame> {
  let contentBlockIndex = 0;
  const delta = (value: Json, content = true): Frame => event('contentBlockDelta', { contentBlockIndex, delta: value }, content);
  const close = (): Frame => event('contentBlockStop', { contentBlockIndex: contentBlockIndex++ });
  if (script.reasoning.length > 0) {
    for (const text of script.reasoning) yield delta({ reasoningContent: { text } });
    yield delta({ reasoningContent: { signature: script.signature ?? 'c2ltdWxhdGVk' } }, false);
    yield close();
  }
  const { text, calls } = said(script);
  if (text !== '' || script.answer.endless === true) {
    for (const word of script.words()) yield delta({ text: word });
    yield close();
  }
  for (const call of calls) {
    yield event('contentBlockStart', { contentBlockIndex, start: { toolUse: { toolUseId: call.id, name: call.name } } });
    for (const half of halves(call.arguments)) yield delta({ toolUse: { input: half } });
    yield close();
  }
}

const nameOf = ({ status = 500, code }: Fault): string => code ?? EXCEPTIONS[status] ?? 'InternalServerException';
const fault = ({ status = 500, message }: Fault): Json => ({ message: message ?? `Simulated ${status}.` });

function faultFrame(error: Fault): Uint8Array {
  const name = nameOf(error);
  const headers = { ':exception-type': name.charAt(0).toLowerCase() + name.slice(1), ':content-type': 'application/json', ':message-type': 'exception' };
  return encodeEventStream(headers, JSON.stringify(fault(error)));
}

export const bedrockConverse: Dialect = {
  whole,
  frames,
  fault,
  faultHeaders: (error) => ({ 'x-amzn-errortype': `${nameOf(error)}:http://internal.amazon.com/coral/com.amazon.bedrock/` }),
  faultFrame,
  streamType: 'application/vnd.amazon.eventstream',
};
