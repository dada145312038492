import { completionTokens, promptTokens } from '../../chat/usage.js';
import { jsonString } from '../../json/index.js';
import type { AnswerSummary, CostDetails } from '../protocol.js';

/** Number texts that are written as they stand: fewer digits than a double holds, and no exponent (JavaScript writes 1e-7 and less with one). */
const PLAIN_AMOUNT_CHARS = 16;
const SMALLEST_PLAIN = '0.000000';

/** The JSON text of `renderUsage`, written without the objects (`response.spec.ts` holds one against the other): it ends every answer. */
export function usageText(summary: AnswerSummary): string {
  const { usage, estimated, costUsd, costDetails } = summary;
  const prompt = promptTokens(usage);
  const completion = completionTokens(usage);
  const cacheWrite = usage.cacheWrite + usage.cacheWrite1h;
  let text = `{"prompt_tokens":${prompt},"completion_tokens":${completion},"total_tokens":${prompt + completion}`;
  text += `,"prompt_tokens_details":{"cached_tokens":${usage.cacheRead},"audio_tokens":${usage.audioIn}`;
  if (cacheWrite > 0) text += `,"cache_write_tokens":${cacheWrite}`;
  text += `},"completion_tokens_details":{"reasoning_tokens":${usage.reasoning},"audio_tokens":${usage.audioOut}`;
  if (usage.image > 0) text += `,"image_tokens":${usage.image}`;
  text += '}';
  if (estimated) text += ',"estimated":true';
  if (costUsd !== undefined) text += `,"cost":${amountText(costUsd)}`;
  if (costDetails !== undefined) text += `,"cost_details":${costDetailsText(costDetails)}`;
  return `${text}}`;
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
