import { hash } from 'node:crypto';
import type { Deployment } from '../catalog/model.js';
import type { ChatRequest } from '../chat/request.js';
import type { Message } from '../chat/message.js';

export interface AffinityKey {
  /** Scoped by organization; a digest, so that no text of a client stays in a store. */
  value: string;
  source: 'session' | 'prompt_cache_key' | 'metadata' | 'prefix';
}

const CHARS_PER_TOKEN = 4;
/** Where the catalogue knows nothing: prompt caches of the big providers begin at 1,024 tokens. */
const MIN_PREFIX_CHARS = 1_024 * CHARS_PER_TOKEN;
/** How much of each text goes into a digest: enough to tell sessions apart, bounded for megabyte prompts. */
const SAMPLE_CHARS = 2_048;

/** Where the key may come from, besides the request itself. */
export interface AffinityContext {
  organizationId: string;
  /** `x-og-session-id`. */
  sessionId?: string | undefined;
  /** Members of `metadata`, or `user`, that the route lets name a session. */
  metadata: readonly string[];
  /** Shorter prefixes are cached nowhere. */
  minPrefixChars: number;
}

/**
 * Which requests share a prompt cache (routing.md section 2), by the first that is present: `x-og-session-id`,
 * `prompt_cache_key`, metadata where the route says so, else the prefix (system, tools, first user turn) when it is long
 * enough to be cached. Null: nothing to keep together.
 */
export function affinityKeyOf(request: ChatRequest, context: AffinityContext): AffinityKey | null {
  const { organizationId, sessionId } = context;
  if (sessionId !== undefined && sessionId !== '') return { value: digest(`s|${organizationId}|${sessionId}`), source: 'session' };
  if (request.promptCacheKey !== undefined && request.promptCacheKey !== '')
    return { value: digest(`k|${organizationId}|${request.promptCacheKey}`), source: 'prompt_cache_key' };
  const named = context.metadata.length === 0 ? null : metadataOf(request, context.metadata);
  if (named !== null) return { value: digest(`m|${organizationId}|${named}`), source: 'metadata' };
  const prefix = prefixOf(request, context.minPrefixChars);
  return prefix === null ? null : { value: digest(`p|${organizationId}|${request.model}|${prefix}`), source: 'prefix' };
}

function metadataOf(request: ChatRequest, names: readonly string[]): string | null {
  for (const name of names) {
    const value = name === 'user' ? request.user : request.metadata?.[name];
    if (typeof value === 'string' && value !== '') return `${name}|${value}`;
  }
  return null;
}

/** From how many characters on a prefix is worth keeping together: what the readiest of these would cache. */
export function minPrefixChars(deployments: readonly Deployment[]): number {
  let tokens: number | undefined;
  for (const { cache } of deployments) {
    const least = cache?.minTokens;
    if (least !== undefined && (tokens === undefined || least < tokens)) tokens = least;
  }
  return tokens === undefined ? MIN_PREFIX_CHARS : tokens * CHARS_PER_TOKEN;
}

/** Staying is worth nothing where reading a cached prompt costs what reading it anew does. */
export function readsCacheCheaper({ price }: Deployment): boolean {
  return price?.tokens.cacheRead !== undefined && price.tokens.cacheRead < (price.tokens.input ?? 0n);
}

function prefixOf(request: ChatRequest, minChars: number): string | null {
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
  return chars < minChars ? null : sample.join('\u0000');
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
