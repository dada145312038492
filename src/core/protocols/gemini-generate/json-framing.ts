const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN = 0x7b;
const CLOSE = 0x7d;

/** One object may hold a base64 image. */
const MAX_OBJECT_BYTES = 32 * 1024 * 1024;

/** An object larger than the splitter keeps. */
export class JsonOverflow extends Error {
  constructor() {
    super(`One object of the stream is longer than ${MAX_OBJECT_BYTES} bytes.`);
    this.name = 'JsonOverflow';
  }
}

/**
 * Splits a body that is not SSE into its outermost objects: `[{…},\n{…}]`, which `streamGenerateContent` sends without `alt=sse`, or a lone
 * `{…}` (an error, or a whole answer). Works on bytes cut anywhere: in UTF-8 no byte of a longer sequence equals an ASCII one.
 */
export class JsonObjectSplitter {
  private kept: Uint8Array[] = [];
  private keptBytes = 0;
  private depth = 0;
  private inString = false;
  private escaped = false;

  constructor(private readonly onObject: (text: string) => void) {}

  push(chunk: Uint8Array): void {
    let start = 0;
    for (let at = 0; at < chunk.length; at += 1) {
      const byte = chunk[at] as number;
      if (this.inString) this.insideString(byte);
      else if (byte === QUOTE) this.inString = this.depth > 0;
      else if (byte === OPEN) {
        if (this.depth === 0) start = at;
        this.depth += 1;
      } else if (byte === CLOSE && this.depth > 0) {
        this.depth -= 1;
        if (this.depth === 0) this.complete(chunk.subarray(start, at + 1));
      }
    }
    if (this.depth > 0) this.keep(chunk.subarray(start));
  }

  /** True when the body ended in the middle of an object. */
  get incomplete(): boolean {
    return this.depth > 0;
  }

  private insideString(byte: number): void {
    if (this.escaped) this.escaped = false;
    else if (byte === BACKSLASH) this.escaped = true;
    else if (byte === QUOTE) this.inString = false;
  }

  private keep(bytes: Uint8Array): void {
    this.keptBytes += bytes.length;
    if (this.keptBytes > MAX_OBJECT_BYTES) throw new JsonOverflow();
    // A copy: the transport may reuse the memory behind a chunk once this call has returned.
    this.kept.push(Uint8Array.from(bytes));
  }

  private complete(tail: Uint8Array): void {
    const text = Buffer.concat([...this.kept, tail]).toString('utf8');
    this.kept = [];
    this.keptBytes = 0;
    this.onObject(text);
  }
}
