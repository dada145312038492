import type { UpstreamProtocol } from '../protocol.js';

/** The wires that stand inside an invocation. They are handed in, because protocols do not know each other. */
export interface Bodies {
  /** Claude: Anthropic's Messages. */
  readonly messages: UpstreamProtocol;
  /** Nova: Converse's members, with an `inferenceConfig` of its own. */
  readonly converse: UpstreamProtocol;
  /** Everyone who took over OpenAI's chat completions, and every older text model once it was translated (`text-answer.ts`). */
  readonly chat: UpstreamProtocol;
}

export type BodyKind = keyof Bodies;

/** `titan`: one text. `prompt`: one text in a template of the model's own. */
type RequestBody = BodyKind | 'titan' | 'prompt';

/** Models by the first words of their ids, behind a region's prefix (`us.`, `apac.`, `global.`) or inside an ARN. The first that fits. */
const REQUEST_BODIES: readonly (readonly [model: RegExp, body: RequestBody])[] = [
  [/(?:^|[./])amazon\.titan/, 'titan'],
  [/(?:^|[./])amazon\./, 'converse'],
  // Mistral's models before 2024-07 take one prompt with `[INST]`; Llama's, Cohere's and Jurassic have templates or members of their own.
  [/(?:^|[./])(?:mistral\.(?:mistral-(?:7b|large-2402|small-2402)|mixtral)|meta\.|cohere\.|ai21\.j2)/, 'prompt'],
  [/(?:^|[./])(?:mistral|ai21|deepseek|openai|qwen|minimax|moonshot(?:ai)?|zai|nvidia|google|writer)\./, 'chat'],
];

/** How a request for this model is written. Claude's way, when its name says nothing: an alias or an ARN is mostly Claude's. */
export function requestBodyOf(model: string): RequestBody {
  return REQUEST_BODIES.find(([pattern]) => pattern.test(model))?.[1] ?? 'messages';
}

/** Whose answer this is, by its members: a model's name may be an alias or an ARN that says nothing. Null: none of the three. */
export function answerBodyOf(answer: Readonly<Record<string, unknown>>): BodyKind | null {
  if (typeof answer['type'] === 'string') return 'messages';
  if (Array.isArray(answer['choices'])) return 'chat';
  return CONVERSE_MEMBERS.some((name) => typeof answer[name] === 'object' && answer[name] !== null) ? 'converse' : null;
}

/** Nova's whole answer, and the events of its stream, each under its name. */
export const CONVERSE_MEMBERS = ['output', 'messageStart', 'contentBlockStart', 'contentBlockDelta', 'contentBlockStop', 'messageStop', 'metadata'] as const;
