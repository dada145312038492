import { hash } from 'node:crypto';
import type { ChatRequest } from '../chat/request.js';
import type { Message } from '../chat/message.js';

export interface AffinityKey {
  /** Scoped by organization; a digest, so that no text of a client stays in a store. */
  value: string;
  source: 'session' | 'prompt_cache_key' | 'prefix';
}

/** Prompt caches of the big providers begin at 1,024 tokens; about four characters each. */
const MIN_PREFIX_CHARS = 4_096;
/** How much of each text goes into a digest: enough to tell sessions apart, bounded for megabyte prompts. */
const SAMPLE_CHARS = 2_048;

/**
 * Which requests share a prompt cache (routing.md section 2), by the first that is present: `x-og-session-id`,
 * `prompt_cache_key`, else the prefix (system, tools, first user turn) when it is long enough to be cached. Null: nothing to keep together.
 */
export function affinityKeyOf(request: ChatRequest, organizationId: string, sessionId?: string): AffinityKey | null {
  if (sessionId !== undefined && sessionId !== '') return { value: digest(`s|${organizationId}|${sessionId}`), source: 'session' };
  if (request.promptCacheKey !== undefined && request.promptCacheKey !== '')
    return { value: digest(`k|${organizationId}|${request.promptCacheKey}`), source: 'prompt_cache_key' };
  const prefix = prefixOf(request);
  return prefix === null ? null : { value: digest(`p|${organizationId}|${request.model}|${prefix}`), source: 'prefix' };
}

function prefixOf(request: ChatRequest): string | null {
  const sample: string[] = [];
  let chars = 0;
  for (const message of request.messages) {
    if (message.role === 'assistant' || message.role === 'tool') break;
    chars += collect(message, sample);
    if (message.role === 'user') break;
  }
  for (const tool of request.tools) {
    if (tool.type !== 'function') continue;
    chars += tool.name.length + (tool.description?.length ?? 0);
    sample.push(tool.name);
  }
  return chars < MIN_PREFIX_CHARS ? null : sample.join('\u0000');
}

function collect(message: Message, sample: string[]): number {
  let chars = 0;
  for (const part of message.parts) {
    if (part.type !== 'text') continue;
    chars += part.text.length;
    sample.push(message.role, String(part.text.length), part.text.slice(0, SAMPLE_CHARS));
  }
  return chars;
}

function digest(text: string): string {
  return hash('sha1', text, 'base64url');
}
