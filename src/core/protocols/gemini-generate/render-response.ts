import type { MediaSource, OpaquePart, Part, ReasoningPart } from '../../chat/message.js';
import type { ChatResponse, Choice } from '../../chat/response.js';
import type { AnswerSummary, RenderContext } from '../protocol.js';
import { renderFinish } from './finish-reason.js';
import { isMedia } from './media.js';
import { GEMINI, isWire, put, type Wire } from './wire.js';
import { summaryUsage } from './render-usage.js';

/** A canonical answer as a `GenerateContentResponse`. */
export function renderResponse(response: ChatResponse, context: RenderContext, summary: AnswerSummary): Record<string, unknown> {
  const wire: Wire = { candidates: response.choices.map(renderChoice) };
  put(wire, 'promptFeedback', response.extra['promptFeedback']);
  wire['usageMetadata'] = summaryUsage(summary);
  wire['modelVersion'] = context.model;
  wire['responseId'] = context.responseId;
  put(wire, 'og', summary.og);
  return wire;
}

/** The upstream's own answer; what names it, and what it used, is ours. */
export function renderNativeResponse(raw: Record<string, unknown>, context: RenderContext, summary: AnswerSummary): Record<string, unknown> {
  const wire: Wire = { ...raw, usageMetadata: summaryUsage(summary, raw['usageMetadata']), modelVersion: context.model, responseId: context.responseId };
  put(wire, 'og', summary.og);
  return wire;
}

function renderChoice(choice: Choice): Wire {
  const parts: Wire[] = [];
  for (const part of choice.parts) renderAnswerPart(part, parts);
  return { content: { parts, role: 'model' }, finishReason: renderFinish(choice.finish, choice.rawFinish), index: choice.index };
}

/** Adds an answer's part to the parts before it; a lone signature goes back onto the part it came with. */
export function renderAnswerPart(part: Part, parts: Wire[]): void {
  if (isMedia(part)) {
    parts.push(renderMediaAnswer(part.source));
    return;
  }
  switch (part.type) {
    case 'text':
    case 'refusal':
      parts.push({ text: part.text });
      return;
    case 'reasoning':
      return renderThought(part, parts);
    case 'tool-call':
      parts.push(renderFunctionCall(part));
      return;
    case 'opaque':
      parts.push(...ownBlocks(part));
      return;
    case 'tool-result':
      return;
  }
}

function ownBlocks(part: OpaquePart): Wire[] {
  return part.protocol === GEMINI && isWire(part.value) ? [part.value] : [];
}

function renderMediaAnswer(source: MediaSource): Wire {
  if (source.kind === 'inline') return { inlineData: { mimeType: source.mediaType, data: source.data } };
  return { fileData: { fileUri: source.kind === 'url' ? source.url : source.id } };
}

function renderThought({ text, signature: issued, origin }: ReasoningPart, parts: Wire[]): void {
  const signature = origin === GEMINI ? issued : undefined;
  const signed = signature === undefined ? {} : { thoughtSignature: signature };
  const last = parts.at(-1);
  if (text !== '') parts.push({ text, thought: true, ...signed });
  else if (signature !== undefined && last !== undefined && last['thoughtSignature'] === undefined) last['thoughtSignature'] = signature;
  else if (signature !== undefined) parts.push({ text: '', thoughtSignature: signature });
}

export function renderFunctionCall(call: { id: string; name: string; arguments: string; signature?: string }): Wire {
  const functionCall: Wire = { name: call.name, args: argumentsOf(call.arguments) };
  if (call.id !== '') functionCall['id'] = call.id;
  return call.signature === undefined ? { functionCall } : { functionCall, thoughtSignature: call.signature };
}

/** Gemini knows whole objects only; arguments cut off by a length limit are handed over as text. */
function argumentsOf(text: string): unknown {
  try {
    const value: unknown = text.trim() === '' ? {} : JSON.parse(text);
    return isWire(value) ? value : { input: value };
  } catch {
    return { input: text };
  }
}
