import { GatewayError } from '../../errors/gateway-error.js';
import type { Message, Part } from '../../chat/message.js';
import type { ChatRequest } from '../../chat/request.js';
import type { Adjustments } from './adjustments.js';
import type { AnthropicModelFacts } from './model-facts.js';
import { plainContent, renderPart } from './render-blocks.js';
import { ToolIds } from './tool-ids.js';
import type { WireBlock, WireTurn } from './types.js';

interface RenderedConversation {
  system: WireBlock[];
  messages: WireTurn[];
}

interface Turn {
  role: 'user' | 'assistant' | 'system';
  blocks: WireBlock[];
}

const isInstruction = (message: Message | undefined): boolean => message?.role === 'system' || message?.role === 'developer';

/**
 * Instructions at the start become `system`. Later ones stay in their place, so that order and cache prefix hold: as
 * `role: system` where the model takes it, else marked inside a user turn (hoisting them would leave an assistant turn at the end, a prefill).
 */
export function renderConversation(request: ChatRequest, facts: AnthropicModelFacts, adjustments: Adjustments): RenderedConversation {
  const ids = new ToolIds(toolIdsOf(request.messages));
  const firstTurn = request.messages.findIndex((message) => !isInstruction(message));
  const start = firstTurn < 0 ? request.messages.length : firstTurn;
  const system = request.messages.slice(0, start).flatMap((message, index) => renderParts(message.parts, `messages[${index}]`, ids));
  const turns: Turn[] = [];
  for (const [index, message] of request.messages.entries()) {
    if (index < start) continue;
    const blocks = renderParts(message.parts, `messages[${index}]`, ids);
    if (blocks.length === 0) continue;
    if (!isInstruction(message)) append(turns, message.role === 'assistant' ? 'assistant' : 'user', blocks);
    else if (facts.systemMessages && fitsHere(turns, request.messages, index)) append(turns, 'system', blocks);
    else {
      append(turns, 'user', marked(blocks));
      adjustments.add(`messages[${index}].role`, 'emulated', 'user');
    }
  }
  if (turns.length === 0)
    throw new GatewayError('invalid_request', "'messages' must have at least one message with content besides instructions.", { param: 'messages' });
  finishLastTurn(turns, request, facts, adjustments);
  return { system, messages: turns.map(wireTurn) };
}

function toolIdsOf(messages: readonly Message[]): string[] {
  const ids: string[] = [];
  for (const message of messages) for (const part of message.parts) if (part.type === 'tool-call') ids.push(part.id);
  return ids;
}

function renderParts(parts: readonly Part[], path: string, ids: ToolIds): WireBlock[] {
  return parts.map((part, index) => renderPart(part, `${path}.content[${index}]`, ids)).filter((block) => block !== null);
}

/** Turns of one role are one turn: Anthropic reads them so, and tool results must answer in the turn right after the calls. */
function append(turns: Turn[], role: Turn['role'], blocks: WireBlock[]): void {
  const last = turns.at(-1);
  if (last?.role === role) last.blocks.push(...blocks);
  else turns.push({ role, blocks: [...blocks] });
}

/** `role: system` must follow a user turn and be followed by the assistant or nothing (what's new in Claude Opus 4.8, read 2026-11). */
function fitsHere(turns: readonly Turn[], messages: readonly Message[], index: number): boolean {
  const before = turns.at(-1)?.role;
  const next = messages.slice(index + 1).find((message) => !isInstruction(message));
  return (before === 'user' || before === 'system') && (next === undefined || next.role === 'assistant');
}

function marked(blocks: readonly WireBlock[]): WireBlock[] {
  return blocks.map((block) => (block.type === 'text' ? { ...block, text: `<system>\n${String(block['text'])}\n</system>` } : block));
}

/** A last turn of the assistant is a prefill: newer models refuse it, and none takes it with white space at its end. */
function finishLastTurn(turns: Turn[], request: ChatRequest, facts: AnthropicModelFacts, adjustments: Adjustments): void {
  const last = turns.at(-1);
  if (last?.role !== 'assistant') return;
  const path = `messages[${request.messages.length - 1}]`;
  if (!facts.prefill) throw adjustments.refuse(path, 'this model does not continue an assistant message; end with a user message.');
  const block = last.blocks.at(-1);
  if (block?.type !== 'text' || typeof block['text'] !== 'string') return;
  const text = block['text'].trimEnd();
  if (text === block['text']) return;
  last.blocks[last.blocks.length - 1] = { ...block, text };
  adjustments.add(path, 'clamped', 'trailing white space');
}

function wireTurn(turn: Turn): WireTurn {
  const results = turn.blocks.filter((block) => block.type === 'tool_result');
  const blocks = turn.role === 'user' && results.length > 0 ? [...results, ...turn.blocks.filter((block) => block.type !== 'tool_result')] : turn.blocks;
  return { role: turn.role, content: plainContent(blocks) };
}
