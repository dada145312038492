import type { DialectReport } from './dialect-report.js';
import type { Wire } from './member.js';

export function only(wire: Wire, names: readonly string[], report: DialectReport): Wire {
  const kept: Wire = {};
  let dropped = false;
  for (const name of Object.keys(wire)) {
    if (names.includes(name)) {
      kept[name] = wire[name];
    } else {
      dropped = true;
      report.add(name, 'dropped');
    }
  }
  return dropped ? kept : wire;
}
