import { completionTokens, NO_USAGE, promptTokens, type Usage } from '../../chat/usage.js';
import { jsonString } from '../../json/index.js';
import type { AnswerSummary, CostDetails } from '../protocol.js';

/** Number texts that are written as they stand: fewer digits than a double holds, and no exponent (JavaScript writes 1e-7 and less with one). */
const PLAIN_AMOUNT_CHARS = 16;
const SMALLEST_PLAIN = '0.000000';

/** Most prompts are neither cached nor spoken, most answers plain text. */
const NO_PROMPT_DETAILS = promptDetailsText(NO_USAGE);
const NO_COMPLETION_DETAILS = completionDetailsText(NO_USAGE);

/** The JSON text of `renderUsage`, written without the objects (`response.spec.ts` holds one against the other): it ends every answer. */
export function usageText(summary: AnswerSummary): string {
  const { usage, estimated, costUsd, costDetails } = summary;
  const prompt = promptTokens(usage);
  const completion = completionTokens(usage);
  let text = `{"prompt_tokens":${prompt},"completion_tokens":${completion},"total_tokens":${prompt + completion}`;
  text += usage.input === prompt ? NO_PROMPT_DETAILS : promptDetailsText(usage);
  text += usage.output === completion ? NO_COMPLETION_DETAILS : completionDetailsText(usage);
  if (estimated) text += ',"estimated":true';
  if (costUsd !== undefined) text += `,"cost":${amountText(costUsd)}`;
  if (costDetails !== undefined) text += `,"cost_details":${costDetailsText(costDetails)}`;
  return `${text}}`;
}

function promptDetailsText({ cacheRead, audioIn, cacheWrite, cacheWrite1h }: Usage): string {
  const written = cacheWrite + cacheWrite1h;
  return `,"prompt_tokens_details":{"cached_tokens":${cacheRead},"audio_tokens":${audioIn}${written > 0 ? `,"cache_write_tokens":${written}` : ''}}`;
}

function completionDetailsText({ reasoning, audioOut, image }: Usage): string {
  return `,"completion_tokens_details":{"reasoning_tokens":${reasoning},"audio_tokens":${audioOut}${image > 0 ? `,"image_tokens":${image}` : ''}}`;
}

/** `Number(text)` as JSON writes it. */
function amountText(usd: string): string {
  return usd.length <= PLAIN_AMOUNT_CHARS && !usd.startsWith(SMALLEST_PLAIN) ? usd : String(Number(usd));
}

function costDetailsText({ lines }: CostDetails): string {
  let text = '';
  for (const line of lines) {
    text += `${text === '' ? '' : ','}{"class":${jsonString(line.class)},"quantity":${line.quantity},"unit":${jsonString(line.unit)},"price_nano_usd":${jsonString(line.price_nano_usd)}}`;
  }
  return `{"lines":[${text}]}`;
}
