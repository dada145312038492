import { isObject, type JsonObject } from '../../json/index.js';

/**
 * Answers of the text models, which came before chat: Titan, Llama, Mistral, Cohere Command and Command R, Jurassic, Claude 2
 * (https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters.html, read 2026-11-29), whole or as a chunk of a stream.
 */
interface TextAnswer {
  text: unknown;
  finish?: unknown;
  promptTokens?: unknown;
  completionTokens?: unknown;
}

/** The same answer as one of chat completions; null when it is none of theirs. Titan's `FINISH` is no word of anybody else's. */
export function chatOfText(answer: JsonObject): JsonObject | null {
  const read = readText(answer);
  if (read === null || typeof read.text !== 'string') return null;
  const finish = read.finish === 'FINISH' || read.finish === 'STOP_CRITERIA_MET' ? 'stop' : read.finish;
  return { choices: [{ index: 0, text: read.text, finish_reason: finish ?? null }], ...usageOf(read, answer) };
}

/** DeepSeek R1 and older Mistral models: choices, but with `stop_reason`. */
export function chatOfChoices(answer: JsonObject): JsonObject {
  const choices = (answer['choices'] as unknown[]).map((choice) =>
    isObject(choice) && choice['finish_reason'] === undefined && choice['stop_reason'] !== undefined ? { ...choice, finish_reason: choice['stop_reason'] } : choice,
  );
  return { ...answer, choices, ...(isObject(answer['usage']) ? {} : usageOf({ text: '' }, answer)) };
}

/** Lists of one text, by their name. */
const LISTS: readonly (readonly [name: string, read: (first: JsonObject, answer: JsonObject) => TextAnswer])[] = [
  ['results', (titan, answer) => ({ text: titan['outputText'], finish: titan['completionReason'], promptTokens: answer['inputTextTokenCount'], completionTokens: titan['tokenCount'] })],
  ['outputs', (mistral) => ({ text: mistral['text'], finish: mistral['stop_reason'] })],
  ['generations', (command) => ({ text: command['text'], finish: command['finish_reason'] })],
  ['completions', jurassicText],
];

function readText(answer: JsonObject): TextAnswer | null {
  for (const [name, read] of LISTS) {
    const list = answer[name];
    if (Array.isArray(list)) return isObject(list[0]) ? read(list[0], answer) : null;
  }
  return flat(answer);
}

function jurassicText(completion: JsonObject, { prompt }: JsonObject): TextAnswer {
  const { data, finishReason: reason } = completion;
  const counted = (value: unknown): number | undefined => (isObject(value) && Array.isArray(value['tokens']) ? value['tokens'].length : undefined);
  return { text: isObject(data) ? data['text'] : undefined, finish: isObject(reason) ? reason['reason'] : undefined, promptTokens: counted(prompt), completionTokens: counted(data) };
}

/** Members at the top: Llama and Claude 2, and the chunks of Titan and Command. */
function flat(answer: JsonObject): TextAnswer | null {
  const text = [answer['generation'], answer['outputText'], answer['completion'], answer['text']].find((value) => typeof value === 'string');
  const finish = [answer['stop_reason'], answer['completionReason'], answer['finish_reason']].find((value) => typeof value === 'string');
  if (text === undefined && finish === undefined && answer['is_finished'] !== true) return null;
  return {
    text: text ?? '',
    finish,
    promptTokens: answer['prompt_token_count'] ?? answer['inputTextTokenCount'],
    completionTokens: answer['generation_token_count'] ?? answer['totalOutputTextTokenCount'],
  };
}

/** The model's own counts, or those Bedrock adds to the last chunk of every stream. */
function usageOf({ promptTokens, completionTokens }: TextAnswer, answer: JsonObject): JsonObject {
  const metrics = answer['amazon-bedrock-invocationMetrics'];
  const measured: JsonObject = isObject(metrics) ? metrics : {};
  const [prompt, completion] = [measured['inputTokenCount'] ?? promptTokens, measured['outputTokenCount'] ?? completionTokens];
  if (typeof prompt !== 'number' || typeof completion !== 'number') return {};
  return { usage: { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion } };
}
