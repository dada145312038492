const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** Objects with more keys than this get a Set: comparing hashes pairwise must not become quadratic. */
const PAIRWISE_KEYS = 24;
/** Room for so many open keys stays between bodies; what a larger body needed is given back. */
const KEPT_KEYS = 256;
const NO_BYTES: Buffer = Buffer.alloc(0);

/**
 * The keys of the objects that are open, to find duplicates without making a string of every key: hashes of the bytes are
 * compared first, texts (escapes decoded) only when hashes are equal. Serves one body after another, so that a small one allocates nothing.
 */
export class KeyRegister {
  /** The key that `add` refused is no valid JSON string. */
  unreadable = false;
  private bytes = NO_BYTES;
  private hashes = new Int32Array(KEPT_KEYS);
  private starts = new Int32Array(KEPT_KEYS);
  private ends = new Int32Array(KEPT_KEYS);
  private sets: Map<number, Set<string>> | null = null;
  private count = 0;

  begin(bytes: Buffer): void {
    this.unreadable = false;
    this.bytes = bytes;
    this.sets = null;
    this.count = 0;
  }

  /** Lets go of the body. */
  end(): void {
    this.bytes = NO_BYTES;
    this.sets = null;
    if (this.hashes.length > KEPT_KEYS) this.resize(KEPT_KEYS);
  }

  /** The frame of a new object. */
  open(): number {
    return this.count;
  }

  close(frame: number): void {
    this.sets?.delete(frame);
    this.count = frame;
  }

  /**
   * False when the object has this key already, or the key cannot be read. `walked` is the hash of its bytes, null when it
   * has escapes. Offsets include the quotes.
   */
  add(frame: number, walked: number | null, start: number, end: number): boolean {
    const hash = walked ?? this.hashDecoded(start, end);
    if (hash === null) return false;
    const { count } = this;
    if (count === this.hashes.length) this.resize(2 * count);
    this.hashes[count] = hash;
    this.starts[count] = start;
    this.ends[count] = end;
    this.count = count + 1;
    return count - frame < PAIRWISE_KEYS ? this.isNewPairwise(frame, count) : this.isNewInSet(frame, count);
  }

  /** The text of the key whose opening quote stands at `start`; empty when its escapes are broken. */
  textAt(start: number): string {
    let end = start + 1;
    while (end < this.bytes.length && this.bytes[end] !== QUOTE) end += this.bytes[end] === BACKSLASH ? 2 : 1;
    return this.text(start, end + 1) ?? '';
  }

  /** The key's text; null when its escapes are broken. */
  private text(start: number, end: number): string | null {
    const raw = this.bytes.toString('utf8', start + 1, end - 1);
    if (!raw.includes('\\')) return raw;
    try {
      return JSON.parse(`"${raw}"`) as string;
    } catch {
      return null;
    }
  }

  private resize(keys: number): void {
    this.hashes = resized(this.hashes, keys);
    this.starts = resized(this.starts, keys);
    this.ends = resized(this.ends, keys);
  }

  private hashDecoded(start: number, end: number): number | null {
    const text = this.text(start, end);
    this.unreadable = text === null;
    if (text === null) return null;
    let hash = 0;
    for (const byte of Buffer.from(text, 'utf8')) hash = (Math.imul(hash, 31) + byte) | 0;
    return hash;
  }

  private isNewPairwise(frame: number, key: number): boolean {
    const hash = this.hashes[key];
    for (let at = frame; at < key; at += 1) {
      if (this.hashes[at] === hash && this.textOf(at) === this.textOf(key)) return false;
    }
    return true;
  }

  private isNewInSet(frame: number, key: number): boolean {
    this.sets ??= new Map();
    let seen = this.sets.get(frame);
    if (seen === undefined) {
      seen = new Set();
      for (let at = frame; at < key; at += 1) seen.add(this.textOf(at));
      this.sets.set(frame, seen);
    }
    const before = seen.size;
    seen.add(this.textOf(key));
    return seen.size > before;
  }

  private textOf(at: number): string {
    return this.text(this.starts[at] as number, this.ends[at] as number) ?? '';
  }
}

function resized(from: Int32Array, length: number): Int32Array<ArrayBuffer> {
  const to = new Int32Array(length);
  to.set(from.subarray(0, length));
  return to;
}
