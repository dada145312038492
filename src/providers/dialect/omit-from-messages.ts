import type { DialectReport } from './dialect-report.js';
import { mapMembers, type Wire } from './member.js';

/** What a model thought in earlier turns is no parameter: leaving it out adjusts nothing a client asked for. */
const SILENT: ReadonlySet<string> = new Set(['reasoning_content', 'reasoning', 'reasoning_details']);

export function omitFromMessages(wire: Wire, fields: readonly string[], report: DialectReport): Wire {
  return mapMembers(wire, 'messages', (message) => {
    const present = fields.filter((field) => Object.hasOwn(message, field));
    if (present.length === 0) return message;
    for (const field of present) if (!SILENT.has(field)) report.addNamed(`messages[].${field}`, 'dropped');
    return Object.fromEntries(Object.entries(message).filter(([name]) => !present.includes(name)));
  });
}
