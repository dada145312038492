const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN = 0x7b;
const CLOSE = 0x7d;
/** One object may hold a base64 image. */
const MAX_OBJECT_BYTES = 32 * 1024 * 1024;

/** An object larger than the decoder keeps. */
export class ObjectOverflow extends Error {
  constructor(limitBytes: number) {
    super(`One object of the stream is longer than ${limitBytes} bytes.`);
    this.name = 'ObjectOverflow';
  }
}

/**
 * JSON objects one after another (https://github.com/ndjson/ndjson-spec, read 2026-11-21), from bytes cut anywhere. Objects are
 * found by their braces and not by line ends, so that a pretty-printed answer and a last line without its end are read too; in
 * UTF-8 no byte of a longer sequence equals an ASCII one.
 */
export class ObjectDecoder {
  readonly #maxBytes: number;
  #kept: Uint8Array[] = [];
  #keptBytes = 0;
  #depth = 0;
  #inString = false;
  #escaped = false;

  constructor(
    private readonly onObject: (text: string) => void,
    limits: { maxObjectBytes?: number } = {},
  ) {
    this.#maxBytes = limits.maxObjectBytes ?? MAX_OBJECT_BYTES;
  }

  /** Any slice of the body. Throws ObjectOverflow. */
  push(chunk: Uint8Array): void {
    let start = 0;
    for (let at = 0; at < chunk.length; at += 1) {
      const byte = chunk[at] as number;
      if (this.#inString) this.#insideString(byte);
      else if (byte === QUOTE) this.#inString = this.#depth > 0;
      else if (byte === OPEN) {
        if (this.#depth === 0) start = at;
        this.#depth += 1;
      } else if (byte === CLOSE && this.#depth > 0) {
        this.#depth -= 1;
        if (this.#depth === 0) this.#complete(chunk.subarray(start, at + 1));
      }
    }
    if (this.#depth > 0) this.#keep(chunk.subarray(start));
  }

  #insideString(byte: number): void {
    if (this.#escaped) this.#escaped = false;
    else if (byte === BACKSLASH) this.#escaped = true;
    else if (byte === QUOTE) this.#inString = false;
  }

  #keep(bytes: Uint8Array): void {
    this.#keptBytes += bytes.length;
    if (this.#keptBytes > this.#maxBytes) throw new ObjectOverflow(this.#maxBytes);
    // A copy: the transport may reuse the memory behind a chunk once this call has returned.
    this.#kept.push(Uint8Array.from(bytes));
  }

  #complete(tail: Uint8Array): void {
    const text = Buffer.concat([...this.#kept, tail]).toString('utf8');
    this.#kept = [];
    this.#keptBytes = 0;
    this.onObject(text);
  }
}
