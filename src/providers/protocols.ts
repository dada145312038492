import { anthropicMessages } from '../core/protocols/anthropic-messages/index.js';
import { bedrockConverse } from '../core/protocols/bedrock-converse/index.js';
import { bedrockInvoke } from '../core/protocols/bedrock-invoke/index.js';
import { cohereChat } from '../core/protocols/cohere-chat/index.js';
import { geminiGenerate } from '../core/protocols/gemini-generate/index.js';
import { ollamaChat } from '../core/protocols/ollama-chat/index.js';
import { openaiChat, openaiCompletions } from '../core/protocols/openai-chat/index.js';
import { openaiResponses } from '../core/protocols/openai-responses/index.js';
import type { ProtocolId, UpstreamProtocol } from '../core/protocols/protocol.js';

/** Every protocol an upstream may speak. */
export const UPSTREAM_PROTOCOLS = {
  'openai-chat': openaiChat,
  'openai-completions': openaiCompletions,
  'anthropic-messages': anthropicMessages,
  'gemini-generate': geminiGenerate,
  'openai-responses': openaiResponses,
  'cohere-chat': cohereChat,
  'ollama-chat': ollamaChat,
  'bedrock-converse': bedrockConverse,
  'bedrock-invoke': bedrockInvoke({ messages: anthropicMessages, converse: bedrockConverse, chat: openaiChat }),
} as const satisfies Readonly<Record<ProtocolId, UpstreamProtocol>>;
