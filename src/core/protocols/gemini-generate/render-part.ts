import type { Part, ReasoningPart, ToolCallPart } from '../../chat/message.js';
import { GatewayError, invalidRequest } from '../../errors/gateway-error.js';
import { decodeDataUri, isMedia, mediaTypeOf, type MediaPart } from './media.js';
import type { GeminiFacts } from './model-facts.js';
import { GEMINI, isWire, type Wire } from './wire.js';

/** Where a part stands in the client's request, for messages that name it. */
export interface PartSite {
  path: string;
  assistant: boolean;
  facts: GeminiFacts;
}

/** One canonical part as Gemini parts; null when it says nothing to Gemini. Tool results are rendered elsewhere. */
export function renderPart(part: Part, site: PartSite): Wire | null {
  if (isMedia(part)) return renderMedia(part, site);
  switch (part.type) {
    case 'text':
    case 'refusal':
      return part.text === '' ? null : { text: part.text };
    case 'reasoning':
      return renderReasoning(part);
    case 'tool-call':
      return renderCall(part, site);
    case 'opaque':
      return renderOpaque(part.protocol, part.value, site);
    case 'tool-result':
      return null;
  }
}

/** Thinking of other providers goes along as thought text, without their signature; nothing but a signature: see `attachSignature`. */
function renderReasoning(part: ReasoningPart): Wire | null {
  const signature = signatureOf(part);
  if (part.text === '') return null;
  return { text: part.text, thought: true, ...(signature === undefined ? {} : { thoughtSignature: signature }) };
}

export function signatureOf(part: ReasoningPart): string | undefined {
  return part.origin === GEMINI ? part.signature : undefined;
}

function renderCall(part: ToolCallPart, site: PartSite): Wire {
  const call: Wire = { name: part.name, args: argumentsOf(part) };
  if (site.facts.functionCallIds && part.id !== '') call['id'] = part.id;
  return part.signature === undefined ? { functionCall: call } : { functionCall: call, thoughtSignature: part.signature };
}

/** Arguments must be an object. Free text of custom tools, and JSON cut off by a length limit, are kept as words. */
function argumentsOf(part: ToolCallPart): Wire {
  if (part.arguments.trim() === '') return {};
  if (part.kind === 'custom') return { input: part.arguments };
  try {
    const value: unknown = JSON.parse(part.arguments);
    return isWire(value) ? value : { input: value };
  } catch {
    return { input: part.arguments };
  }
}

function renderOpaque(protocol: string, value: unknown, site: PartSite): Wire | null {
  if (protocol === GEMINI && isWire(value)) return value;
  // What the model itself did with another provider's server tools is lost without harm; what the user sent is not.
  if (site.assistant) return null;
  throw new GatewayError('unsupported_parameter', `\`${site.path}\` is a block that only ${protocol} upstreams understand.`, { param: site.path });
}

export function renderMedia(part: MediaPart, site: PartSite): Wire {
  const resolution = part.type === 'image' ? resolutionOf(part.detail, site.facts) : {};
  const { source } = part;
  if (source.kind === 'inline') return { inlineData: { mimeType: mediaTypeOf(part), data: source.data }, ...resolution };
  if (source.kind === 'provider-file') return { fileData: { ...mimeTypeOf(part), fileUri: source.id }, ...resolution };
  const inline = decodeDataUri(source.url);
  if (inline !== null) return { inlineData: { mimeType: inline.mediaType, data: inline.data }, ...resolution };
  return { fileData: { mimeType: mediaTypeOf(part), fileUri: fetchable(source.url, site) }, ...resolution };
}

const mimeTypeOf = (part: MediaPart): Wire => (part.source.kind === 'provider-file' && part.type !== 'file' ? { mimeType: mediaTypeOf(part) } : {});

/**
 * Since January 2026 the API fetches public and signed http(s) URLs itself, up to 100 MB, but not for the 2.0 family
 * (https://blog.google/innovation-and-ai/technology/developers-tools/gemini-api-new-file-limits, read 2026-11-21).
 */
function fetchable(url: string, site: PartSite): string {
  const video = /^https:\/\/(?:www\.)?(?:youtube\.com|youtu\.be)\//.test(url);
  if (/^https?:\/\//i.test(url) && (site.facts.fileUrls || video)) return url;
  if (url.startsWith('gs://')) return url;
  throw invalidRequest(site.path, `\`${site.path}\`: this model cannot fetch URLs; send the data inline as a \`data:\` URI.`);
}

/** Resolution per part exists since Gemini 3 (https://docs.cloud.google.com/vertex-ai/generative-ai/docs/models/gemini/3-flash, read 2026-11-21). */
function resolutionOf(detail: string | undefined, facts: GeminiFacts): Wire {
  if (facts.thinking !== 'level' || (detail !== 'low' && detail !== 'high')) return {};
  return { mediaResolution: { level: `MEDIA_RESOLUTION_${detail.toUpperCase()}` } };
}
