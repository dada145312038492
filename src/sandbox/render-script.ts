import type { ChatEvent, StreamItem } from '../core/chat/event.js';
import type { Part } from '../core/chat/message.js';
import type { ChatResponse } from '../core/chat/response.js';
import type { Usage } from '../core/chat/usage.js';
import type { RenderContext } from '../core/protocols/protocol.js';
import { countPromptTokens, countTokens, usageOf } from './count-tokens.js';
import type { SandboxCall } from './read-call.js';
import type { Piece, Script } from './script.js';

export type Answer = Extract<Script, { kind: 'answer' }>;

/** Bytes to send, `delayMs` after those before them. */
export interface TimedFrame {
  text: string;
  delayMs: number;
}

const MAX_CHOICES = 8;
const choicesOf = (call: SandboxCall): number => Math.min(MAX_CHOICES, Math.max(1, call.request.sampling.n ?? 1));

/** By the documented rule; every choice is written, and billed, by itself. */
export function usageOfAnswer(call: SandboxCall, { pieces }: Answer): Usage {
  const count = (kind: Piece['kind']) => pieces.filter((piece) => piece.kind === kind).reduce((sum, piece) => sum + tokensOf(piece), 0);
  const choices = choicesOf(call);
  return usageOf(countPromptTokens(call.request), (count('text') + count('tool-call')) * choices, count('reasoning') * choices);
}

const tokensOf = (piece: Piece): number => countTokens(piece.kind === 'tool-call' ? `${piece.name} ${piece.argumentsText}` : piece.text);

/** The whole answer as JSON. */
export function renderWhole(call: SandboxCall, script: Answer, context: RenderContext): string {
  const parts = partsOf(script.pieces, context.responseId, call.protocol.id);
  const usage = usageOfAnswer(call, script);
  const choices = Array.from({ length: choicesOf(call) }, (_, index) => ({ index, parts, finish: script.finish, rawFinish: null }));
  const response: ChatResponse = { choices, usage, drift: [], extra: {} };
  return JSON.stringify(call.protocol.renderResponse(response, context, { usage, estimated: false }));
}

/** The answer as the protocol's own stream; a script that is not whole ends after its last piece. */
export function renderFrames(call: SandboxCall, script: Answer, context: RenderContext): TimedFrame[] {
  const renderer = call.protocol.createStreamRenderer(context);
  const frames: TimedFrame[] = [];
  const push = (events: ChatEvent[], delayMs = 0) => {
    const item: StreamItem = { events };
    const text = renderer.render(item, false);
    if (text !== '') frames.push({ text, delayMs });
  };
  push([{ type: 'start', upstreamId: context.responseId, upstreamModel: context.model, createdS: context.createdS }]);
  for (let choice = 0; choice < choicesOf(call); choice += 1) pushChoice(call, script, { choice, id: context.responseId, push });
  if (script.ending !== 'whole') return frames;
  const usage = usageOfAnswer(call, script);
  push([{ type: 'usage', usage, raw: null }]);
  push([{ type: 'end' }]);
  frames.push({ text: renderer.finish({ usage, estimated: false }), delayMs: 0 });
  return frames.filter(({ text }) => text !== '');
}

interface Pushing {
  choice: number;
  id: string;
  push(events: ChatEvent[], delayMs?: number): void;
}

function pushChoice(call: SandboxCall, script: Answer, { choice, id, push }: Pushing): void {
  let callIndex = 0;
  script.pieces.forEach((piece, place) => {
    if (piece.kind === 'text') push([{ type: 'text-delta', choice, text: piece.text }], piece.delayMs);
    if (piece.kind === 'tool-call') {
      push([{ type: 'tool-call-start', choice, index: callIndex, id: callId(id, callIndex), name: piece.name, kind: 'function' }], piece.delayMs);
      for (const part of piece.argumentsText.match(/[\s\S]{1,16}/g) ?? []) push([{ type: 'tool-call-delta', choice, index: callIndex, argumentsText: part }]);
      callIndex += 1;
    }
    if (piece.kind !== 'reasoning') return;
    push([{ type: 'reasoning-delta', choice, text: piece.text }], piece.delayMs);
    if (script.pieces[place + 1]?.kind !== 'reasoning') push([{ type: 'reasoning-end', choice, signature: SIGNATURE, origin: call.protocol.id }]);
  });
  if (script.ending === 'whole') push([{ type: 'finish', choice, reason: script.finish, raw: null }]);
}

/** Stands where a provider proves that the thinking is its own; nobody checks it. */
const SIGNATURE = Buffer.from('sandbox').toString('base64');

function partsOf(pieces: readonly Piece[], id: string, origin: string): Part[] {
  const parts: Part[] = [];
  let callIndex = 0;
  for (const piece of pieces) {
    const last = parts.at(-1);
    if (piece.kind === 'tool-call')
      parts.push({ type: 'tool-call', id: callId(id, callIndex++), name: piece.name, arguments: piece.argumentsText, kind: 'function' });
    else if (last?.type === piece.kind) last.text += piece.text;
    else parts.push(piece.kind === 'text' ? { type: 'text', text: piece.text } : { type: 'reasoning', text: piece.text, signature: SIGNATURE, origin });
  }
  return parts;
}

const callId = (responseId: string, index: number): string => `call_${responseId.slice(-12)}${index}`;
