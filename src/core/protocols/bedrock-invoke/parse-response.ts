import type { ChatResponse } from '../../chat/response.js';
import { isObject } from '../../json/index.js';
import { UnreadableAnswer, type ParseContext } from '../protocol.js';
import { parseError } from '../shared-bedrock/index.js';
import { answerBodyOf, type Bodies } from './bodies.js';
import { chatOfChoices, chatOfText } from './text-answer.js';

/** The model's own answer, read by the protocol it is written in. */
export function parseResponse(answer: unknown, context: ParseContext, bodies: Bodies): ChatResponse {
  if (!isObject(answer)) throw new UnreadableAnswer('The answer is not a JSON object.', parseError(answer));
  const kind = answerBodyOf(answer);
  if (kind !== null) return bodies[kind].parseResponse(kind === 'chat' ? chatOfChoices(answer) : answer, context);
  const chat = chatOfText(answer);
  if (chat !== null) return bodies.chat.parseResponse(chat, context);
  const facts = parseError(answer);
  throw new UnreadableAnswer(facts?.message ?? 'The answer is written in a form of no model known here.', facts);
}
