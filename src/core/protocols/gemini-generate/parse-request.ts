import type { ChatRequest } from '../../chat/request.js';
import { invalidRequest } from '../../errors/gateway-error.js';
import { parseContents } from './parse-contents.js';
import { parseGenerationConfig } from './parse-generation-config.js';
import { parseTools } from './parse-tools.js';
import { isWire, remainder, stringMember, writtenName } from './wire.js';

const KNOWN: ReadonlySet<string> = new Set(['model', 'contents', 'systemInstruction', 'tools', 'toolConfig', 'generationConfig', 'serviceTier']);

/**
 * A `generateContent` body as a canonical request. Model and streaming stand in the URL, so the caller sets `model` and `stream`
 * (a `model` in the body is taken without its `models/`). What has no canonical place is kept in `extra` under its own name;
 * `extra.generationConfig` and `extra.toolConfig` hold just the members of those objects that are left.
 */
export function parseRequest(body: unknown): ChatRequest {
  if (!isWire(body)) throw invalidRequest('', 'The body must be a JSON object.');
  const messages = parseContents(body);
  const tools = parseTools(body);
  const config = parseGenerationConfig(body);
  const { rest, ...generation } = config;
  const request: ChatRequest = {
    ...generation,
    model: (stringMember(body, 'model', '') ?? '').replace(/^models\//, ''),
    messages,
    tools: tools.tools,
    stream: false,
    includeUsage: true,
    extra: remainder(body, KNOWN),
    wireNames: { ...generation.wireNames },
  };
  if (tools.toolChoice !== undefined) request.toolChoice = tools.toolChoice;
  const tier = stringMember(body, 'serviceTier', '');
  if (tier !== undefined) request.serviceTier = tier.toLowerCase().replace(/^service_tier_/, '');
  for (const camel of ['serviceTier', 'tools', 'toolConfig'] as const) {
    const written = writtenName(body, camel);
    if (written !== null) request.wireNames[camel === 'toolConfig' ? 'toolChoice' : camel] = written;
  }
  if (Object.keys(rest).length > 0) request.extra['generationConfig'] = rest;
  if (Object.keys(tools.rest).length > 0) request.extra['toolConfig'] = tools.rest;
  return request;
}
