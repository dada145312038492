import type { FinishReason } from '../../chat/response.js';
import type { ResponseDialect } from '../dialect.js';

export const COHERE = 'cohere-chat';

/** Values of `finish_reason` (https://docs.cohere.com/reference/chat, read 2026-11-21; ERROR_* of the first version still seen at resellers). */
const FINISH: Readonly<Record<string, FinishReason>> = {
  COMPLETE: 'stop',
  STOP_SEQUENCE: 'stop',
  USER_CANCEL: 'stop',
  MAX_TOKENS: 'length',
  ERROR_LIMIT: 'length',
  TOOL_CALL: 'tool_calls',
  ERROR_TOXIC: 'content_filter',
};

/** Reasons that are no end but a failure, and the status each stands for. */
const FAILURES: Readonly<Record<string, number>> = { ERROR: 500, TIMEOUT: 504 };

/** Null: a reason nobody knows. */
export function finishOf(raw: string, dialect: ResponseDialect): FinishReason | null {
  return dialect.finishMap?.[raw] ?? FINISH[raw] ?? null;
}

export function failureStatusOf(raw: unknown, dialect: ResponseDialect): number | undefined {
  return typeof raw === 'string' && dialect.finishMap?.[raw] === undefined ? FAILURES[raw] : undefined;
}

export const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
