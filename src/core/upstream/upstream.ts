import type { Deadline } from '../errors/upstream-failure.js';

/** Deadlines of one call, in milliseconds. */
export interface Deadlines {
  connectMs: number;
  firstByteMs: number;
  idleMs: number;
  totalMs: number;
  /** How far the first two may be shortened by what is observed; undefined: not at all. */
  firstByteMinMs?: number;
  idleMinMs?: number;
}

export interface UpstreamRequest {
  readonly method: 'POST' | 'GET';
  /** Absolute URL. */
  readonly url: string;
  /** Lower-case names; exactly what is sent besides host and content-length. */
  readonly headers: Readonly<Record<string, string>>;
  /** The very same headers are sent with every such call of their deployment: what is made of them may be kept with them. */
  readonly headersRecur?: boolean;
  readonly body: Uint8Array | string | null;
  readonly deadlines: Deadlines;
}

/** The head of a response. */
export interface UpstreamHead {
  readonly status: number;
  /** By lower-case name; repeated fields are joined by a comma, cookies left out. May be put together only when it is read. */
  readonly headers: Readonly<Record<string, string>>;
}

/** How a call ended without a complete response. */
export interface TransportFailure {
  /** `busy`: not tried, as many calls to this origin are open as the client keeps. */
  kind: 'connect' | 'reset' | 'timeout' | 'aborted' | 'too-large' | 'protocol' | 'busy';
  deadline?: Deadline;
  message: string;
  /** True when the request's bytes had been handed to the connection. */
  sent: boolean;
}

/** Receives one response. Called synchronously from the socket; exactly one of onEnd / onFailure comes last. */
export interface UpstreamHandler {
  /** The connection is there and the request's bytes are on their way. */
  onSent?(): void;
  onHeaders(head: UpstreamHead): void;
  /** The bytes are valid during the call only: what shall stay is copied. */
  onData(chunk: Uint8Array): void;
  onEnd(): void;
  onFailure(failure: TransportFailure): void;
}

export interface UpstreamCall {
  /** Closes the connection to the upstream at once; onFailure comes with kind `aborted` unless the call had ended. */
  abort(): void;
  /** Back-pressure: stop and resume reading. Idle deadlines stand still while paused. */
  pause(): void;
  resume(): void;
}

/** Sends one HTTP request to an upstream. Ports: real sockets (providers), in-process sandbox. */
export abstract class UpstreamTransport {
  abstract dispatch(request: UpstreamRequest, handler: UpstreamHandler): UpstreamCall;
}

/** The transport of definitions whose upstream lives in this process (the sandbox). An injection token of its own. */
export abstract class InProcessTransport extends UpstreamTransport {}
