import { crc32 } from 'node:zlib';
import { decodeHeaders, type HeaderValue } from './headers.js';

const PRELUDE_BYTES = 12;
const CRC_BYTES = 4;
/** A frame of ours ends with its own checksum behind the smallest prelude. */
const MIN_MESSAGE_BYTES = PRELUDE_BYTES + CRC_BYTES;
/** AWS allows 24 MB of payload and 128 kB of headers. */
const MAX_MESSAGE_BYTES = 25 * 1024 * 1024;

export interface EventStreamMessage {
  /** `:message-type`, `:event-type`, `:exception-type`, `:content-type`, … */
  headers: Readonly<Record<string, HeaderValue>>;
  /** UTF-8 JSON in every protocol we speak. */
  payload: Buffer;
}

/** Bytes that are no message: a length that cannot be, a checksum that does not fit. Nothing behind them can be trusted. */
export class EventStreamCorruption extends Error {
  constructor(what: string) {
    super(`The provider’s event stream is corrupt: ${what}.`);
    this.name = 'EventStreamCorruption';
  }
}

/**
 * `application/vnd.amazon.eventstream` from bytes cut anywhere (https://smithy.io/2.0/aws/amazon-eventstream.html, read 2026-11-21):
 * total length, headers' length and the CRC-32 of these eight bytes; headers; payload; the CRC-32 of everything before it. All
 * big-endian. Both checksums are verified before anything of a message is believed.
 */
export class EventStreamDecoder {
  #kept: Buffer[] = [];
  #keptBytes = 0;
  /** Length of the message whose prelude was read and verified. */
  #wantedBytes = 0;

  constructor(private readonly onMessage: (message: EventStreamMessage) => void) {}

  /** Any slice of the body. Throws EventStreamCorruption, after which it must not be used. */
  push(chunk: Uint8Array): void {
    // A copy: the transport may reuse the memory behind a chunk once this call has returned.
    this.#kept.push(Buffer.from(chunk));
    this.#keptBytes += chunk.length;
    for (;;) {
      if (this.#wantedBytes === 0) {
        if (this.#keptBytes < PRELUDE_BYTES) return;
        this.#wantedBytes = lengthOf(this.#joined());
      }
      if (this.#keptBytes < this.#wantedBytes) return;
      this.#deliver();
    }
  }

  /** True when the body ended in the middle of a message. */
  get incomplete(): boolean {
    return this.#keptBytes > 0;
  }

  #joined(): Buffer {
    if (this.#kept.length > 1) this.#kept = [Buffer.concat(this.#kept, this.#keptBytes)];
    return this.#kept[0] ?? Buffer.alloc(0);
  }

  #deliver(): void {
    const bytes = this.#joined();
    const message = bytes.subarray(0, this.#wantedBytes);
    const rest = bytes.subarray(this.#wantedBytes);
    this.#kept = rest.length === 0 ? [] : [rest];
    this.#keptBytes = rest.length;
    this.#wantedBytes = 0;
    this.onMessage(decodeMessage(message));
  }
}

function lengthOf(prelude: Buffer): number {
  if (crc32(prelude.subarray(0, 8)) !== prelude.readUInt32BE(8)) throw new EventStreamCorruption('the checksum of a prelude does not fit');
  const total = prelude.readUInt32BE(0);
  const headers = prelude.readUInt32BE(4);
  if (total < MIN_MESSAGE_BYTES || total > MAX_MESSAGE_BYTES) throw new EventStreamCorruption(`a message of ${total} bytes`);
  if (headers > total - MIN_MESSAGE_BYTES) throw new EventStreamCorruption('headers longer than their message');
  return total;
}

function decodeMessage(message: Buffer): EventStreamMessage {
  const end = message.length - CRC_BYTES;
  if (crc32(message.subarray(0, end)) !== message.readUInt32BE(end)) throw new EventStreamCorruption('the checksum of a message does not fit');
  const payloadAt = PRELUDE_BYTES + message.readUInt32BE(4);
  const headers = decodeHeaders(message.subarray(PRELUDE_BYTES, payloadAt));
  if (headers === null) throw new EventStreamCorruption('headers that cannot be read');
  return { headers, payload: message.subarray(payloadAt, end) };
}
