import type { TransportFailure } from '../../core/upstream/upstream.js';

type Kind = TransportFailure['kind'];

/** The peer closed the connection in good order, but too early. */
export const CLOSED = 'CLOSED';

/** What each code means to a person; hosts and addresses are left out, because a client may read it. */
const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was reset',
  EPIPE: 'the connection was closed',
  ETIMEDOUT: 'the connection timed out',
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'the network cannot be reached',
  ENOTFOUND: 'the host name is unknown',
  EAI_AGAIN: 'the host name could not be looked up',
  [CLOSED]: 'the connection was closed',
  CERT_HAS_EXPIRED: 'the certificate has expired',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'the certificate is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'the certificate chain is self-signed',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'the certificate cannot be verified',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'the certificate’s issuer is not trusted',
  ERR_TLS_CERT_ALTNAME_INVALID: 'the certificate is for another host',
};

/** Cut off in the middle: to be told from what violates HTTP. */
const CUT_CODES: ReadonlySet<string> = new Set([CLOSED, 'ECONNRESET', 'EPIPE', 'ETIMEDOUT']);

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : '';
}

/** True when the peer closed or reset the connection, as opposed to having sent something unreadable. */
export function isClosedByPeer(error: unknown): boolean {
  const code = codeOf(error);
  return code === CLOSED || code === 'ECONNRESET' || code === 'EPIPE';
}

/** How far the exchange had come: no connection yet, waiting for the head of the answer, reading its body. */
export type Stage = 'connecting' | 'head' | 'body';

export function transportFailure(error: unknown, stage: Stage): TransportFailure {
  const code = codeOf(error);
  return { kind: kindOf(code, stage), message: wordsFor(code, error), sent: stage !== 'connecting' };
}

function kindOf(code: string, stage: Stage): Kind {
  if (stage === 'connecting') return 'connect';
  return CUT_CODES.has(code) ? 'reset' : 'protocol';
}

function wordsFor(code: string, error: unknown): string {
  const words = WORDS[code];
  if (words !== undefined) return `${words} (${code})`;
  if (code.startsWith('ERR_SSL') || code.startsWith('ERR_TLS') || code.startsWith('CERT_')) return `TLS failed (${code})`;
  if (code === '' && error instanceof Error && error.message.startsWith('the ')) return error.message;
  return `the connection failed${code === '' ? '' : ` (${code})`}`;
}
