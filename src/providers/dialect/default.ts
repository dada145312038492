import type { DialectReport } from './dialect-report.js';
import { memberAt, withMember, type Wire } from './member.js';

/** Not reported: the client gave nothing that could have changed. */
export function defaults(wire: Wire, values: Readonly<Record<string, unknown>>, _report: DialectReport): Wire {
  let next = wire;
  for (const [path, value] of Object.entries(values)) {
    if (memberAt(next, path) === undefined) next = withMember(next, path, value);
  }
  return next;
}
