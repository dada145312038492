import type { GatewayError } from '../errors/gateway-error.js';
import { structureError, syntaxError, unexpectedAt } from './body-fault.js';
import { KeyRegister } from './key-register.js';
import type { ScanLimits } from './scan-body.js';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
/** So much of a string is walked byte by byte; the rest of a longer one is skipped by native search (images are megabytes). */
const WALKED_BYTES = 48;
const SCALAR = /^(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)$/;
const ESCAPE = /^\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/;

const NO_BYTES: Buffer = Buffer.alloc(0);
const NO_LIMITS: ScanLimits = { maxDepth: 0, maxItems: 0, maxValues: 0 };

/**
 * One walk over the structure of a JSON body: nesting, sizes, duplicate keys, spans of the top-level members. Recursion is
 * bounded by `maxDepth`. Loose about the inside of scalars, which the engine's own parser judges afterwards; `strict` judges
 * everything and is used to find the position of a fault. Walks one body after another.
 */
export class StructureScanner {
  private bytes = NO_BYTES;
  private limits = NO_LIMITS;
  private at = 0;
  private depth = 0;
  private valueCount = 0;
  /** Per depth: an array's current index, or the current key's offset as -offset-1. For paths in error messages only. */
  private readonly path: number[] = [];
  private readonly keys = new KeyRegister();
  private spans: number[] = [];

  constructor(private readonly strict = false) {}

  /** Three offsets for each top-level member, in the order of the body: where its key begins, where its value begins, one past its value. */
  scan(bytes: Buffer, limits: ScanLimits): number[] {
    this.begin(bytes, limits);
    try {
      if (this.next() !== OPEN_BRACE) throw syntaxError(bytes, this.at, `the body must be a JSON object, but ${unexpectedAt(bytes, this.at)}`);
      this.object();
      this.next();
      if (this.at < bytes.length) this.fail();
      return this.spans;
    } finally {
      this.bytes = NO_BYTES;
      this.spans = [];
      this.keys.end();
    }
  }

  /** For a body that the engine's parser refused: throws the first fault with its position. */
  diagnose(bytes: Buffer, limits: ScanLimits): never {
    this.scan(bytes, limits);
    throw syntaxError(bytes, bytes.length, 'it cannot be parsed');
  }

  private begin(bytes: Buffer, limits: ScanLimits): void {
    this.bytes = bytes;
    this.limits = limits;
    this.at = 0;
    this.depth = 0;
    this.valueCount = 0;
    this.keys.begin(bytes);
  }

  /** The next byte that is not white space; 0 at the end. */
  private next(): number {
    const { bytes } = this;
    let byte = bytes[this.at];
    if (byte === undefined || byte > 0x20) return byte ?? 0;
    while (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) byte = bytes[++this.at];
    return byte ?? 0;
  }

  private value(): void {
    if (++this.valueCount > this.limits.maxValues) throw this.fault(`The body has more than ${this.limits.maxValues} values`);
    const byte = this.next();
    if (byte === QUOTE) this.string();
    else if (byte === OPEN_BRACE) this.object();
    else if (byte === OPEN_BRACKET) this.array();
    else this.scalar(byte);
  }

  private enter(): void {
    if (++this.depth > this.limits.maxDepth) throw this.fault(`The body is nested deeper than ${this.limits.maxDepth} levels`);
    this.at += 1;
  }

  private object(): void {
    this.enter();
    const frame = this.keys.open();
    let byte = this.next();
    while (byte !== CLOSE_BRACE) {
      if (byte !== QUOTE) this.fail();
      this.member(frame);
      byte = this.next();
      if (byte === CLOSE_BRACE) break;
      if (byte !== COMMA) this.fail();
      this.at += 1;
      byte = this.next();
      if (byte === CLOSE_BRACE) this.fail();
    }
    this.at += 1;
    this.depth -= 1;
    this.keys.close(frame);
  }

  private member(frame: number): void {
    const keyStart = this.at;
    this.path[this.depth] = -keyStart - 1;
    const hash = this.key();
    const keyEnd = this.at;
    if (this.next() !== COLON) this.fail();
    this.at += 1;
    if (!this.keys.add(frame, hash, keyStart, keyEnd)) {
      // A key whose escapes are broken is a fault of syntax, not of structure.
      if (this.keys.unreadable) this.fail(keyStart);
      throw this.fault('The same key stands twice in one object', keyStart);
    }
    const valueStart = this.skipSpace();
    this.value();
    if (this.depth === 1) this.spans.push(keyStart, valueStart, this.at);
  }

