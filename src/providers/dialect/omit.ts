import type { DialectReport } from './dialect-report.js';
import { memberAt, withMember, type Wire } from './member.js';

export function omit(wire: Wire, paths: readonly string[], report: DialectReport): Wire {
  let next = wire;
  for (const path of paths) {
    if (memberAt(next, path) === undefined) continue;
    next = withMember(next, path, undefined);
    report.add(path, 'dropped');
  }
  return next;
}
