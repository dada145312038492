import type { Part } from '../core/chat/message.js';
import type { ChatRequest } from '../core/chat/request.js';
import { NO_USAGE, type Usage } from '../core/chat/usage.js';

/** An image counts so many tokens, whatever its size. */
export const IMAGE_TOKENS = 100;
const CJK = /[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3\uf900-\ufaff]/g;

/**
 * The sandbox's rule, simple enough to count by hand: a token is a word (a run of characters without white space); Hangul
 * syllables, Kana and Han characters count one each.
 */
export function countTokens(text: string): number {
  const singles = text.match(CJK)?.length ?? 0;
  const words = (singles === 0 ? text : text.replace(CJK, ' ')).match(/\S+/g)?.length ?? 0;
  return singles + words;
}

/** Every text of every message, tool calls and results included; tool definitions by name, description and JSON; images flat. */
export function countPromptTokens(request: ChatRequest): number {
  let tokens = 0;
  for (const message of request.messages) for (const part of message.parts) tokens += partTokens(part);
  for (const tool of request.tools) {
    if (tool.type === 'function') tokens += countTokens(`${tool.name} ${tool.description ?? ''} ${JSON.stringify(tool.parameters ?? {})}`);
  }
  return tokens;
}

function partTokens(part: Part): number {
  switch (part.type) {
    case 'text':
    case 'refusal':
    case 'reasoning':
      return countTokens(part.text);
    case 'tool-call':
      return countTokens(`${part.name} ${part.arguments}`);
    case 'tool-result':
      return part.content.reduce((sum, inner) => sum + partTokens(inner), 0);
    case 'image':
      return IMAGE_TOKENS;
    default:
      return 0;
  }
}

export function usageOf(input: number, output: number, reasoning: number): Usage {
  return { ...NO_USAGE, input, output, reasoning };
}
