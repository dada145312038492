import { unitAt } from './units.js';

const SPACE = 0x20;
const TAB = 0x09;

/** Part of a header field's line without the white space around it (RFC 9112 section 5), which is not what `trim` takes for it. */
export function betweenBlanks(line: string, from: number, to: number): [start: number, end: number] {
  let [start, end] = [from, to];
  while (start < end && isBlank(unitAt(line, start))) start += 1;
  while (end > start && isBlank(unitAt(line, end - 1))) end -= 1;
  return [start, end];
}

const isBlank = (code: number): boolean => code === SPACE || code === TAB;
