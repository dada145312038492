import type { JsonObject } from '../../json/index.js';

/** The id of this protocol: also the `origin` of its signatures and the `protocol` of its opaque parts. */
export const PROTOCOL = 'anthropic-messages';

export { isObject, type JsonObject } from '../../json/index.js';

/** One content block as it stands on the wire. */
export interface WireBlock extends JsonObject {
  type: string;
}

export interface WireTurn {
  role: 'user' | 'assistant' | 'system';
  content: string | WireBlock[];
}

/**
 * Name of the tool that stands in for `response_format: json_schema` where the model has no structured output: the model is made
 * to call it, and whatever it is called with leaves as text. Reserved; a client's tool of this name makes the emulation unsafe.
 */
export const STRUCTURED_OUTPUT_TOOL = 'og_json_response';

/** Blocks that Anthropic's own servers produce and only this protocol can carry (SDK 1.11 types, 2026-11). */
const SERVER_BLOCKS: ReadonlySet<string> = new Set([
  'server_tool_use',
  'mcp_tool_use',
  'mcp_tool_result',
  'web_search_tool_result',
  'web_fetch_tool_result',
  'code_execution_tool_result',
  'bash_code_execution_tool_result',
  'text_editor_code_execution_tool_result',
  'tool_search_tool_result',
  'advisor_tool_result',
  'container_upload',
  'compaction',
  'fallback',
]);

export function isServerBlock(type: string): boolean {
  return SERVER_BLOCKS.has(type);
}

/** Tool ids must match ^[a-zA-Z0-9_-]+$ (Anthropic answers 400 otherwise, observed 2025). */
export const TOOL_ID = /^[a-zA-Z0-9_-]+$/;
