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

/** Vendors by the first word of a model's id, behind a region's prefix (`us.`, `apac.`, `global.`) or inside an ARN. */
const VENDOR = /(?:^|[./])(anthropic|amazon|meta|mistral|cohere|ai21|deepseek|openai|qwen|minimax|moonshot(?:ai)?|zai|nvidia|google|writer)\.([\w.-]*)/;
const CHAT_VENDORS: ReadonlySet<string> = new Set(['deepseek', 'openai', 'qwen', 'minimax', 'moonshot', 'moonshotai', 'zai', 'nvidia', 'google', 'writer']);

/** How a request for this model is written: one of the bodies, `titan`, or null for models that take one prompt in a template of their own. */
export function requestBodyOf(model: string): BodyKind | 'titan' | null {
  const [, vendor = 'anthropic', name = ''] = VENDOR.exec(model) ?? [];
  if (vendor === 'anthropic') return 'messages';
  if (vendor === 'amazon') return name.startsWith('titan') ? 'titan' : 'converse';
  if (CHAT_VENDORS.has(vendor)) return 'chat';
  if (vendor === 'ai21') return name.startsWith('jamba') ? 'chat' : null;
  // Mistral's models before 2024-07 take one prompt with `[INST]`; Llama's and Cohere's have templates or members of their own.
  return vendor === 'mistral' && !/^mistral-(?:7b|large-2402|small-2402)|^mixtral/.test(name) ? 'chat' : null;
}

/** Whose answer this is, by its members: a model's name may be an alias or an ARN that says nothing. Null: none of the three. */
export function answerBodyOf(answer: Readonly<Record<string, unknown>>): BodyKind | null {
  if (typeof answer['type'] === 'string') return 'messages';
  if (Array.isArray(answer['choices'])) return 'chat';
  return CONVERSE_MEMBERS.some((name) => typeof answer[name] === 'object' && answer[name] !== null) ? 'converse' : null;
}

/** Nova's whole answer, and the events of its stream, each under its name. */
export const CONVERSE_MEMBERS = ['output', 'messageStart', 'contentBlockStart', 'contentBlockDelta', 'contentBlockStop', 'messageStop', 'metadata'] as const;
