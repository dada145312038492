import type { Part } from './message.js';
import type { ChatResponse, Choice } from './response.js';
import { uniqueToolCallId } from './tool-call-id.js';

/**
 * The rules of StreamNormaliser for an answer in one piece: one choice per index, in order; `stop` with tool calls is
 * `tool_calls`; every tool call has an id of its own. The identical object comes back when nothing had to be changed.
 */
export function normaliseResponse(response: ChatResponse, idSeed: string): ChatResponse {
  if (isPlain(response.choices)) return response;
  const drift: string[] = [];
  const taken = new Set<string>();
  const ordered = inOrder(response.choices, drift);
  const choices = ordered.map((choice) => normaliseChoice(choice, { taken, idSeed, drift }));
  const same = choices.length === response.choices.length && choices.every((choice, at) => choice === response.choices[at]);
  return same ? response : { ...response, choices, drift: [...response.drift, ...drift] };
}

/** One choice that calls no tool: the rules change nothing. */
function isPlain(choices: readonly Choice[]): boolean {
  const [choice] = choices;
  if (choices.length !== 1 || choice === undefined) return false;
  for (const part of choice.parts) if (part.type === 'tool-call') return false;
  return true;
}

function inOrder(choices: readonly Choice[], drift: string[]): Choice[] {
  const byIndex = new Map<number, Choice>();
  for (const choice of choices) {
    if (byIndex.has(choice.index)) drift.push('choice:repeated');
    else byIndex.set(choice.index, choice);
  }
  return [...byIndex.values()].sort((a, b) => a.index - b.index);
}

interface Naming {
  taken: Set<string>;
  idSeed: string;
  drift: string[];
}

function normaliseChoice(choice: Choice, naming: Naming): Choice {
  const parts = withIds(choice, naming);
  const called = parts.some((part) => part.type === 'tool-call');
  const finish = choice.finish === 'stop' && called ? 'tool_calls' : choice.finish;
  return parts === choice.parts && finish === choice.finish ? choice : { ...choice, parts, finish };
}

function withIds(choice: Choice, { taken, idSeed, drift }: Naming): Part[] {
  let callCount = 0;
  let changed = false;
  const parts = choice.parts.map((part) => {
    if (part.type !== 'tool-call') return part;
    const id = uniqueToolCallId(part.id, taken, `${idSeed}${choice.index === 0 ? '' : `c${choice.index}`}n${callCount}`);
    callCount += 1;
    if (id === part.id) return part;
    changed = true;
    drift.push(part.id === '' ? 'tool_call_id:missing' : 'tool_call_id:repeated');
    return { ...part, id };
  });
  return changed ? parts : choice.parts;
}
