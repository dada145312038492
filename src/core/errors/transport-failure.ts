import type { Deadlines, TransportFailure } from '../upstream/upstream.js';
import { redactProviderWords } from './redact-secrets.js';
import type { Deadline, UpstreamFailure } from './upstream-failure.js';

/** Where in its life a call was when the transport failed. */
export interface TransportContext {
  /** The client asked for a stream. */
  streaming?: boolean;
  /** The upstream had answered with headers. */
  hadHeaders?: boolean;
  /** To say in words how long was waited. */
  deadlines?: Deadlines;
}

const WAITED_FOR: Readonly<Record<Deadline, { words: string; field: keyof Deadlines }>> = {
  connect: { words: 'accepted no connection', field: 'connectMs' },
  first_byte: { words: 'sent no first byte', field: 'firstByteMs' },
  idle: { words: 'sent nothing more', field: 'idleMs' },
  total: { words: 'did not finish', field: 'totalMs' },
};

/** This process stops and has no more patience: what still runs ends in-band. */
export const SHUTDOWN: UpstreamFailure = {
  kind: 'interrupted',
  code: 'server_shutdown',
  message: 'This server is shutting down; send the request again.',
  tryElsewhere: false,
  health: 'none',
  maybeBilled: false,
};

/** The four answers for a call that ended without a complete response (routing.md section 4). Pure. */
export function transportFailure(failure: TransportFailure, context: TransportContext = {}): UpstreamFailure {
  const message = redactProviderWords(failure.message.slice(0, 1_000));
  switch (failure.kind) {
    case 'connect':
      return make({ kind: 'connect', code: 'upstream_error', message: `The provider could not be reached: ${message}`, tryElsewhere: true });
    case 'busy':
      return make({ kind: 'bulkhead', code: 'upstream_overloaded', message: 'The gateway has too many calls to this upstream open.', tryElsewhere: true, health: 'none', retryAfterMs: 1_000 });
    case 'timeout':
      return timedOut(failure, context);
    case 'reset':
      return context.hadHeaders === true
        ? brokenOff(context)
        : make({
            kind: 'reset',
            code: 'upstream_error',
            message: 'The provider closed the connection without an answer.',
            tryElsewhere: true,
            maybeBilled: failure.sent,
          });
    case 'aborted':
      return make({
        kind: 'interrupted',
        code: 'upstream_interrupted',
        message: 'The call to the provider was given up.',
        tryElsewhere: false,
        health: 'none',
        maybeBilled: failure.sent,
      });
    case 'too-large':
      return make({
        kind: 'invalid',
        code: 'upstream_invalid_response',
        message: 'The provider’s answer is larger than the gateway reads.',
        tryElsewhere: true,
        maybeBilled: true,
      });
    case 'protocol':
      return make({
        kind: 'invalid',
        code: 'upstream_invalid_response',
        message: `The provider did not answer in proper HTTP: ${message}`,
        tryElsewhere: true,
        maybeBilled: failure.sent,
      });
  }
}

/** The stream ended without the protocol's own end. After content it is told in the stream; before, another deployment is tried. */
export function interruptedFailure(message = 'The provider’s stream ended before its end.'): UpstreamFailure {
  return make({ kind: 'interrupted', code: 'upstream_interrupted', message, tryElsewhere: true, maybeBilled: true });
}

/** A success status with an answer that cannot be read: wrong content type, invalid JSON, not this protocol. */
export function unreadableFailure(message: string, body?: string): UpstreamFailure {
  const failure = make({ kind: 'invalid', code: 'upstream_invalid_response', message, tryElsewhere: true, maybeBilled: true });
  return body === undefined ? failure : { ...failure, body: redactProviderWords(body.slice(0, 8_192)) };
}

function brokenOff(context: TransportContext): UpstreamFailure {
  if (context.streaming === true) return interruptedFailure('The provider’s stream broke off.');
  return make({
    kind: 'interrupted',
    code: 'upstream_error',
    message: 'The provider closed the connection in the middle of its answer.',
    tryElsewhere: true,
    maybeBilled: true,
  });
}

function timedOut(failure: TransportFailure, context: TransportContext): UpstreamFailure {
  const deadline = failure.deadline ?? 'total';
  const { words, field } = WAITED_FOR[deadline];
  const waitedMs = context.deadlines?.[field];
  const within = waitedMs === undefined ? 'in time' : `within ${waitedMs / 1_000} s`;
  const sent = failure.sent && deadline !== 'connect';
  return make({
    kind: deadline === 'connect' ? 'connect' : 'timeout',
    deadline,
    code: 'upstream_timeout',
    message: `The provider ${words} ${within} (deadline: ${deadline}).`,
    // A non-stream call that was sent may still be worked on and billed there; asking a second provider would pay twice.
    tryElsewhere: deadline !== 'total' && (!sent || context.streaming === true),
    maybeBilled: sent,
  });
}

function make(parts: Pick<UpstreamFailure, 'kind' | 'code' | 'message' | 'tryElsewhere'> & Partial<UpstreamFailure>): UpstreamFailure {
  return { param: null, rawCode: null, health: 'failure', maybeBilled: false, ...parts };
}
