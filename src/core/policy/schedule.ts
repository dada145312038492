import type { Schedule } from './caller.js';

const DAY_NAMES = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'] as const;
const MINUTES_PER_DAY = 1_440;

export interface CompiledSchedule {
  readonly text: string;
  allows(nowMs: number, defaultTimezone: string): boolean;
}

/** A window belongs to the day on which it starts: Friday 22:00–06:00 includes Saturday's early hours, not Friday's. */
export function compileSchedule(schedule: Schedule): CompiledSchedule {
  const days = new Set(schedule.days ?? [0, 1, 2, 3, 4, 5, 6]);
  const from = schedule.from === undefined ? 0 : minuteOf(schedule.from);
  const to = schedule.to === undefined ? MINUTES_PER_DAY : minuteOf(schedule.to);
  return {
    text: describe(schedule),
    allows: (nowMs, defaultTimezone) => {
      const { weekday, minute } = wallClock(schedule.timezone ?? defaultTimezone, nowMs);
      if (from < to) return days.has(weekday) && minute >= from && minute < to;
      return (days.has(weekday) && minute >= from) || (days.has((weekday + 6) % 7) && minute < to);
    },
  };
}

function describe(schedule: Schedule): string {
  const days = schedule.days === undefined ? 'every day' : schedule.days.map((day) => DAY_NAMES[day]).join(', ');
  const timezone = schedule.timezone === undefined ? '' : ` ${schedule.timezone}`;
  return `${days} ${schedule.from ?? '00:00'}–${schedule.to ?? '24:00'}${timezone}`;
}

function minuteOf(text: string): number {
  return Number(text.slice(0, 2)) * 60 + Number(text.slice(3, 5));
}

interface WallClock {
  weekday: number;
  minute: number;
}
interface TimezoneClock {
  readonly format: Intl.DateTimeFormat;
  epochMinute: number;
  last: WallClock;
}

/** One formatter per timezone (there are about 600) with its last answer: asking Intl costs microseconds, a minute repeats. */
const clocks = new Map<string, TimezoneClock>();

function wallClock(timezone: string, nowMs: number): WallClock {
  const epochMinute = Math.floor(nowMs / 60_000);
  let clock = clocks.get(timezone);
  if (clock === undefined) {
    const options = { timeZone: timezone, weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const;
    clock = { format: new Intl.DateTimeFormat('en-US', options), epochMinute: Number.NaN, last: { weekday: 0, minute: 0 } };
    clocks.set(timezone, clock);
  }
  if (clock.epochMinute !== epochMinute) {
    clock.last = readClock(clock.format, nowMs);
    clock.epochMinute = epochMinute;
  }
  return clock.last;
}

function readClock(format: Intl.DateTimeFormat, nowMs: number): WallClock {
  const parts = new Map(format.formatToParts(nowMs).map((part) => [part.type, part.value]));
  const weekday = DAY_NAMES.findIndex((name) => name === parts.get('weekday'));
  return { weekday, minute: Number(parts.get('hour')) * 60 + Number(parts.get('minute')) };
}

/** IANA names only: offsets and abbreviations know no daylight saving. */
export function isTimezone(name: string): boolean {
  if (!/^[A-Za-z][A-Za-z0-9_+/-]*$/.test(name)) return false;
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
