const CR = 13;
const LF = 10;
const TAB = 9;
const SPACE = 32;
const SEMICOLON = 59;
const DELETE = 127;
/** Hexadecimal digits of a size, leading zeros included. */
const MAX_DIGITS = 16;
const MAX_QUICK_DIGITS = 6;
/** Extensions and trailers of one body say nothing to us, and shall not go on for ever. */
const MAX_IGNORED_BYTES = 16_384;

type Place = 'size' | 'extension' | 'size-lf' | 'data' | 'data-cr' | 'data-lf' | 'line-start' | 'trailer' | 'trailer-lf' | 'end-lf' | 'done';

/**
 * The content of `transfer-encoding: chunked` (RFC 9112 section 7.1). The content of one piece is moved together in place: one
 * slice comes out however many chunks went in, because a provider makes a chunk of every event and each step per event counts.
 */
export class ChunkDecoder {
  /** What is wrong with the framing; what came before it has been decoded. */
  violation: string | null = null;
  /** Bytes followed the end. */
  excess = false;
  private place: Place = 'size';
  private size = 0;
  private digits = 0;
  private ignoredBytes = 0;
  private from = -1;
  private to = 0;

  get done(): boolean {
    return this.place === 'done';
  }

  /** The content within `bytes`, which it overwrites. */
  decode(bytes: Buffer): Buffer {
    this.from = -1;
    this.to = 0;
    let at = 0;
    while (at < bytes.length && this.violation === null && this.place !== 'done') {
      if (this.place === 'size' && this.digits === 0) at = this.wholeChunks(bytes, at);
      if (at < bytes.length) at = this.place === 'data' ? this.data(bytes, at) : this.framing(bytes, at);
    }
    this.excess ||= this.place === 'done' && at < bytes.length;
    return bytes.subarray(Math.max(0, this.from), this.to);
  }

  /** The usual: chunks without an extension that lie there whole, the last one not. Behind them; whatever is different is left to be read byte by byte. */
  private wholeChunks(bytes: Buffer, from: number): number {
    let at = from;
    for (;;) {
      let size = 0;
      let end = at;
      for (let digit = digitAt(bytes, end); digit >= 0 && end - at < MAX_QUICK_DIGITS; digit = digitAt(bytes, end)) {
        size = size * 16 + digit;
        end += 1;
      }
      const contentAt = end + 2;
      const behind = contentAt + size;
      if (size === 0 || !isLineEnd(bytes, end) || !isLineEnd(bytes, behind)) return at;
      this.take(bytes, contentAt, behind);
      at = behind + 2;
    }
  }

  private take(bytes: Buffer, at: number, end: number): void {
    if (this.from === -1) {
      this.from = at;
      this.to = end;
    } else {
      bytes.copyWithin(this.to, at, end);
      this.to += end - at;
    }
  }

  private data(bytes: Buffer, at: number): number {
    const end = Math.min(bytes.length, at + this.size);
    this.take(bytes, at, end);
    this.size -= end - at;
    if (this.size === 0) this.place = 'data-cr';
    return end;
  }

  /** One byte that is no content. */
  private framing(bytes: Buffer, at: number): number {
    const byte = bytes[at] as number;
    switch (this.place) {
      case 'size':
        this.sizeByte(byte);
        break;
      case 'extension':
        this.ignored(byte, 'size-lf', 'an extension of a chunk');
        break;
      case 'size-lf':
        this.expect(byte, LF, this.size === 0 ? 'line-start' : 'data');
        break;
      case 'data-cr':
        this.expect(byte, CR, 'data-lf');
        break;
      case 'data-lf':
        this.expect(byte, LF, 'size');
        this.digits = 0;
        break;
      default:
        this.trailer(byte);
    }
    return at + 1;
  }

  private sizeByte(byte: number): void {
    const value = digitOf(byte);
    if (value >= 0) {
      this.size = this.digits === 0 ? value : this.size * 16 + value;
      this.digits += 1;
      if (this.digits > MAX_DIGITS || this.size > Number.MAX_SAFE_INTEGER) this.violation = 'a chunk size';
    } else if (this.digits === 0) this.violation = 'a chunk size';
    else if (byte === CR) this.place = 'size-lf';
    else if (byte === SEMICOLON || byte === SPACE || byte === TAB) this.place = 'extension';
    else this.violation = 'a chunk size';
  }

  private trailer(byte: number): void {
    if (this.place === 'trailer-lf') this.expect(byte, LF, 'line-start');
    else if (this.place === 'end-lf') this.expect(byte, LF, 'done');
    else if (this.place === 'line-start' && byte === CR) this.place = 'end-lf';
    else {
      this.place = 'trailer';
      this.ignored(byte, 'trailer-lf', 'a trailer');
    }
  }

  private ignored(byte: number, atCr: Place, what: string): void {
    this.ignoredBytes += 1;
    if (byte === CR) this.place = atCr;
    else if ((byte < SPACE && byte !== TAB) || byte === DELETE || this.ignoredBytes > MAX_IGNORED_BYTES) this.violation = what;
  }

  private expect(byte: number, wanted: number, next: Place): void {
    if (byte === wanted) this.place = next;
    else this.violation = 'the line end of a chunk';
  }
}

/** False beyond the end, too. */
function isLineEnd(bytes: Buffer, at: number): boolean {
  return at + 1 < bytes.length && bytes[at] === CR && bytes[at + 1] === LF;
}

function digitAt(bytes: Buffer, at: number): number {
  return at < bytes.length ? digitOf(bytes[at] as number) : -1;
}

/** -1 when it is no hexadecimal digit. */
function digitOf(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const letter = byte | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}
