import { gzipSync } from 'node:zlib';
import type { Call } from './call.js';
import { bodyBytes, type Exchange } from './corpus.js';
import { anthropicMessages } from './dialects/anthropic-messages.js';
import { bedrockConverse } from './dialects/bedrock-converse.js';
import { cohereChat } from './dialects/cohere-chat.js';
import { scriptOf, withFault, type Dialect, type Frame } from './dialects/dialect.js';
import { geminiGenerate } from './dialects/gemini-generate.js';
import { ollamaChat } from './dialects/ollama-chat.js';
import { openaiChat } from './dialects/openai-chat.js';
import { openaiCompletions } from './dialects/openai-completions.js';
import { openaiResponses } from './dialects/openai-responses.js';
import type { Answer, Scenario } from './scenario.js';

const JSON_TYPE = 'application/json';
const SSE_TYPE = 'text/event-stream; charset=utf-8';
const TYPE_OF_WIRE: Readonly<Record<Exchange['response']['wire'], string>> = {
  json: JSON_TYPE,
  sse: SSE_TYPE,
  ndjson: 'application/x-ndjson',
  text: 'text/plain',
  eventstream: 'application/vnd.amazon.eventstream',
  binary: 'application/octet-stream',
};
/** What describes the recorded connection, not the recorded answer. */
const OF_THE_CONNECTION = /^(?:connection|content-encoding|content-length|transfer-encoding|keep-alive|date|alt-svc|content-type)$/i;

export interface Step {
  bytes: Uint8Array;
  content: boolean;
  waitMs: number;
}

/** What is written, byte by byte, before anything goes wrong on purpose. */
export interface Plan {
  status: number;
  headers: Record<string, string>;
  steps: Iterable<Step>;
}

const DIALECTS: Readonly<Record<Call['protocol'], Dialect>> = {
  'openai-chat': openaiChat,
  'openai-completions': openaiCompletions,
  'openai-responses': openaiResponses,
  'anthropic-messages': anthropicMessages,
  'gemini-generate': geminiGenerate,
  'bedrock-converse': bedrockConverse,
  'cohere-chat': cohereChat,
  'ollama-chat': ollamaChat,
  other: openaiChat,
};

export function planOf(scenario: Scenario, call: Call): Plan {
  const plan = plainPlan(scenario, call);
  if (scenario.contentType !== undefined) plan.headers['content-type'] = scenario.contentType;
  Object.assign(plan.headers, scenario.headers);
  if (scenario.gzip !== true) return plan;
  const whole = Buffer.concat([...plan.steps].map((step) => step.bytes));
  return { status: plan.status, headers: { ...plan.headers, 'content-encoding': 'gzip' }, steps: [step(gzipSync(whole))] };
}

function plainPlan(scenario: Scenario, call: Call): Plan {
  const { content } = scenario;
  const status = scenario.status ?? 200;
  const dialect = DIALECTS[call.protocol];
  switch (content.kind) {
    case 'answer':
      return answerPlan(content.answer, call, status);
    case 'fault':
      return {
        status: scenario.status ?? content.fault.status ?? 500,
        headers: { 'content-type': JSON_TYPE, ...dialect.faultHeaders?.(content.fault) },
        steps: [step(jsonBytes(dialect.fault(content.fault)))],
      };
    case 'body':
      return bodyPlan(content.body, status, call.stream);
    case 'exchange':
      return exchangePlan(content.exchange, scenario.status);
    case 'raw':
      return { status, headers: {}, steps: [step(Buffer.from(content.bytes))] };
  }
}

function answerPlan(answer: Answer, call: Call, status: number): Plan {
  const dialect = DIALECTS[call.protocol];
  const script = scriptOf(answer, call);
  if (call.stream)
    return { status, headers: { 'content-type': dialect.streamType ?? SSE_TYPE }, steps: paced(withFault(dialect.frames(script), script, dialect), answer) };
  const waitMs = (answer.firstAfterMs ?? 0) + (answer.gapMs ?? 0) * Math.max(0, script.tokens.completion - 1);
  return {
    status,
    headers: { 'content-type': JSON_TYPE },
    steps: [{ ...step(jsonBytes(answer.error === undefined ? dialect.whole(script) : dialect.fault(answer.error))), waitMs }],
  };
}

function* paced(frames: Iterable<Frame>, answer: Answer): Iterable<Step> {
  let first = true;
  for (const frame of frames) {
    const pause = !frame.content ? 0 : first ? (answer.firstAfterMs ?? 0) : (answer.gapMs ?? 0);
    if (frame.content) first = false;
    yield { bytes: typeof frame.text === 'string' ? Buffer.from(frame.text, 'utf8') : frame.text, content: frame.content, waitMs: pause + (frame.waitMs ?? 0) };
  }
}

function bodyPlan(body: string | Uint8Array | object, status: number, stream: boolean): Plan {
  const bytes = typeof body === 'string' ? Buffer.from(body, 'utf8') : body instanceof Uint8Array ? body : jsonBytes(body);
  const text = typeof body === 'string' || body instanceof Uint8Array;
  return { status, headers: { 'content-type': text && stream ? SSE_TYPE : JSON_TYPE }, steps: [step(bytes)] };
}

function exchangePlan(exchange: Exchange, status: number | undefined): Plan {
  const recorded = Object.entries(exchange.response.headers).filter(([name]) => !OF_THE_CONNECTION.test(name));
  const type = Object.entries(exchange.response.headers).find(([name]) => name.toLowerCase() === 'content-type')?.[1] ?? TYPE_OF_WIRE[exchange.response.wire];
  return { status: status ?? exchange.response.status, headers: { ...Object.fromEntries(recorded), 'content-type': type }, steps: [step(bodyBytes(exchange))] };
}

const jsonBytes = (value: unknown): Buffer => Buffer.from(JSON.stringify(value), 'utf8');
const step = (bytes: Uint8Array): Step => ({ bytes, content: true, waitMs: 0 });
