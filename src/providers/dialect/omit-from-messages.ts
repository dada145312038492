import type { DialectReport } from './dialect-report.js';
import { mapMembers, type Wire } from './member.js';

export function omitFromMessages(wire: Wire, fields: readonly string[], report: DialectReport): Wire {
  return mapMembers(wire, 'messages', (message) => {
    const present = fields.filter((field) => Object.hasOwn(message, field));
    if (present.length === 0) return message;
    for (const field of present) report.addNamed(`messages[].${field}`, 'dropped');
    return Object.fromEntries(Object.entries(message).filter(([name]) => !present.includes(name)));
  });
}
