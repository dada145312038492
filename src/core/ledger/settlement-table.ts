import { completionTokens, promptTokens, type Usage } from '../chat/usage.js';
import { isBelievable } from '../pricing/charge.js';
import type { Ending, SettlementPolicy } from './settlement.js';

export const DEFAULT_POLICY: Readonly<SettlementPolicy> = Object.freeze({ zeroCompletionInsurance: true, chargeCanceledPrompt: true });

/** Which usage is charged: the basis of the money. */
export interface Basis {
  usage: Usage;
  estimated: boolean;
  /** Nothing was generated: no price per request, image or second. */
  promptOnly?: boolean;
}

/** An ending as the table looks at it. */
interface Seen {
  readonly ending: Ending;
  /** The provider's usage when it can be believed. */
  readonly usage: Usage | undefined;
  readonly policy: SettlementPolicy;
}

export interface SettlementRow {
  readonly id: string;
  when(seen: Seen): boolean;
  /** Null: everything held is released. */
  basis(seen: Seen): Basis | null;
}

const release = (): null => null;

/**
 * The settlement policy, ending by ending: the first row that applies decides. Flags are a provider's (`bill_partial`,
 * `zero_completion_insurance`, `charge_canceled_prompt`); what drains read on for is in the usage already.
 */
export const SETTLEMENT_TABLE: readonly SettlementRow[] = [
  { id: 'nobody was asked', when: ({ ending }) => ending.price === null, basis: release },

  { id: 'client gone before headers', when: ({ ending }) => ending.end === 'canceled' && !ending.hadHeaders, basis: release },
  {
    id: 'client gone before the first token',
    when: ({ ending }) => ending.end === 'canceled' && !ending.hadContent,
    basis: (seen) => (seen.policy.chargeCanceledPrompt ? { ...reported(seen), usage: promptOf(reported(seen).usage), promptOnly: true } : null),
  },
  { id: 'client gone, usage complete', when: (seen) => seen.ending.end === 'canceled' && isWhole(seen), basis: reported },
  { id: 'client gone in mid-stream', when: ({ ending }) => ending.end === 'canceled', basis: delivered },

  { id: 'zero completion insurance', when: (seen) => isFailure(seen) && seen.policy.zeroCompletionInsurance && isEmpty(seen), basis: release },
  { id: 'refused by the upstream', when: (seen) => isFailure(seen) && !seen.ending.hadHeaders, basis: release },
  { id: 'partial answers are not billed', when: (seen) => isFailure(seen) && !seen.ending.billPartial, basis: release },
  { id: 'upstream died in mid-stream', when: isFailure, basis: delivered },

  { id: 'completed', when: () => true, basis: reported },
];

const COMPLETED = SETTLEMENT_TABLE.at(-1) as SettlementRow;

/** The row that decides, and what it charges. Pure. */
export function basisOf(ending: Ending, policy: SettlementPolicy): { row: SettlementRow; basis: Basis | null } {
  const usage = ending.usage !== undefined && isBelievable(ending.usage) ? ending.usage : undefined;
  const seen = { ending, usage, policy };
  // Every row between the first and the last one asks for another end.
  const isUsual = ending.end === 'completed' && ending.price !== null;
  const row = isUsual ? COMPLETED : (SETTLEMENT_TABLE.find((one) => one.when(seen)) as SettlementRow);
  return { row, basis: row.basis(seen) };
}

function isFailure({ ending }: Seen): boolean {
  return ending.end === 'failed';
}

/** The provider's usage; missing or unbelievable, our own estimate, marked as one. */
function reported({ ending, usage }: Seen): Basis {
  return { usage: usage ?? ending.delivered, estimated: usage === undefined };
}

/** What the client got, with the provider's own count of the prompt where it has one: never what was generated and not passed on. */
function delivered({ ending, usage }: Seen): Basis {
  return { usage: usage === undefined ? ending.delivered : withPromptOf(usage, ending.delivered), estimated: true };
}

/**
 * Whether a usage seen before a client left is the answer's whole. Anthropic reports the prompt and a first token in
 * `message_start` (seen in recorded streams, 2026-11-21): far less than what was delivered, so that it is only a beginning.
 */
function isWhole({ ending, usage }: Seen): boolean {
  return usage !== undefined && completionTokens(usage) * 2 >= completionTokens(ending.delivered);
}

function isEmpty(seen: Seen): boolean {
  return !seen.ending.hadContent || completionTokens(delivered(seen).usage) === 0;
}

function withPromptOf(usage: Usage, answer: Usage): Usage {
  const { input, cacheRead, cacheWrite, cacheWrite1h, audioIn } = usage;
  return promptTokens(usage) === 0 ? answer : { ...answer, input, cacheRead, cacheWrite, cacheWrite1h, audioIn };
}

function promptOf(usage: Usage): Usage {
  return { ...usage, output: 0, reasoning: 0, audioOut: 0, image: 0 };
}
