/**
 * The id under which a tool call leaves: the provider's own, unless it is missing or was used before in this answer.
 * A made one is a function of its seed, so that the same answer read twice has the same ids. `taken` gets the result.
 */
export function uniqueToolCallId(id: string, taken: Set<string>, seed: string): string {
  const own = id !== '' && !taken.has(id) ? id : `call_${seed.replace(/[^A-Za-z0-9]/g, '').slice(-32)}`;
  taken.add(own);
  return own;
}
