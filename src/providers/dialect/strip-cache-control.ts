import type { DialectReport } from './dialect-report.js';
import { isRecord, mapMembers, mapSame, type Wire } from './member.js';

const FIELD = 'cache_control';

/** Not reported: a breakpoint changes what a prompt costs at most, never its answer. */
export function stripCacheControl(wire: Wire, _argument: true, _report: DialectReport): Wire {
  const bare = without(wire);
  return mapMembers(mapMembers(bare, 'tools', without), 'messages', (message) => {
    const stripped = without(message);
    const content = stripped['content'];
    if (!Array.isArray(content)) return stripped;
    const next = mapSame(content as unknown[], (part) => (isRecord(part) ? without(part) : part));
    return next === content ? stripped : { ...stripped, content: next };
  });
}

function without(member: Wire): Wire {
  if (!Object.hasOwn(member, FIELD)) return member;
  const { [FIELD]: _removed, ...rest } = member;
  return rest;
}
