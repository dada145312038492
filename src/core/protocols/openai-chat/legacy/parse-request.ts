import type { ChatRequest } from '../../../chat/request.js';
import { invalidRequest } from '../../../errors/gateway-error.js';
import { Fields, isObject, kindOf, type JsonObject } from '../../../json/index.js';
import { parseRequest as parseChatRequest } from '../parse-request.js';

/** What chat has no word for; reported as dropped when a chat model answers. */
export const LEGACY_MEMBERS = ['suffix', 'echo', 'best_of', 'logprobs'] as const;
const MAX_PROMPTS = 2_048;

/** `prompt` as one user message. Throws GatewayError 400 that names the member. */
export function parseRequest(body: unknown): ChatRequest {
  const { object } = Fields.of(body, '');
  const { prompt, messages: _messages, suffix: _suffix, echo: _echo, best_of: _bestOf, logprobs: _logprobs, ...rest } = object;
  return parseChatRequest({ ...rest, messages: [{ role: 'user', content: textOf(prompt) }] });
}

/** True when the prompt is one text, which is all that a chat model can be asked with. */
export function isOneText(body: JsonObject): boolean {
  const { prompt } = body;
  return typeof prompt === 'string' || (Array.isArray(prompt) && prompt.length === 1 && typeof prompt[0] === 'string');
}

/** The legacy members that were given and say something. */
export function legacyMembersIn(body: unknown): string[] {
  return isObject(body) ? LEGACY_MEMBERS.filter((name) => body[name] !== undefined && body[name] !== null && body[name] !== false) : [];
}

/** Of several texts, or of tokens, the length is what counts here: only completions of their own take those. */
function textOf(prompt: unknown): string {
  if (typeof prompt === 'string') return prompt;
  if (!Array.isArray(prompt) || prompt.length === 0) throw invalidRequest('prompt', `\`prompt\` must be a text, a list of texts, or tokens, but is ${kindOf(prompt)}.`);
  if (prompt.every((token) => typeof token === 'number')) return prompt.join(' ');
  if (prompt.length > MAX_PROMPTS) throw invalidRequest('prompt', `\`prompt\` has ${prompt.length} items; at most ${MAX_PROMPTS} are accepted.`);
  return prompt.map((item, at) => itemText(item, at)).join('\n');
}

function itemText(item: unknown, at: number): string {
  if (typeof item === 'string') return item;
  if (Array.isArray(item) && item.every((token) => typeof token === 'number')) return item.join(' ');
  throw invalidRequest(`prompt[${at}]`, `\`prompt[${at}]\` must be a text or a list of tokens, but is ${kindOf(item)}.`);
}
