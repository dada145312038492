import { sse, type Dialect, type Frame, type Script } from './dialect.js';
import { openaiChat, usageOf } from './openai-chat.js';

const head = (script: Script) => ({ id: 'cmpl-simulated', object: 'text_completion', created: 1_700_000_000, model: script.call.model });
const choice = (text: string, finish: string | null) => ({ index: 0, text, logprobs: null, finish_reason: finish });

function whole(script: Script): unknown {
  const answer = { ...head(script), choices: [choice(script.text, script.finish)] };
  return script.answer.usageAt === 'never' ? answer : { ...answer, usage: usageOf(script) };
}

function* frames(script: Script): Iterable<Frame> {
  for (const word of script.words()) yield { text: sse({ ...head(script), choices: [choice(word, null)] }), content: true };
  if (script.answer.unfinished !== true) yield { text: sse({ ...head(script), choices: [choice('', script.finish)] }), content: false };
  if (script.call.includeUsage && script.answer.usageAt !== 'never')
    yield { text: sse({ ...head(script), choices: [], usage: usageOf(script) }), content: false };
  if (script.answer.terminator !== false) yield { text: sse('[DONE]'), content: false };
}

export const openaiCompletions: Dialect = { whole, frames, fault: openaiChat.fault, faultFrame: openaiChat.faultFrame };
