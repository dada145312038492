import type { SecretEntry } from './key-index.js';

interface LastKey {
  readonly key: string;
  readonly entry: SecretEntry;
}

/**
 * The key that a connection's last request showed, kept on the connection itself: the next one mostly shows the same, and comparing
 * it costs a tenth of a digest. It goes with the connection. What the key may do is judged anew each time: an entry is current.
 */
export class ConnectionKeys {
  readonly #name = Symbol('last key');

  /** The entry of exactly this key; null when another one was shown last, or none. */
  find(connection: object | undefined, key: string): SecretEntry | null {
    const last = connection === undefined ? undefined : (connection as Record<symbol, LastKey | undefined>)[this.#name];
    return last !== undefined && isSame(last.key, key) ? last.entry : null;
  }

  remember(connection: object | undefined, key: string, entry: SecretEntry): void {
    if (connection !== undefined) (connection as Record<symbol, LastKey>)[this.#name] = { key, entry };
  }
}

/** A proxy may carry several clients on one connection: how long it takes must not tell how much of another's key was right. */
function isSame(known: string, shown: string): boolean {
  if (known.length !== shown.length) return false;
  let difference = 0;
  for (let index = 0; index < known.length; index += 1) difference |= known.charCodeAt(index) ^ shown.charCodeAt(index);
  return difference === 0;
}
