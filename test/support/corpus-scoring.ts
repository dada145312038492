import { expectedAnswer, expectedStatuses, parsed, type ClientAnswer } from './corpus-expectation.js';
import type { Exchange } from './upstream-simulator/index.js';

/** How far what a client of chat completions got is from what was recorded, in words; no fault: a hit. */
type Json = Record<string, unknown>;
const PARALLEL = 16;

export interface Score {
  total: number;
  missed: string[];
}

export async function score(list: readonly Exchange[], replayOne: (exchange: Exchange) => Promise<string[]>): Promise<Score> {
  const missed: string[] = [];
  const queue = [...list];
  const work = async (): Promise<void> => {
    for (let exchange = queue.pop(); exchange !== undefined; exchange = queue.pop()) {
      const faults = await replayOne(exchange).catch((error: unknown) => [String(error)]);
      if (faults.length > 0) missed.push(`${exchange.id} (${exchange.provider}): ${faults.join('; ')}`);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
  return { total: list.length, missed };
}

export function report(name: string, { total, missed }: Score): void {
  process.stdout.write(`corpus ${name}: ${total - missed.length} of ${total}\n`);
}

export async function faultsOfError(answer: Response, exchange: Exchange): Promise<string[]> {
  const text = await answer.text();
  const error = ((parsed(text) as Json)['error'] ?? {}) as Json;
  const faults: string[] = [];
  if (!expectedStatuses(exchange.response.status).includes(answer.status))
    faults.push(`status ${answer.status} for the provider's ${exchange.response.status}: ${text.slice(0, 200)}`);
  for (const key of ['message', 'type', 'param', 'code']) if (!(key in error)) faults.push(`no error.${key}`);
  if (typeof error['code'] !== 'string') faults.push('code is not a string');
  return faults;
}

/** A recorded in-stream error or cut is an error to the client, and never a normal end. */
export function faultsOfBroken(status: number, text: string): string[] {
  if (status >= 400) return [];
  const faults: string[] = [];
  if (!text.includes('"error"')) faults.push(`no error in ${text.slice(-200)}`);
  if (text.includes('[DONE]')) faults.push('[DONE] after a broken stream');
  return faults;
}

export function faultsOfStream(text: string, exchange: Exchange): string[] {
  const frames = text.split('\n\n').filter((frame) => frame.startsWith('data: '));
  const faults: string[] = [];
  if (frames.at(-1) !== 'data: [DONE]') return [`does not end with [DONE]: ${text.slice(-300)}`];
  const chunks = frames.slice(0, -1).map((frame) => JSON.parse(frame.slice(6)) as Json & { choices: Json[] });
  if (new Set(chunks.map((chunk) => chunk['id'])).size !== 1) faults.push('more than one id');
  const finishes = chunks.flatMap((chunk) => chunk.choices.filter((choice) => choice['finish_reason'] != null).map((choice) => choice['index']));
  if (new Set(finishes).size !== finishes.length || finishes.length === 0) faults.push(`finish reasons: ${JSON.stringify(finishes)}`);
  return [...faults, ...compare(answerOfChunks(chunks), exchange)];
}

function usageOf(usage: unknown): ClientAnswer['usage'] {
  if (usage === null || usage === undefined) return null;
  const json = usage as Json;
  return {
    prompt: Number(json['prompt_tokens']),
    completion: Number(json['completion_tokens']),
    total: Number(json['total_tokens']),
    cached: Number(((json['prompt_tokens_details'] ?? {}) as Json)['cached_tokens'] ?? 0),
  };
}

interface ToolCall {
  index?: number;
  function?: { name?: string; arguments?: string };
}

export function answerOfChoice(body: Json): ClientAnswer {
  const choice = ((body['choices'] as Json[])[0] ?? {}) as Json;
  const message = (choice['message'] ?? {}) as Json;
  return {
    text: textOf(message['content']),
    reasoning: String(message['reasoning_content'] ?? ''),
    toolCalls: ((message['tool_calls'] ?? []) as ToolCall[]).map((call) => ({
      name: call.function?.name ?? '',
      arguments: parsed(call.function?.arguments ?? ''),
    })),
    finish: (choice['finish_reason'] as string | null) ?? null,
    usage: usageOf(body['usage']),
  };
}

function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  return Array.isArray(content) ? content.map((part: Json) => (typeof part['text'] === 'string' ? part['text'] : '')).join('') : '';
}

function answerOfChunks(chunks: readonly (Json & { choices: Json[] })[]): ClientAnswer {
  const answer: ClientAnswer = { text: '', reasoning: '', toolCalls: [], finish: null, usage: null };
  const calls: { name: string; text: string }[] = [];
  for (const chunk of chunks) {
    answer.usage = usageOf(chunk['usage']) ?? answer.usage;
    const choice = chunk.choices.find((candidate) => candidate['index'] === 0);
    const delta = (choice?.['delta'] ?? {}) as Json;
    answer.text += textOf(delta['content']);
    answer.reasoning += String(delta['reasoning_content'] ?? '');
    answer.finish = (choice?.['finish_reason'] as string | null) ?? answer.finish;
    for (const call of (delta['tool_calls'] ?? []) as ToolCall[]) {
      const known = (calls[call.index ?? 0] ??= { name: '', text: '' });
      known.name += call.function?.name ?? '';
      known.text += call.function?.arguments ?? '';
    }
  }
  answer.toolCalls = calls.map((call) => ({ name: call.name, arguments: parsed(call.text) }));
  return answer;
}

/** `told`: what of it the client's protocol can say. */
export function compare(got: ClientAnswer, exchange: Exchange, told: (answer: ClientAnswer, exchange: Exchange) => ClientAnswer = (answer) => answer): string[] {
  const expected = told(expectedAnswer(exchange), exchange);
  const faults: string[] = [];
  for (const key of ['text', 'reasoning', 'toolCalls', 'finish', 'usage'] as const) {
    if (key === 'usage' && expected.usage === null) continue;
    if (key === 'finish' && expected.finish === null) continue;
    const [seen, wanted] = [JSON.stringify(got[key]), JSON.stringify(expected[key])];
    // From where they part.
    const at = Math.max(0, Array.from(seen.slice(0, 4_000)).findIndex((letter, place) => letter !== wanted[place]) - 40);
    if (seen !== wanted) faults.push(`${key}: got ${seen.slice(at, at + 200)}, expected ${wanted.slice(at, at + 200)}`);
  }
  return faults;
}

