import type { RequestLog } from '../core/request-log/request-log.js';
import { RowEncoder } from '../platform/database/index.js';
import { hasPayload, LOG_ROWS } from './log-row.js';

/** A record on its way to the database. */
export interface QueuedLog {
  readonly requestId: string;
  /** Of `LOGS`. */
  readonly row: Uint8Array;
  /** Whose payload is to be written, too. */
  readonly payload: RequestLog | null;
  /** Of the payload. */
  readonly chars: number;
}

export const LOGS = new RowEncoder(LOG_ROWS);

/** Throws a RangeError when the database could not take it. */
export function queuedLogOf(log: RequestLog): QueuedLog {
  const chars = (log.requestBody?.length ?? 0) + (log.responseBody?.length ?? 0);
  return { requestId: log.requestId, row: LOGS.encode(log), payload: hasPayload(log) ? log : null, chars };
}

export function withoutPayload({ requestId, row }: QueuedLog): QueuedLog {
  return { requestId, row, payload: null, chars: 0 };
}
