import type { DialectReport } from './dialect-report.js';
import { memberAt, withMember, type Wire } from './member.js';

/** Two names of one parameter in OpenAI's own API: exchanging them adjusts nothing, so strict requests pass. */
const SYNONYMS: ReadonlySet<string> = new Set(['max_tokens', 'max_completion_tokens']);

/** A parameter given under both names keeps the provider's; the other one goes away silently, because nothing is lost. */
export function rename(wire: Wire, names: Readonly<Record<string, string>>, report: DialectReport): Wire {
  let next = wire;
  for (const [from, to] of Object.entries(names)) {
    const value = memberAt(next, from);
    if (value === undefined) continue;
    const alreadyThere = memberAt(next, to) !== undefined;
    next = withMember(next, from, undefined);
    if (alreadyThere) continue;
    next = withMember(next, to, value);
    if (!(SYNONYMS.has(from) && SYNONYMS.has(to)) && report.clientName(from) !== to) report.add(from, 'renamed', to);
  }
  return next;
}
