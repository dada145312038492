/** Names at most this far apart (a third of their length, at least 2 edits) are worth suggesting. */
const CLOSE_FRACTION = 3;
const LEAST_DISTANCE = 2;
/** Longer words are cut: the distance is quadratic in length, and the word may come from a client. */
const WORD_LIMIT = 128;

/** The known names nearest to a mistyped one, nearest first; none when nothing is close. */
export function nearestNames(word: string, known: Iterable<string>, limitCount = 3): readonly string[] {
  const wanted = word.slice(0, WORD_LIMIT).toLowerCase();
  const close: { name: string; distance: number }[] = [];
  for (const name of known) {
    const candidate = name.slice(0, WORD_LIMIT).toLowerCase();
    const most = Math.max(LEAST_DISTANCE, Math.floor(Math.max(wanted.length, candidate.length) / CLOSE_FRACTION));
    if (Math.abs(wanted.length - candidate.length) > most) continue;
    const distance = editDistance(wanted, candidate);
    if (distance <= most) close.push({ name, distance });
  }
  close.sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1));
  return close.slice(0, limitCount).map(({ name }) => name);
}

/** Insertions, deletions and replacements between two words (Levenshtein), one row of the table at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replace = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replace, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
