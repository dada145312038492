import type { OperationKind } from '../core/operations/index.js';
import type { ClientProtocolId } from '../core/protocols/protocol.js';

/** An inference endpoint: which protocol its clients speak (how bodies are parsed, answers and errors rendered), and what it serves. */
export interface InferenceRoute {
  readonly path: string;
  readonly protocol: ClientProtocolId;
  /** Undefined for chat. */
  readonly operation?: OperationKind;
}

const route = (path: string, protocol: ClientProtocolId, operation?: OperationKind): InferenceRoute => ({ path, protocol, operation });

/** All of them are POST. Controllers declare them to Nest and to the API reference, the door serves them past both. */
export const INFERENCE_ROUTES = {
  chatCompletions: route('/v1/chat/completions', 'openai-chat'),
  messages: route('/v1/messages', 'anthropic-messages'),
  responses: route('/v1/responses', 'openai-responses'),
  completions: route('/v1/completions', 'openai-completions'),
  embeddings: route('/v1/embeddings', 'openai-chat', 'embeddings'),
  rerank: route('/v1/rerank', 'openai-chat', 'rerank'),
  moderations: route('/v1/moderations', 'openai-chat', 'moderations'),
  images: route('/v1/images/generations', 'openai-chat', 'images'),
  imageEdits: route('/v1/images/edits', 'openai-chat', 'image-edits'),
  speech: route('/v1/audio/speech', 'openai-chat', 'speech'),
  transcriptions: route('/v1/audio/transcriptions', 'openai-chat', 'transcriptions'),
} as const;
