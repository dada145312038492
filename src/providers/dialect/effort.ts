import type { DialectReport } from './dialect-report.js';
import { isRecord, type Wire } from './member.js';

/** Effort → another effort, members sent instead of it, or null: not sent. Efforts it does not name pass. */
export type EffortMap = Readonly<Record<string, string | Readonly<Record<string, unknown>> | null>>;

export function effort(wire: Wire, map: EffortMap, report: DialectReport): Wire {
  const given = wire['reasoning_effort'];
  if (typeof given !== 'string' || !Object.hasOwn(map, given)) return wire;
  const instead = map[given];
  const { reasoning_effort: _removed, ...rest } = wire;
  if (isRecord(instead)) return { ...rest, ...instead };
  if (typeof instead === 'string') {
    report.add('reasoning_effort', 'clamped', instead);
    return { ...wire, reasoning_effort: instead };
  }
  report.add('reasoning_effort', 'dropped');
  return rest;
}

const LADDER = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'];

/** The nearest effort a model accepts; of two equally near ones the higher, since the client asked for at least some thought. */
export function nearestEffort(given: string, accepted: readonly string[]): string | null {
  const wanted = LADDER.indexOf(given);
  if (wanted < 0 || accepted.includes(given)) return null;
  const known = accepted.filter((name) => LADDER.includes(name));
  const distance = (name: string) => Math.abs(LADDER.indexOf(name) - wanted);
  const sorted = known.toSorted((a, b) => distance(a) - distance(b) || LADDER.indexOf(b) - LADDER.indexOf(a));
  return sorted[0] ?? null;
}
