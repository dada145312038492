import type { DialectReport } from './dialect-report.js';
import { memberAt, withMember, type Wire } from './member.js';

/** Parameter → those the provider refuses beside it. The first one stays. */
export function exclusive(wire: Wire, names: Readonly<Record<string, readonly string[]>>, report: DialectReport): Wire {
  let next = wire;
  for (const [kept, others] of Object.entries(names)) {
    if (memberAt(next, kept) === undefined) continue;
    for (const other of others) {
      if (memberAt(next, other) === undefined) continue;
      next = withMember(next, other, undefined);
      report.add(other, 'dropped', `beside ${kept}`);
    }
  }
  return next;
}
