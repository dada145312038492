const LF = 10;
const CR = 13;
const BOM = 0xfeff;
const COLON = 58;
const SPACE = 32;
/** One line, and the data of one event: a base64 image fits, an endless line does not. */
const MAX_LINE_BYTES = 16 * 1024 * 1024;
const BARE_ERROR = /^\{ ?"error" ?:/;
const NO_BYTES = Buffer.alloc(0);

export interface SseFrame {
  event?: string;
  data: string;
}

/** Reads frames it knows out of a block of whole lines, before these are looked at one by one. */
export interface FrameTaker {
  /** The frame that begins at `at`, the beginning of a line: where the next one begins, -1 when it was not taken. */
  take(block: string, at: number): number;
}

/** A line or an event larger than the decoder keeps. */
export class SseOverflow extends Error {
  constructor(limitBytes: number) {
    super(`One line of the event stream is longer than ${limitBytes} bytes.`);
    this.name = 'SseOverflow';
  }
}

/**
 * Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html, read 2026-11), from bytes cut anywhere:
 * only whole lines are decoded, in one native call per chunk, so the result never depends on the cut and an invalid
 * UTF-8 sequence becomes one U+FFFD. Unlike a browser it delivers a last event that lacks its blank line, because providers
 * close right after `data: [DONE]`.
 */
export class SseDecoder {
  private readonly maxLineBytes: number;
  private pending: Uint8Array[] = [];
  private pendingBytes = 0;
  private atStart = true;
  /** The last line ended in CR; a LF at the start of the next block belongs to it. */
  private skipLf = false;
  private data: string | undefined;
  private event: string | undefined;
  private readonly taker: FrameTaker | undefined;
  private block = '';
  private frameAt = 0;
  private frameEnd = 0;

  constructor(
    private readonly onFrame: (frame: SseFrame) => void,
    options: { maxLineBytes?: number; taker?: FrameTaker } = {},
  ) {
    this.maxLineBytes = options.maxLineBytes ?? MAX_LINE_BYTES;
    this.taker = options.taker;
  }

  /** While a frame is told: its lines as they stood. What came in an earlier piece is missing. */
  get wire(): string {
    return this.block.slice(this.frameAt, this.frameEnd);
  }

  /** Any slice of the body. Throws SseOverflow. */
  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const cut = bytes[bytes.length - 1] === LF ? bytes.length : Math.max(bytes.lastIndexOf(LF), bytes.lastIndexOf(CR)) + 1;
    if (cut === 0) return this.keep(bytes);
    const block = this.take(bytes, cut);
    if (cut < bytes.length) this.keep(bytes.subarray(cut));
    this.read(block.toString('utf8'));
  }

  /** The body ended: what is still held is read as if its line ends were there. */
  end(): void {
    if (this.pendingBytes > 0) this.read(`${this.take(NO_BYTES, 0).toString('utf8')}\n`);
    this.dispatch();
  }

  private keep(bytes: Buffer): void {
    this.pendingBytes += bytes.length;
    if (this.pendingBytes > this.maxLineBytes) throw new SseOverflow(this.maxLineBytes);
    // A copy: the transport may reuse the memory behind a chunk once this call has returned.
    this.pending.push(Buffer.from(bytes));
  }

  private take(bytes: Buffer, cut: number): Buffer {
    const head = cut === bytes.length ? bytes : bytes.subarray(0, cut);
    if (this.pendingBytes === 0) return head;
    const whole = Buffer.concat([...this.pending, head]);
    this.pending = [];
    this.pendingBytes = 0;
    return whole;
  }

  /** `text` ends in a line end. */
  private read(text: string): void {
    let block = text;
    if (this.atStart) {
      this.atStart = false;
      if (block.charCodeAt(0) === BOM) block = block.slice(1);
    }
    if (this.skipLf && block.charCodeAt(0) === LF) block = block.slice(1);
    this.skipLf = block.charCodeAt(block.length - 1) === CR;
    this.block = block;
    this.lines(block);
    this.block = '';
  }

  private lines(block: string): void {
    const ends = new LineEnds(block);
    for (let start = 0; start < block.length;) {
      const next = this.data === undefined && this.event === undefined ? this.takeFrame(block, start) : -1;
      start = next === -1 ? this.nextLine(block, start, ends) : next;
    }
  }

  private takeFrame(block: string, start: number): number {
    this.frameAt = start;
    return this.taker?.take(block, start) ?? -1;
  }

  private nextLine(block: string, start: number, ends: LineEnds): number {
    const end = ends.endOf(start);
    const next = ends.behind(end);
    this.frameEnd = next;
    if (end === start) this.dispatch();
    else this.line(block, start, end);
    return next;
  }

  private line(block: string, start: number, end: number): void {
    if (block.startsWith('data:', start)) return this.append(valueOf(block, start + 5, end));
    if (block.charCodeAt(start) === COLON) return;
    if (block.startsWith('event:', start)) {
      this.event = valueOf(block, start + 6, end);
      return;
    }
    // A field name alone is that field with an empty value; `id`, `retry` and unknown fields mean nothing here.
    const name = block.slice(start, end);
    if (name === 'data') this.append('');
    else if (name === 'event') this.event = '';
    else if (BARE_ERROR.test(name)) this.bare(name);
  }

  /** A proxy that fails in the middle of a stream writes its error object between the frames, without `data:` (reported of several, 2025). */
  private bare(data: string): void {
    this.dispatch();
    this.onFrame({ data });
  }

  private append(value: string): void {
    this.data = this.data === undefined ? value : `${this.data}\n${value}`;
    if (this.data.length > this.maxLineBytes) throw new SseOverflow(this.maxLineBytes);
  }

  private dispatch(): void {
    const { data, event } = this;
    this.event = undefined;
    if (data === undefined) return;
    this.data = undefined;
    this.onFrame(event === undefined || event === '' ? { data } : { event, data });
  }
}

/** Where the lines of a block end: at LF, CR or both. Each is looked for once, so that a block costs its length whatever it holds. */
class LineEnds {
  private lf: number;
  private cr: number;

  constructor(private readonly block: string) {
    this.lf = block.indexOf('\n');
    this.cr = block.indexOf('\r');
  }

  /** Of the line that begins at `start`, which is not before the last one asked for. */
  endOf(start: number): number {
    if (this.lf !== -1 && this.lf < start) this.lf = this.block.indexOf('\n', start);
    if (this.cr !== -1 && this.cr < start) this.cr = this.block.indexOf('\r', start);
    if (this.cr === -1) return this.lf;
    return this.lf === -1 ? this.cr : Math.min(this.lf, this.cr);
  }

  /** Where the next line begins. */
  behind(end: number): number {
    return end === this.cr && this.lf === end + 1 ? end + 2 : end + 1;
  }
}

function valueOf(block: string, from: number, end: number): string {
  return block.slice(block.charCodeAt(from) === SPACE ? from + 1 : from, end);
}