  /** Walks a key and hashes its bytes on the way; null when it has escapes, which the register decodes. */
  private key(): number | null {
    const { bytes } = this;
    let hash = 0;
    let at = this.at + 1;
    let byte = bytes[at];
    while (byte !== undefined && byte !== QUOTE) {
      if (byte < 0x20) this.fail(at);
      if (byte === BACKSLASH) {
        this.string();
        return null;
      }
      hash = (Math.imul(hash, 31) + byte) | 0;
      byte = bytes[++at];
    }
    if (byte === undefined) this.fail(at);
    this.at = at + 1;
    return hash;
  }

  private skipSpace(): number {
    this.next();
    return this.at;
  }

  private array(): void {
    this.enter();
    let index = 0;
    let byte = this.next();
    while (byte !== CLOSE_BRACKET) {
      this.path[this.depth] = index;
      if (++index > this.limits.maxItems) throw this.fault(`An array has more than ${this.limits.maxItems} items`);
      this.value();
      byte = this.next();
      if (byte === CLOSE_BRACKET) break;
      if (byte !== COMMA) this.fail();
      this.at += 1;
      if (this.next() === CLOSE_BRACKET) this.fail();
    }
    this.at += 1;
    this.depth -= 1;
  }

  /** From the opening quote to one past the closing one. */
  private string(): void {
    const { bytes } = this;
    const walkTo = this.strict ? bytes.length : Math.min(this.at + WALKED_BYTES, bytes.length);
    let at = this.at + 1;
    while (at < walkTo) {
      const byte = bytes[at] as number;
      if (byte === QUOTE) {
        this.at = at + 1;
        return;
      }
      if (byte < 0x20) this.fail(at);
      if (byte === BACKSLASH) at += this.escapeBytes(at);
      else at += 1;
    }
    this.at = this.closingQuote(at) + 1;
  }

  private escapeBytes(at: number): number {
    if (!this.strict) return 2;
    const found = ESCAPE.exec(this.bytes.toString('latin1', at, at + 6));
    if (found === null) throw syntaxError(this.bytes, at, 'a backslash that begins no known escape');
    return found[0].length;
  }

  private closingQuote(from: number): number {
    const { bytes } = this;
    let at = from;
    for (;;) {
      const quote = bytes.indexOf(QUOTE, at);
      if (quote === -1) this.fail(bytes.length);
      let slashes = quote - 1;
      while (slashes >= at && bytes[slashes] === BACKSLASH) slashes -= 1;
      if ((quote - 1 - slashes) % 2 === 0) return quote;
      at = quote + 1;
    }
  }

  private scalar(first: number): void {
    if (!beginsScalar(first)) this.fail();
    const start = this.at;
    const { bytes } = this;
    while (!endsScalar(bytes[this.at])) this.at += 1;
    if (this.strict && !SCALAR.test(bytes.toString('latin1', start, Math.min(this.at, start + 1_000)))) this.fail(start);
  }

  /** A loose walk may have passed an earlier fault; the strict one throws the first. */
  private fail(offset = this.at): never {
    if (!this.strict) new StructureScanner(true).diagnose(this.bytes, this.limits);
    throw syntaxError(this.bytes, offset, unexpectedAt(this.bytes, offset));
  }

  private fault(message: string, offset = this.at): GatewayError {
    return structureError(this.bytes, offset, { path: this.pathText(), message });
  }

  private pathText(): string {
    let text = '';
    const depth = Math.min(this.depth, this.limits.maxDepth);
    for (let level = 1; level <= depth; level += 1) {
      const step = this.path[level] as number;
      text += step >= 0 ? `[${step}]` : this.keyStep(-step - 1, text === '');
    }
    return text.slice(0, 512);
  }

  private keyStep(keyStart: number, first: boolean): string {
    const key = this.keys.textAt(keyStart).slice(0, 64);
    if (!/^[A-Za-z_$][\w$-]*$/.test(key)) return `[${JSON.stringify(key)}]`;
    return first ? key : `.${key}`;
  }
}

/** `-`, a digit, or the first letter of true, false, null. */
function beginsScalar(byte: number): boolean {
  return byte === 0x2d || (byte >= 0x30 && byte <= 0x39) || byte === 0x74 || byte === 0x66 || byte === 0x6e;
}

function endsScalar(byte: number | undefined): boolean {
  return byte === undefined || byte <= 0x20 || byte === COMMA || byte === CLOSE_BRACE || byte === CLOSE_BRACKET;
}
