import { invalidRequest } from '../../core/errors/gateway-error.js';
import { isTimezone } from '../../core/policy/index.js';

export const USAGE_GROUPS = ['hour', 'day', 'month', 'model', 'provider', 'project', 'key'] as const;
export type UsageGroup = (typeof USAGE_GROUPS)[number];

/** The words of `?from=&to=&timezone=&group_by=`. */
export interface UsageWords {
  readonly from?: string;
  readonly to?: string;
  readonly timezone?: string;
  readonly group_by?: string;
}

export interface UsageQuery {
  readonly organizationId?: string;
  readonly projectId?: string;
  readonly keyId?: string;
  readonly model?: string;
  /** A date in the timezone, or a time with offset. Inclusive; default 30 days before `to`. */
  readonly from?: string;
  /** Exclusive; default now. */
  readonly to?: string;
  readonly timezone: string;
  readonly groupBy: readonly UsageGroup[];
}

const DATE = /^\d{4}-\d{2}-\d{2}$/;
const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})$/;
const MAX_GROUPS = 3;

/** Throws 400 that names the parameter. `groups`: what this caller may group by. */
export function parseUsageWords(words: UsageWords, defaults: { timezone: string; groups: readonly string[] }): { from?: string; to?: string; timezone: string; groupBy: string[] } {
  const timezone = words.timezone ?? defaults.timezone;
  if (!isTimezone(timezone)) throw invalidRequest('timezone', `timezone must be an IANA timezone like Asia/Seoul, not ${JSON.stringify(timezone.slice(0, 64))}.`);
  return { from: timeOf('from', words.from), to: timeOf('to', words.to), timezone, groupBy: groupsOf(words.group_by, defaults.groups) };
}

/** A date is the beginning of that day in the query's timezone. */
export function isDate(text: string): boolean {
  return DATE.test(text);
}

function timeOf(param: string, text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  // Date.parse takes a 30th of February for the 2nd of March; written back, it is another day.
  const day = new Date(`${text.slice(0, 10)}T00:00:00Z`);
  const isReal = !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text.slice(0, 10));
  if (isReal && (DATE.test(text) || (TIME.test(text) && !Number.isNaN(Date.parse(text))))) return text;
  throw invalidRequest(param, `${param} must be a date like 2026-11-01, or a time like 2026-11-01T09:00:00+09:00.`);
}

function groupsOf(text: string | undefined, known: readonly string[]): string[] {
  const groups = text === undefined || text === '' ? [] : text.split(',').map((word) => word.trim());
  const unknown = groups.find((group) => !known.includes(group));
  if (unknown !== undefined) throw invalidRequest('group_by', `group_by knows ${known.join(', ')}, not ${JSON.stringify(unknown.slice(0, 32))}.`);
  if (groups.length > MAX_GROUPS || new Set(groups).size !== groups.length) throw invalidRequest('group_by', `group_by takes up to ${MAX_GROUPS} different words.`);
  return groups;
}
