const { charCodeAt, indexOf, slice } = String.prototype;

/**
 * What a loop asks of a string, without asking the string for the method: strings come in more kinds in memory than V8 tells apart in one
 * place, and then every `text.charCodeAt(…)` is a search for the method (5–7 ns instead of 2; Node 24, 2026-11-30).
 */
export function unitAt(text: string, index: number): number {
  return charCodeAt.call(text, index);
}

export function positionIn(text: string, wanted: string, from: number): number {
  return indexOf.call(text, wanted, from);
}

export function cut(text: string, from: number, to: number): string {
  return slice.call(text, from, to);
}
