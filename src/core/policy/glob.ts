/** A pattern over names: `*` stands for any characters (also `/` and none), `?` for one. Case does not matter. */
export interface Glob {
  readonly pattern: string;
  matches(name: string): boolean;
}

/** Made once per stored rule. No regular expression: several `*` must not cost more than pattern × name. */
export function compileGlob(pattern: string): Glob {
  const lower = pattern.toLowerCase();
  if (/^\*+$/.test(lower)) return { pattern, matches: () => true };
  const star = lower.indexOf('*');
  if (lower.includes('?') || (star !== -1 && star !== lower.length - 1)) {
    return { pattern, matches: (name) => walk(lower, name.toLowerCase()) };
  }
  if (star === -1) return { pattern, matches: (name) => name.toLowerCase() === lower };
  const prefix = lower.slice(0, -1);
  return { pattern, matches: (name) => name.toLowerCase().startsWith(prefix) };
}

/** Greedy with one point of return: after a later `*` an earlier one never needs to be tried again. */
function walk(pattern: string, name: string): boolean {
  let at = 0;
  let place = 0;
  let star = -1;
  let starAt = 0;
  while (at < name.length) {
    const wanted = pattern[place];
    if (wanted === '*') {
      star = place++;
      starAt = at;
    } else if (wanted === '?' || (wanted !== undefined && wanted === name[at])) {
      place += 1;
      at += 1;
    } else if (star !== -1) {
      place = star + 1;
      at = ++starAt;
    } else {
      return false;
    }
  }
  while (pattern[place] === '*') place += 1;
  return place === pattern.length;
}

/** True only when every name that `narrow` matches is also matched by `wide` (it may miss some such pairs, never invents one). */
export function globCovers(wide: string, narrow: string): boolean {
  // Read as a plain name, a `*` of the narrow pattern is matched by a `*` of the wide one only, unless a `?` could take it.
  if (wide.includes('?') && narrow.includes('*')) return wide.toLowerCase() === narrow.toLowerCase();
  return compileGlob(wide).matches(narrow);
}
