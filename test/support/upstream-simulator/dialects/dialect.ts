import type { Call } from '../call.js';
import type { Answer, Fault, Tokens, ToolCall } from '../scenario.js';

/** One piece of a stream's body. */
export interface Frame {
  text: string | Uint8Array;
  /** A piece of content, which `afterPieces` counts and `gapMs` separates. */
  content: boolean;
  waitMs?: number;
}

/** An answer with everything decided: what is said is the same in every protocol. */
export interface Script {
  reasoning: string[];
  signature: string | undefined;
  /** Pieces of text; without end when the answer is. */
  words: () => Iterable<string>;
  text: string;
  calls: Required<Pick<ToolCall, 'id' | 'name'>>[];
  arguments: string[];
  finish: NonNullable<Answer['finish']>;
  tokens: Tokens;
  answer: Answer;
  call: Call;
}

/** One provider's way to say a script. */
export interface Dialect {
  whole(script: Script): unknown;
  frames(script: Script): Iterable<Frame>;
  fault(fault: Fault): unknown;
  /** What of an error stands in headers. */
  faultHeaders?(fault: Fault): Record<string, string>;
  /** An error inside a stream. */
  faultFrame(fault: Fault): string | Uint8Array;
  /** Content type of its streams; server-sent events when it says nothing. */
  streamType?: string;
}

export function scriptOf(answer: Answer, call: Call): Script {
  const text = answer.echo === true ? call.lastUserText : (answer.text ?? Array.from({ length: answer.tokens ?? 0 }, (_, index) => `t${index} `).join(''));
  const words = text.match(/\S+\s*|\s+/g) ?? [];
  const calls = answer.toolCalls ?? [];
  const reasoning = (answer.reasoning ?? '').match(/\S+\s*|\s+/g) ?? [];
  return {
    reasoning,
    signature: answer.signature,
    words: () => (answer.endless === true ? endless(words) : words),
    text,
    calls: calls.map((toolCall, index) => ({ id: toolCall.id ?? `call_${index}`, name: toolCall.name })),
    arguments: calls.map((toolCall) => (typeof toolCall.arguments === 'string' ? toolCall.arguments : JSON.stringify(toolCall.arguments))),
    finish: answer.finish ?? (calls.length > 0 ? 'tool_calls' : 'stop'),
    tokens: answer.usage ?? { prompt: 10, completion: words.length + reasoning.length + calls.length, reasoning: reasoning.length },
    answer,
    call,
  };
}

function* endless(words: readonly string[]): Iterable<string> {
  yield* words;
  for (let index = 0; ; index += 1) yield `e${index} `;
}

/** Two halves of a call's arguments, so that clients have something to join. */
export function halves(text: string): string[] {
  const middle = Math.ceil(text.length / 2);
  return [text.slice(0, middle), text.slice(middle)].filter((half) => half !== '');
}

/** Ends a stream of frames with the answer's error once enough content was said. */
export function* withFault(frames: Iterable<Frame>, script: Script, dialect: Pick<Dialect, 'faultFrame'>): Iterable<Frame> {
  const { error } = script.answer;
  let pieces = 0;
  if (error?.afterPieces === 0) return yield { text: dialect.faultFrame(error), content: false };
  for (const frame of frames) {
    yield frame;
    if (frame.content) pieces += 1;
    if (error !== undefined && frame.content && pieces >= error.afterPieces) return yield { text: dialect.faultFrame(error), content: false };
  }
}

export const sse = (data: unknown, event?: string): string =>
  `${event === undefined ? '' : `event: ${event}\n`}data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`;
