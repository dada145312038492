import type { Message, Part, ToolResultPart } from '../../chat/message.js';
import { invalidRequest } from '../../errors/gateway-error.js';
import type { GeminiFacts } from './model-facts.js';
import { renderPart, signatureOf } from './render-part.js';
import { renderToolResult } from './render-tool-result.js';
import type { Wire } from './wire.js';

/**
 * Google documents this value for calls the model did not make itself: history of another model, or of a client that lost the
 * signature; without any, Gemini 3 answers 400 (https://ai.google.dev/gemini-api/docs/thought-signatures, section FAQs, read 2026-11-21).
 */
const SIGNATURE_FOR_FOREIGN_CALLS = 'skip_thought_signature_validator';

interface Content {
  role: 'user' | 'model';
  parts: Wire[];
}

interface Rendering {
  facts: GeminiFacts;
  contents: Content[];
  instruction: Wire[];
  /** Calls made so far: id → name and order, for results that carry an id only. */
  calls: Map<string, { name: string; order: number }>;
}

export interface RenderedContents {
  contents: Content[];
  systemInstruction?: { parts: Wire[] };
}

/** Messages as `contents` and `systemInstruction`; neighbours of one role become one content, as Gemini expects turns to alternate. */
export function renderContents(messages: readonly Message[], facts: GeminiFacts): RenderedContents {
  const rendering: Rendering = { facts, contents: [], instruction: [], calls: new Map() };
  let index = 0;
  while (index < messages.length) {
    const message = messages[index] as Message;
    if (message.role === 'tool') index = renderResults(messages, index, rendering);
    else {
      renderMessage(message, index, rendering);
      index += 1;
    }
  }
  if (facts.signaturesRequired) rendering.contents.forEach(signFirstCall);
  if (rendering.contents.length === 0) rendering.contents.push({ role: 'user', parts: rendering.instruction.splice(0) });
  const contents = rendering.contents.map((content) => (content.parts.length === 0 ? { ...content, parts: [{ text: '' }] } : content));
  return rendering.instruction.length === 0 ? { contents } : { contents, systemInstruction: { parts: rendering.instruction } };
}

function renderMessage(message: Message, index: number, rendering: Rendering): void {
  const assistant = message.role === 'assistant';
  const parts = renderParts(message.parts, { path: `messages[${index}].content`, assistant }, rendering);
  if (message.role === 'system' || message.role === 'developer') rendering.instruction.push(...parts);
  else append(rendering, assistant ? 'model' : 'user', parts);
}

function renderParts(parts: readonly Part[], at: { path: string; assistant: boolean }, rendering: Rendering): Wire[] {
  const rendered: Wire[] = [];
  parts.forEach((part, index) => {
    if (part.type === 'tool-call') rendering.calls.set(part.id, { name: part.name, order: rendering.calls.size });
    if (part.type === 'reasoning' && part.text === '') return attachSignature(rendered, signatureOf(part));
    const wire = renderPart(part, { path: `${at.path}[${index}]`, assistant: at.assistant, facts: rendering.facts });
    if (wire !== null) rendered.push(wire);
  });
  return rendered;
}

/** Puts a signature back on the part it came with; behind a part that has one already it stands alone, as it does in streams. */
function attachSignature(rendered: Wire[], signature: string | undefined): void {
  if (signature === undefined) return;
  const last = rendered.at(-1);
  if (last !== undefined && last['thoughtSignature'] === undefined && last['thought'] !== true && last['functionCall'] === undefined)
    last['thoughtSignature'] = signature;
  else rendered.push({ text: '', thoughtSignature: signature });
}

/** A run of tool messages becomes one user content, its responses in the order of the calls, because calls without ids are matched by order. */
function renderResults(messages: readonly Message[], from: number, rendering: Rendering): number {
  const found: { order: number; wires: Wire[] }[] = [];
  let index = from;
  while (messages[index]?.role === 'tool') {
    (messages[index] as Message).parts.forEach((part, place) => {
      if (part.type !== 'tool-result') return;
      const path = `messages[${index}].content[${place}]`;
      const call = rendering.calls.get(part.toolCallId);
      const wires = renderToolResult(part, functionName(part, call?.name, index), { path, assistant: false, facts: rendering.facts });
      found.push({ order: call?.order ?? Number.MAX_SAFE_INTEGER, wires });
    });
    index += 1;
  }
  found.sort((one, other) => one.order - other.order);
  append(
    rendering,
    'user',
    found.flatMap((result) => result.wires),
  );
  return index;
}

function functionName(part: ToolResultPart, called: string | undefined, index: number): string {
  const name = called ?? part.name;
  if (name !== undefined && name !== '') return name;
  throw invalidRequest(
    `messages[${index}].tool_call_id`,
    `\`messages[${index}].tool_call_id\` (${JSON.stringify(part.toolCallId.slice(0, 64))}) names no tool call of the messages before it.`,
  );
}

function append(rendering: Rendering, role: Content['role'], parts: Wire[]): void {
  const last = rendering.contents.at(-1);
  if (last !== undefined && last.role === role) last.parts.push(...parts);
  else rendering.contents.push({ role, parts });
}

/** Of parallel calls only the first carries a signature; a step whose first call has none is refused. */
function signFirstCall(content: Content): void {
  if (content.role !== 'model') return;
  const first = content.parts.find((part) => part['functionCall'] !== undefined);
  if (first !== undefined && first['thoughtSignature'] === undefined) first['thoughtSignature'] = SIGNATURE_FOR_FOREIGN_CALLS;
}
