import type { FinishReason } from '../../chat/response.js';
import type { ResponseDialect } from '../dialect.js';

/** https://ai.google.dev/api/generate-content#FinishReason and Vertex's own (MODEL_ARMOR), read 2026-11-21. */
const REASONS: Readonly<Record<string, FinishReason>> = {
  STOP: 'stop',
  MAX_TOKENS: 'length',
  SAFETY: 'content_filter',
  RECITATION: 'content_filter',
  LANGUAGE: 'content_filter',
  BLOCKLIST: 'content_filter',
  PROHIBITED_CONTENT: 'content_filter',
  SPII: 'content_filter',
  IMAGE_SAFETY: 'content_filter',
  IMAGE_PROHIBITED_CONTENT: 'content_filter',
  IMAGE_RECITATION: 'content_filter',
  MODEL_ARMOR: 'content_filter',
  OTHER: 'error',
  IMAGE_OTHER: 'error',
  NO_IMAGE: 'error',
  MALFORMED_FUNCTION_CALL: 'error',
  MALFORMED_RESPONSE: 'error',
  UNEXPECTED_TOOL_CALL: 'error',
  TOO_MANY_TOOL_CALLS: 'error',
  MISSING_THOUGHT_SIGNATURE: 'error',
};

/** Enum numbers, which an upstream answers when it was asked with `$alt=json;enum-encoding=int` (recorded 2025-08). */
const BY_NUMBER = [
  '',
  'STOP',
  'MAX_TOKENS',
  'SAFETY',
  'RECITATION',
  'OTHER',
  'LANGUAGE',
  'BLOCKLIST',
  'PROHIBITED_CONTENT',
  'SPII',
  'MALFORMED_FUNCTION_CALL',
  'IMAGE_SAFETY',
];

export interface ParsedFinish {
  reason: FinishReason;
  raw: string;
  /** False: a word this table does not know, which every addition of the last years has been: a failure. */
  known: boolean;
}

/** Null: the candidate goes on. Gemini says STOP also when the model stopped to call tools. */
export function parseFinish(value: unknown, calledTools: boolean, dialect: ResponseDialect): ParsedFinish | null {
  const raw = rawFinish(value);
  if (raw === null) return null;
  const mapped = dialect.finishMap?.[raw] ?? REASONS[raw];
  const reason = mapped ?? 'error';
  return { reason: reason === 'stop' && calledTools ? 'tool_calls' : reason, raw, known: mapped !== undefined };
}

function rawFinish(value: unknown): string | null {
  const raw = typeof value === 'number' ? BY_NUMBER[value] : value;
  return typeof raw === 'string' && raw !== '' && raw !== 'FINISH_REASON_UNSPECIFIED' ? raw : null;
}

/** Canonical → wire, for Gemini-speaking clients; `raw` is passed on when it is a word of Gemini's. */
export function renderFinish(reason: FinishReason, raw: string | null): string {
  if (raw !== null && REASONS[raw] !== undefined) return raw;
  switch (reason) {
    case 'stop':
    case 'tool_calls':
      return 'STOP';
    case 'length':
      return 'MAX_TOKENS';
    case 'content_filter':
      return 'SAFETY';
    case 'error':
      return 'OTHER';
  }
}
