import { anthropicMessages } from '../core/protocols/anthropic-messages/index.js';
import { geminiGenerate } from '../core/protocols/gemini-generate/index.js';
import { openaiChat, openaiCompletions } from '../core/protocols/openai-chat/index.js';
import { openaiResponses } from '../core/protocols/openai-responses/index.js';
import type { ChatProtocol, ClientProtocolId } from '../core/protocols/protocol.js';

/** Every protocol a client may speak. */
export const PROTOCOLS: Readonly<Record<ClientProtocolId, ChatProtocol>> = {
  'openai-chat': openaiChat,
  'openai-completions': openaiCompletions,
  'anthropic-messages': anthropicMessages,
  'gemini-generate': geminiGenerate,
  'openai-responses': openaiResponses,
};
