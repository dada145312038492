import { invalidRequest } from '../errors/gateway-error.js';
import type { Schedule } from './caller.js';
import { isTimezone } from './schedule.js';
import { readInteger, readList, readObject, readText, type Fields } from './strict-object.js';

const TIME = /^([01]\d|2[0-3]):[0-5]\d$/;

const scheduleFields: Fields<Schedule> = {
  timezone: readTimezone,
  days: (value, path) => readList(value, path, (day, at) => readInteger(day, at, { min: 0, max: 6 }), 7),
  from: readTime,
  to: readTime,
};

export const SCHEDULE_NAMES = Object.keys(scheduleFields);

/** Days and hours, of a policy or of a price. Throws GatewayError 400 `invalid_request` with the path in `param`. */
export function parseSchedule(value: unknown, path: string): Schedule {
  const schedule = readObject(value, path, scheduleFields);
  if (schedule.from !== undefined && schedule.from === schedule.to) {
    throw invalidRequest(`${path}.to`, `\`${path}.to\` must differ from \`${path}.from\`; leave both out for the whole day.`);
  }
  return schedule;
}

function readTime(value: unknown, path: string): string {
  const text = readText(value, path);
  if (!TIME.test(text)) throw invalidRequest(path, `\`${path}\` must be a time of day like 09:00, not ${JSON.stringify(text)}.`);
  return text;
}

function readTimezone(value: unknown, path: string): string {
  const text = readText(value, path);
  if (!isTimezone(text)) throw invalidRequest(path, `\`${path}\` must be an IANA timezone like Asia/Seoul, not ${JSON.stringify(text)}.`);
  return text;
}
