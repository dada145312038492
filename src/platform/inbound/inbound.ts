import type { IncomingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';

/** Takes a request's body as it comes. After `end` or `gone` nothing follows. */
export interface BodySink {
  take(chunk: Buffer): void;
  end(): void;
  /** The connection closed before the whole body was there. */
  gone(): void;
}

/** A request as it came over HTTP/1.1, whichever server read it. */
export interface InboundMessage {
  /** By lower-case name. Content-Length may be missing here: see `contentLength`. */
  readonly headers: IncomingHttpHeaders;
  /** Names and values in turn as they came, those that `headers` drops included. */
  readonly rawHeaders: readonly string[];
  /** As declared; NaN when it is not. */
  readonly contentLength: number;
  readonly socket: Socket;
  /** The body when all of it is there already; null when it must be read, or has been. */
  takeWhole(): Buffer | null;
  /** At most once. */
  read(sink: BodySink): void;
  /** What still comes is read and thrown away, so that an answer can be heard. */
  discard(): void;
}

export type ReplyHeaders = Readonly<Record<string, string>>;

/** The way back to one client. `head` comes first; it leaves with the first piece, or by `flushHead`. */
export interface OutboundReply {
  /** `head` was called. */
  readonly headersSent: boolean;
  readonly statusCode: number;
  /** Nobody can be answered any more. */
  readonly destroyed: boolean;
  /** All of the answer has left this process. */
  readonly finished: boolean;
  /** Handed over, and not taken by the kernel yet. */
  readonly waitingBytes: number;
  /** Without a `content-length` the body is sent in chunks. Throws TypeError for a header that cannot be sent. */
  head(status: number, headers: ReplyHeaders): void;
  flushHead(): void;
  /** False when the client does not keep up. */
  write(text: string): boolean;
  onceDrained(listener: () => void): void;
  /** `latin1`: the caller knows that every character is one byte. Bytes are the caller's again when it returns. */
  end(body: string | Uint8Array, encoding?: 'latin1' | 'utf8'): void;
  /** Closes the connection without any more bytes. */
  destroy(): void;
  /** Called when the connection closes before the answer is complete, and never after. At most one listener. */
  whenClosed(listener: () => void): void;
}
