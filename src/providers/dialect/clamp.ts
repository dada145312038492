import type { DialectReport } from './dialect-report.js';
import { memberAt, withMember, type Wire } from './member.js';

export interface Range {
  readonly min?: number;
  readonly max?: number;
}

/** Numbers only; anything else is the protocol's to refuse. */
export function clamp(wire: Wire, ranges: Readonly<Record<string, Range>>, report: DialectReport): Wire {
  let next = wire;
  for (const [path, { min = -Infinity, max = Infinity }] of Object.entries(ranges)) {
    const value = memberAt(next, path);
    if (typeof value !== 'number') continue;
    const clamped = Math.min(max, Math.max(min, value));
    if (clamped === value) continue;
    next = withMember(next, path, clamped);
    report.add(path, 'clamped', String(clamped));
  }
  return next;
}
