import type { ToolResultPart } from '../../chat/message.js';
import { isMedia } from './media.js';
import { renderMedia, type PartSite } from './render-part.js';
import { isWire, type Wire } from './wire.js';

/** A `functionResponse` part, and the media parts that must stand beside it on models that cannot hold them inside. */
export function renderToolResult(part: ToolResultPart, name: string, site: PartSite): Wire[] {
  const response: Wire = { name, response: responseOf(part) };
  if (site.facts.functionCallIds && part.toolCallId !== '') response['id'] = part.toolCallId;
  const media = part.content.filter(isMedia).map((item) => renderMedia(item, site));
  if (media.length === 0) return [{ functionResponse: response }];
  if (site.facts.functionResponseMedia) return [{ functionResponse: { ...response, parts: media } }];
  return [{ functionResponse: response }, ...media];
}

function responseOf(part: ToolResultPart): Wire {
  const text = part.content.map((item) => (item.type === 'text' || item.type === 'refusal' ? item.text : '')).join('');
  if (part.isError === true) return { error: text };
  const object = structured(text);
  return object ?? { result: text };
}

/**
 * A result that is a JSON object is sent as one, unless it holds `$ref` or `$defs`: Gemini reads `$ref` as the name of a media part and
 * answers 400 ("does not match to a display_name", https://github.com/vercel/ai/issues/14369, 2026-04-12). As text nothing is lost.
 */
function structured(text: string): Wire | null {
  if (!text.trimStart().startsWith('{') || /"\$(?:ref|defs)"/.test(text)) return null;
  try {
    const value: unknown = JSON.parse(text);
    return isWire(value) && !namesReference(value, 0) ? value : null;
  } catch {
    return null;
  }
}

/** Also under an escaped spelling (`"\u0024ref"`). */
function namesReference(value: unknown, depth: number): boolean {
  if (depth > 64) return true;
  if (Array.isArray(value)) return value.some((entry) => namesReference(entry, depth + 1));
  if (!isWire(value)) return false;
  return Object.entries(value).some(([key, entry]) => key === '$ref' || key === '$defs' || namesReference(entry, depth + 1));
}
