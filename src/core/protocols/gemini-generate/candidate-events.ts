import type { ChatEvent } from '../../chat/event.js';
import type { AudioPart, Part, ReasoningPart, ToolCallPart } from '../../chat/message.js';
import type { ResponseDialect } from '../dialect.js';
import { audioFormatOf } from './media.js';
import { parseCitations } from './citations.js';
import { parseFinish } from './finish-reason.js';
import { parseLogprobs } from './logprobs.js';
import { isPartial, PartialCall } from './partial-call.js';
import { readPart } from './read-part.js';
import { GEMINI, isWire, type Wire } from './wire.js';

/** Beyond this the text is no longer kept for placing citations; they then point at its end. */
const MAX_TEXT_CHARS = 1_000_000;

/** What one candidate of a stream has said so far. */
export interface CandidateState {
  choice: number;
  calls: number;
  text: string;
  finished: boolean;
  /** A call whose arguments are still arriving. */
  open: PartialCall | null;
}

export function newCandidate(choice: number, finished = false): CandidateState {
  return { choice, calls: 0, text: '', finished, open: null };
}

/** Ids for calls that come without one: unique per answer, the same for the same bytes. */
export function callId(responseId: string | undefined, choice: number, index: number): string {
  if (responseId === undefined) return '';
  return `call_${responseId.replace(/[^A-Za-z0-9_-]/g, '').slice(0, 24)}_${choice === 0 ? '' : `${choice}_`}${index}`;
}

/** The events of one frame's candidate. Content behind a finish reason is dropped and counted (F47). */
export function candidateEvents(candidate: Wire, state: CandidateState, context: { responseId: string | undefined; dialect: ResponseDialect }): ChatEvent[] {
  const content = candidate['content'];
  const parts = isWire(content) && Array.isArray(content['parts']) ? content['parts'].filter(isWire) : [];
  if (state.finished) return parts.length === 0 ? [] : [{ type: 'drift', what: 'content_after_finish' }];
  const events = parts.flatMap((part) => wirePartEvents(part, state, context.responseId));
  const logprobs = parseLogprobs(candidate['logprobsResult']);
  if (logprobs !== null) events.push({ type: 'logprobs', choice: state.choice, value: logprobs });
  const annotations = parseCitations(candidate, state.text);
  if (annotations.length > 0) events.push({ type: 'annotations', choice: state.choice, value: annotations });
  const finish = parseFinish(candidate['finishReason'], state.calls > 0, context.dialect);
  if (finish === null) return events;
  state.finished = true;
  events.push(...closeCall(state));
  if (!finish.known) events.push({ type: 'drift', what: `finish_reason:${finish.raw}` });
  events.push({ type: 'finish', choice: state.choice, reason: finish.reason, raw: finish.raw });
  return events;
}

function wirePartEvents(part: Wire, state: CandidateState, responseId: string | undefined): ChatEvent[] {
  const call = part['functionCall'];
  if (isWire(call) && state.open !== null && call['name'] === undefined) return state.open.add(call) ? closeCall(state) : [];
  const events = readPart(part).flatMap((read) => partEvents(read, state, responseId));
  if (!isWire(call) || !isPartial(call) || typeof call['name'] !== 'string') return [...closeCall(state), ...events];
  // The start goes out at once, the arguments when they are whole.
  const before = closeCall(state);
  state.open = new PartialCall(state.calls - 1, call);
  return [...before, ...events.filter((event) => event.type !== 'tool-call-delta')];
}

function closeCall(state: CandidateState): ChatEvent[] {
  const { open } = state;
  if (open === null) return [];
  state.open = null;
  return [{ type: 'tool-call-delta', choice: state.choice, index: open.index, argumentsText: open.argumentsText }];
}

function partEvents(part: Part, state: CandidateState, responseId: string | undefined): ChatEvent[] {
  const { choice } = state;
  switch (part.type) {
    case 'text':
      return textEvents(part.text, state);
    case 'reasoning':
      return reasoningEvents(part, choice);
    case 'tool-call':
      return callEvents(part, state, responseId);
    case 'image':
      return [{ type: 'image', choice, source: part.source }];
    case 'audio':
      return audioEvents(part, choice);
    case 'opaque':
      return [{ type: 'opaque', choice, protocol: part.protocol, value: part.value }, ...driftOf(part.value)];
    default:
      return [{ type: 'opaque', choice, protocol: GEMINI, value: part }];
  }
}

/** Citations are placed by it. */
export function keepText(state: CandidateState, text: string): void {
  if (state.text.length < MAX_TEXT_CHARS) state.text += text;
}

function textEvents(text: string, state: CandidateState): ChatEvent[] {
  keepText(state, text);
  return text === '' ? [] : [{ type: 'text-delta', choice: state.choice, text }];
}

function reasoningEvents(part: ReasoningPart, choice: number): ChatEvent[] {
  const delta: ChatEvent[] = part.text === '' ? [] : [{ type: 'reasoning-delta', choice, text: part.text }];
  return part.signature === undefined ? delta : [...delta, { type: 'reasoning-end', choice, signature: part.signature, origin: GEMINI }];
}

function callEvents(part: ToolCallPart, state: CandidateState, responseId: string | undefined): ChatEvent[] {
  if (part.name === '') return [{ type: 'drift', what: 'function_call_without_name' }];
  const { choice } = state;
  const index = state.calls;
  state.calls += 1;
  const start: ChatEvent = { type: 'tool-call-start', choice, index, id: part.id === '' ? callId(responseId, choice, index) : part.id, name: part.name };
  if (part.signature !== undefined) start.signature = part.signature;
  return [start, { type: 'tool-call-delta', choice, index, argumentsText: part.arguments }];
}

function audioEvents(part: AudioPart, choice: number): ChatEvent[] {
  if (part.source.kind !== 'inline') return [];
  const { data, mediaType } = part.source;
  return [{ type: 'audio-delta', choice, value: { data, mime_type: mediaType, format: audioFormatOf(mediaType) ?? 'pcm16' } }];
}

const KNOWN_OPAQUE = ['executableCode', 'codeExecutionResult', 'toolCall', 'toolResponse', 'videoMetadata', 'functionResponse', 'partMetadata'];

/** Part types this parser has never met. */
export function driftOf(value: unknown): Extract<ChatEvent, { type: 'drift' }>[] {
  if (!isWire(value) || KNOWN_OPAQUE.some((name) => name in value)) return [];
  return [{ type: 'drift', what: `part:${Object.keys(value).slice(0, 4).join('+').slice(0, 64)}` }];
}
