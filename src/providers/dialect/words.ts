import type { DialectReport } from './dialect-report.js';
import type { Wire } from './member.js';
import { anyOfTypes } from './any-of-types.js';
import { clamp, type Range } from './clamp.js';
import { defaults } from './default.js';
import { effort, type EffortMap } from './effort.js';
import { exclusive } from './exclusive.js';
import { mergeTurns } from './merge-turns.js';
import { omit } from './omit.js';
import { omitFromMessages } from './omit-from-messages.js';
import { only } from './only.js';
import { rename } from './rename.js';
import { responseFormat } from './response-format.js';
import { roles } from './roles.js';
import { stripCacheControl } from './strip-cache-control.js';
import { toolCallIds } from './tool-call-ids.js';
import { toolChoice, type ToolChoiceMap } from './tool-choice.js';

/** The closed vocabulary in which a definition says how a provider's *requests* deviate from its protocol, with each word's argument. */
export interface RequestVocabulary {
  /** The provider refuses or ignores these parameters. */
  omit: readonly string[];
  /** The provider refuses everything but these (its API forbids extra members). */
  only: readonly string[];
  /** Wire name → the provider's name. */
  rename: Readonly<Record<string, string>>;
  /** Sent when the request has none. */
  default: Readonly<Record<string, unknown>>;
  clamp: Readonly<Record<string, Range>>;
  /** Message role → the provider's word for it. */
  roles: Readonly<Record<string, string>>;
  /** Fields of messages the provider refuses. */
  omitFromMessages: readonly string[];
  toolChoice: ToolChoiceMap;
  /** The provider knows `json_object` only: the schema goes into the prompt. */
  responseFormat: 'json_object';
  /** Value of `reasoning_effort` → what is sent instead. */
  effort: EffortMap;
  /** The provider takes tool call ids of exactly so many letters and digits. */
  toolCallIds: { length: number };
  stripCacheControl: true;
  /** Parameter → those the provider refuses beside it. */
  exclusive: Readonly<Record<string, readonly string[]>>;
  /** The provider wants turns of these roles to alternate. */
  mergeTurns: readonly string[];
  /** The provider wants a schema's `type` inside the alternatives of its `anyOf`. */
  anyOfTypes: true;
}

export type RequestWord = { [Word in keyof RequestVocabulary]: { readonly [Key in Word]: RequestVocabulary[Word] } }[keyof RequestVocabulary];

/** Each word: pure, replaces members of the wire and never changes one in place. */
export type WordFunction<Word extends keyof RequestVocabulary> = (wire: Wire, argument: RequestVocabulary[Word], report: DialectReport) => Wire;

export const WORDS: { readonly [Word in keyof RequestVocabulary]: WordFunction<Word> } = {
  omit,
  only,
  rename,
  default: defaults,
  clamp,
  roles,
  omitFromMessages,
  toolChoice,
  responseFormat,
  effort,
  toolCallIds,
  stripCacheControl,
  exclusive,
  mergeTurns,
  anyOfTypes,
};

/** Applies the words in their order. */
export function applyWords(wire: Wire, words: readonly RequestWord[], report: DialectReport): Wire {
  let next = wire;
  for (const word of words) {
    for (const [name, argument] of Object.entries(word)) {
      const apply = WORDS[name as keyof RequestVocabulary] as WordFunction<never>;
      next = apply(next, argument as never, report);
    }
  }
  return next;
}
