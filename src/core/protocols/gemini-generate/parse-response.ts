import type { Part, ReasoningPart, TextPart } from '../../chat/message.js';
import type { ChatResponse, Choice } from '../../chat/response.js';
import { UnreadableAnswer, type ParseContext } from '../protocol.js';
import { answerFacts } from './answer-facts.js';
import { callId, driftOf } from './candidate-events.js';
import { parseCitations } from './citations.js';
import { parseFinish } from './finish-reason.js';
import { parseLogprobs } from './logprobs.js';
import { parseError } from './parse-error.js';
import { parseUsage } from './parse-usage.js';
import { readPart } from './read-part.js';
import { isWire, type Wire } from './wire.js';

/** A whole `generateContent` answer. Throws UnreadableAnswer for an error in a 200 and for an answer without candidates that names no block. */
export function parseResponse(body: unknown, context: ParseContext): ChatResponse {
  const facts = isWire(body) && body['candidates'] !== undefined ? null : parseError(body);
  if (facts !== null) throw new UnreadableAnswer(facts.message, facts);
  const raw = wholeAnswer(body);
  const response: ChatResponse = { choices: [], drift: [], extra: {} };
  describe(raw, response, context);
  const candidates: unknown[] = Array.isArray(raw['candidates']) ? raw['candidates'] : [];
  response.choices = candidates.filter(isWire).map((candidate, place) => parseCandidate(candidate, place, { response, context }));
  if (response.choices.length === 0) response.choices = blockedChoices(raw['promptFeedback'], context);
  if (response.choices.length === 0) throw new UnreadableAnswer('The provider answered without candidates and without saying why.');
  return response;
}

/** `streamGenerateContent` without `alt=sse`, asked for a whole answer, comes as a list of frames: they are joined. */
function wholeAnswer(body: unknown): Wire {
  if (isWire(body)) return body;
  const frames = Array.isArray(body) ? body.filter(isWire) : [];
  if (frames.length === 0) throw new UnreadableAnswer('The provider answered something that is not a Gemini answer.');
  return frames.reduce<Wire>((whole, frame) => ({ ...whole, ...frame, candidates: joinCandidates(whole['candidates'], frame['candidates']) }), {});
}

function joinCandidates(before: unknown, next: unknown): Wire[] {
  const joined = new Map<unknown, Wire>();
  for (const candidate of [before, next].flatMap((list) => (Array.isArray(list) ? list.filter(isWire) : []))) {
    const known = joined.get(candidate['index'] ?? 0);
    joined.set(
      candidate['index'] ?? 0,
      known === undefined ? candidate : { ...known, ...candidate, content: { parts: [...partsOf(known), ...partsOf(candidate)] } },
    );
  }
  return [...joined.values()];
}

function partsOf(candidate: Wire): Wire[] {
  const content = candidate['content'];
  return isWire(content) && Array.isArray(content['parts']) ? content['parts'].filter(isWire) : [];
}

function describe(raw: Wire, response: ChatResponse, context: ParseContext): void {
  Object.assign(response, answerFacts(raw));
  const metadata = raw['usageMetadata'];
  const usage = parseUsage(metadata, context.dialect);
  if (usage === 'missing' || usage === 'invalid') response.usageProblem = usage;
  else response.usage = usage;
  if (metadata !== undefined) response.rawUsage = metadata;
  if (raw['promptFeedback'] !== undefined) response.extra['promptFeedback'] = raw['promptFeedback'];
}

function parseCandidate(candidate: Wire, place: number, into: { response: ChatResponse; context: ParseContext }): Choice {
  const { response, context } = into;
  const index = Number.isInteger(candidate['index']) ? (candidate['index'] as number) : place;
  const parts = parseParts(candidate, response.drift);
  const calls = parts.filter((part) => part.type === 'tool-call');
  calls.forEach((call, nth) => (call.id ||= callId(response.upstreamId, index, nth)));
  annotate(candidate, parts);
  // A whole answer without a finish reason was cut by the provider; it must not look like a normal end.
  const finish = parseFinish(candidate['finishReason'], calls.length > 0, context.dialect) ?? { reason: 'error', raw: null, known: false };
  if (!finish.known) response.drift.push(`finish_reason:${finish.raw ?? 'none'}`);
  const choice: Choice = { index, parts, finish: finish.reason, rawFinish: finish.raw };
  const logprobs = parseLogprobs(candidate['logprobsResult']);
  return logprobs === null ? choice : { ...choice, logprobs };
}

function parseParts(candidate: Wire, drift: string[]): Part[] {
  const read = joinText(partsOf(candidate).flatMap((part) => readPart(part)));
  const parts = read.filter((part) => part.type !== 'tool-call' || part.name !== '');
  if (parts.length < read.length) drift.push('function_call_without_name');
  for (const part of parts) if (part.type === 'opaque') drift.push(...driftOf(part.value).map((event) => event.what));
  return parts;
}

/** Neighbouring pieces of text or of thinking are one part; a piece of thinking with a signature ends its part. */
function joinText(parts: Part[]): Part[] {
  const joined: Part[] = [];
  for (const part of parts) {
    const last = joined.at(-1);
    if (part.type === 'text' && last?.type === 'text') last.text += part.text;
    else if (part.type === 'reasoning' && last?.type === 'reasoning' && isOpen(last)) Object.assign(last, part, { text: last.text + part.text });
    else joined.push(part);
  }
  return joined.filter((part) => part.type !== 'text' || part.text !== '');
}

const isOpen = (reasoning: ReasoningPart): boolean => reasoning.signature === undefined && reasoning.text !== '';

function annotate(candidate: Wire, parts: Part[]): void {
  const texts = parts.filter((part): part is TextPart => part.type === 'text');
  const last = texts.at(-1);
  if (last === undefined) return;
  const annotations = parseCitations(candidate, texts.map((part) => part.text).join(''));
  if (annotations.length > 0) last.annotations = annotations;
}

function blockedChoices(feedback: unknown, context: ParseContext): Choice[] {
  const reason = isWire(feedback) ? feedback['blockReason'] : undefined;
  if (typeof reason !== 'string' && typeof reason !== 'number') return [];
  return Array.from({ length: Math.max(1, context.choices) }, (_, index) => ({
    index,
    parts: [],
    finish: 'content_filter' as const,
    rawFinish: String(reason),
  }));
}
