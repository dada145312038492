import type { ChatRequest, RequestNeeds } from '../chat/request.js';
import type { OperationRequest } from './operation.js';

/** An operation as routing, policy and the log see it: which model is asked; there are no messages to look at. */
export function questionOf({ model, models }: OperationRequest): ChatRequest {
  return {
    model,
    ...(models === undefined ? {} : { models }),
    messages: [],
    tools: [],
    sampling: {},
    stream: false,
    includeUsage: false,
    extra: {},
    wireNames: { modalities: 'model', messages: 'model' },
  };
}

/** What it needs from a model. */
export function needsOf({ bounds }: OperationRequest): RequestNeeds {
  return {
    streaming: false,
    tools: false,
    parallelTools: false,
    vision: false,
    audioInput: bounds.audioInput === true,
    audioOutput: bounds.audioOutput === true,
    imageOutput: bounds.imageOutput === true,
    files: false,
    jsonSchema: false,
    jsonObject: false,
    reasoning: false,
    logprobs: false,
    choices: 1,
    promptTokensEstimate: bounds.promptTokens,
    maxOutputTokens: bounds.outputTokens,
  };
}
