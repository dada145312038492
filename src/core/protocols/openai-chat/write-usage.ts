import { completionTokens, promptTokens, type Usage } from '../../chat/usage.js';
import { JsonBytes, literal, member } from '../../json/index.js';
import type { AnswerSummary, CostDetails } from '../protocol.js';

/** Number texts that are written as they stand: fewer digits than a double holds, and no exponent (JavaScript writes 1e-7 and less with one). */
const PLAIN_AMOUNT_CHARS = 16;
const SMALLEST_PLAIN = '0.000000';

const PROMPT_TOKENS = member('prompt_tokens');
const COMPLETION_TOKENS = member('completion_tokens');
const TOTAL_TOKENS = member('total_tokens');
const PROMPT_DETAILS = member('prompt_tokens_details');
const COMPLETION_DETAILS = member('completion_tokens_details');
const CACHED = member('cached_tokens');
const AUDIO = member('audio_tokens');
const CACHE_WRITE = member('cache_write_tokens');
const REASONING = member('reasoning_tokens');
const IMAGE = member('image_tokens');
const ESTIMATED = member('estimated');
const COST = member('cost');
/** Most prompts are neither cached nor spoken, most answers plain text. */
const NO_PROMPT_DETAILS = literal('"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0}');
const NO_COMPLETION_DETAILS = literal('"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0}');

/** The members of `renderUsage`, written without the objects (`response.spec.ts` holds one against the other): it ends every answer. */
export function writeUsage(json: JsonBytes, { usage, estimated, costUsd, costDetails }: AnswerSummary): void {
  const prompt = promptTokens(usage);
  const completion = completionTokens(usage);
  json.number(PROMPT_TOKENS, prompt);
  json.number(COMPLETION_TOKENS, completion);
  json.number(TOTAL_TOKENS, prompt + completion);
  if (usage.input === prompt) json.literal(NO_PROMPT_DETAILS);
  else writePromptDetails(json, usage);
  if (usage.output === completion) json.literal(NO_COMPLETION_DETAILS);
  else writeCompletionDetails(json, usage);
  if (estimated) json.flag(ESTIMATED, true);
  if (costUsd !== undefined) json.literal(COST, amountText(costUsd));
  if (costDetails !== undefined) writeCostDetails(json, costDetails);
}

function writePromptDetails(json: JsonBytes, { cacheRead, audioIn, cacheWrite, cacheWrite1h }: Usage): void {
  const written = cacheWrite + cacheWrite1h;
  json.beginObjectOf(PROMPT_DETAILS);
  json.number(CACHED, cacheRead);
  json.number(AUDIO, audioIn);
  if (written > 0) json.number(CACHE_WRITE, written);
  json.endObject();
}

function writeCompletionDetails(json: JsonBytes, { reasoning, audioOut, image }: Usage): void {
  json.beginObjectOf(COMPLETION_DETAILS);
  json.number(REASONING, reasoning);
  json.number(AUDIO, audioOut);
  if (image > 0) json.number(IMAGE, image);
  json.endObject();
}

/** `Number(text)` as JSON writes it. */
function amountText(usd: string): string {
  return usd.length <= PLAIN_AMOUNT_CHARS && !usd.startsWith(SMALLEST_PLAIN) ? usd : String(Number(usd));
}

const COST_DETAILS = member('cost_details');
const LINES = member('lines');
const CLASS = member('class');
const QUANTITY = member('quantity');
const UNIT = member('unit');
const PRICE = member('price_nano_usd');

function writeCostDetails(json: JsonBytes, { lines }: CostDetails): void {
  json.beginObjectOf(COST_DETAILS);
  json.beginArrayOf(LINES);
  for (const line of lines) {
    json.beginObject();
    json.text(CLASS, line.class);
    json.number(QUANTITY, line.quantity);
    json.text(UNIT, line.unit);
    json.text(PRICE, line.price_nano_usd);
    json.endObject();
  }
  json.endArray();
  json.endObject();
}

const scratch = new JsonBytes();

/** The JSON text of `renderUsage`, for a stream. */
export function usageText(summary: AnswerSummary): string {
  scratch.length = 0;
  scratch.beginWhole();
  writeUsage(scratch, summary);
  scratch.endObject();
  return scratch.bytes.toString('utf8', 0, scratch.length);
}
