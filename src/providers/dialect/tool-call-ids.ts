import { createHash } from 'node:crypto';
import type { DialectReport } from './dialect-report.js';
import { isRecord, mapMembers, mapSame, type Wire } from './member.js';

/**
 * Ids of another shape become the start of their digest: the same id gives the same one in every turn, so a call and its
 * result still match and a cached prefix stays valid. Not reported: the client never sees it.
 */
export function toolCallIds(wire: Wire, { length }: { length: number }, _report: DialectReport): Wire {
  const fits = new RegExp(`^[A-Za-z0-9]{${length}}$`);
  const shaped = (id: unknown): unknown => (typeof id !== 'string' || fits.test(id) ? id : digestOf(id, length));
  return mapMembers(wire, 'messages', (message) => withCalls(withResult(message, shaped), shaped));
}

function withResult(message: Wire, shaped: (id: unknown) => unknown): Wire {
  const id = shaped(message['tool_call_id']);
  return id === message['tool_call_id'] ? message : { ...message, tool_call_id: id };
}

function withCalls(message: Wire, shaped: (id: unknown) => unknown): Wire {
  const calls = message['tool_calls'];
  if (!Array.isArray(calls)) return message;
  const next = mapSame(calls as unknown[], (call) => {
    if (!isRecord(call)) return call;
    const id = shaped(call['id']);
    return id === call['id'] ? call : { ...call, id };
  });
  return next === calls ? message : { ...message, tool_calls: next };
}

function digestOf(id: string, length: number): string {
  return createHash('sha256').update(id).digest('hex').slice(0, length);
}
