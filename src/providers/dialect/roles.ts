import type { DialectReport } from './dialect-report.js';
import { mapMembers, type Wire } from './member.js';

/** Not reported: a role renamed says the same to the model. */
export function roles(wire: Wire, names: Readonly<Record<string, string>>, _report: DialectReport): Wire {
  return mapMembers(wire, 'messages', (message) => {
    const role = message['role'];
    const renamed = typeof role === 'string' && Object.hasOwn(names, role) ? names[role] : undefined;
    return renamed === undefined ? message : { ...message, role: renamed };
  });
}
