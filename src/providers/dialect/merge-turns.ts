import type { DialectReport } from './dialect-report.js';
import { isRecord, type Wire } from './member.js';

/** Members that a merged turn can hold; a turn with any other one (tool calls, a name) stays alone. */
const PLAIN: ReadonlySet<string> = new Set(['role', 'content']);

/** Neighbouring turns of one of these roles become one turn. Not reported: the model reads the same words in the same order. */
export function mergeTurns(wire: Wire, roles: readonly string[], _report: DialectReport): Wire {
  const messages = wire['messages'];
  if (!Array.isArray(messages)) return wire;
  const merged: unknown[] = [];
  for (const message of messages as unknown[]) {
    const last = merged.at(-1);
    if (isMergeable(last, roles) && isMergeable(message, roles) && last['role'] === message['role']) {
      merged[merged.length - 1] = { role: last['role'], content: joined(last['content'], message['content']) };
    } else merged.push(message);
  }
  return merged.length === messages.length ? wire : { ...wire, messages: merged };
}

function isMergeable(message: unknown, roles: readonly string[]): message is Wire {
  if (!isRecord(message) || !roles.includes(message['role'] as string)) return false;
  const { content } = message;
  return (typeof content === 'string' || Array.isArray(content)) && Object.keys(message).every((name) => PLAIN.has(name));
}

function joined(first: unknown, second: unknown): unknown {
  if (typeof first === 'string' && typeof second === 'string') return `${first}\n\n${second}`;
  return [...partsOf(first), ...partsOf(second)];
}

function partsOf(content: unknown): unknown[] {
  return typeof content === 'string' ? [{ type: 'text', text: content }] : (content as unknown[]);
}
