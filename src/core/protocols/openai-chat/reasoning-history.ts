import type { ReasoningPart } from '../../chat/message.js';
import { Fields, isObject } from '../../json/index.js';

const MAX_DETAILS = 10_000;

/** OpenRouter's names of who issued a signature ↔ our protocols (https://openrouter.ai/docs/use-cases/reasoning-tokens, 2026-11). */
const FORMATS: Readonly<Record<string, string>> = {
  'anthropic-claude-v1': 'anthropic-messages',
  'google-gemini-v1': 'gemini-generate',
  'openai-responses-v1': 'openai-responses',
};
const ORIGINS: Readonly<Record<string, string>> = Object.fromEntries(Object.entries(FORMATS).map(([format, origin]) => [origin, format]));

export function originOfFormat(format: unknown): string | undefined {
  return typeof format === 'string' && format !== '' ? (FORMATS[format] ?? format) : undefined;
}

export function formatOfOrigin(origin: string | undefined): string | null {
  return origin === undefined || origin === '' ? null : (ORIGINS[origin] ?? origin);
}

/**
 * The thinking that a client replays with an assistant message: `reasoning_details` when they carry something, else
 * `thinking_blocks` (LiteLLM's), else the plain text of `reasoning_content` or `reasoning`.
 */
export function reasoningOfHistory(message: Fields): ReasoningPart[] {
  const text = message.string('reasoning_content') ?? plainReasoning(message) ?? '';
  const details = detailParts(message.array('reasoning_details', MAX_DETAILS) ?? []);
  const parts = details.length > 0 ? details : blockParts(message.array('thinking_blocks', MAX_DETAILS) ?? []);
  return text === '' || parts.some((part) => part.text !== '') ? parts : withText(parts, text);
}

/** Proofs without their text: the text stands beside them. */
function withText(parts: readonly ReasoningPart[], text: string): ReasoningPart[] {
  const [first, ...rest] = parts;
  return first?.signature === undefined ? [{ type: 'reasoning', text }, ...parts] : [{ ...first, text }, ...rest];
}

/** `reasoning` is a string in a message (Groq, OpenRouter); anything else under that name is not ours to judge. */
function plainReasoning(message: Fields): string | undefined {
  const value = message.object['reasoning'];
  return typeof value === 'string' ? value : undefined;
}

interface OpenPart {
  part: ReasoningPart;
  index: unknown;
}

/** Clients that collect a stream keep one entry per fragment: neighbours of one index are one block. */
function detailParts(details: readonly unknown[]): ReasoningPart[] {
  const open: OpenPart[] = [];
  for (const detail of details) {
    if (!isObject(detail)) continue;
    const part = detailPart(detail);
    if (part === null) continue;
    const last = open.at(-1);
    if (last !== undefined && continues(last, detail, part)) join(last.part, part);
    else open.push({ part, index: detail['index'] });
  }
  return open.map(({ part }) => part).filter((part) => part.text !== '' || part.signature !== undefined || part.encrypted !== undefined);
}

function continues(last: OpenPart, detail: Record<string, unknown>, part: ReasoningPart): boolean {
  if (last.part.encrypted !== undefined || part.encrypted !== undefined || last.part.signature !== undefined) return false;
  return detail['index'] !== undefined && detail['index'] === last.index;
}

function join(into: ReasoningPart, part: ReasoningPart): void {
  into.text += part.text;
  into.signature ??= part.signature;
  into.origin ??= part.origin;
  into.id ??= part.id;
}

const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

/** One entry of `reasoning_details`; null for kinds that carry nothing. */
export function detailPart(detail: Readonly<Record<string, unknown>>): ReasoningPart | null {
  const part: ReasoningPart = { type: 'reasoning', text: '', origin: originOfFormat(detail['format']), id: text(detail['id']) };
  switch (detail['type']) {
    case 'reasoning.text':
      part.text = text(detail['text']) ?? '';
      part.signature = text(detail['signature']);
      return part;
    case 'reasoning.summary':
      part.text = text(detail['summary']) ?? '';
      return part;
    case 'reasoning.encrypted':
      part.encrypted = text(detail['data']);
      return part.encrypted === undefined ? null : part;
    default:
      return null;
  }
}

function blockParts(blocks: readonly unknown[]): ReasoningPart[] {
  return blocks.filter(isObject).flatMap((block): ReasoningPart[] => {
    const origin = 'anthropic-messages';
    if (block['type'] === 'thinking') return [{ type: 'reasoning', text: text(block['thinking']) ?? '', signature: text(block['signature']), origin }];
    return block['type'] === 'redacted_thinking' ? [{ type: 'reasoning', text: '', encrypted: text(block['data']), origin }] : [];
  });
}
