import type { ReasoningPart } from '../../chat/message.js';
import { PROTOCOL } from './types.js';

/**
 * A reasoning item has one place for proof, `encrypted_content`, and every client replays it untouched. What another protocol
 * issued travels there as `og-<kind>.<protocol>.<value>` and is taken apart when it comes back: `sig` a signature of the
 * item's text, `enc` encrypted thought, `call` the signature of the function call that follows (Gemini).
 */
const PACKED = /^og-(sig|enc|call)\.([a-z0-9-]+)\./;

type Proof = Pick<ReasoningPart, 'signature' | 'encrypted' | 'origin'>;

/** Undefined: there is nothing to prove. */
export function packProof({ signature, encrypted, origin }: Proof): string | undefined {
  if (origin === PROTOCOL) return encrypted ?? signature;
  const from = origin === undefined || origin === '' ? 'unknown' : origin;
  if (signature !== undefined) return `og-sig.${from}.${signature}`;
  return encrypted === undefined ? undefined : `og-enc.${from}.${encrypted}`;
}

export function packCallSignature(signature: string): string {
  return `og-call.gemini-generate.${signature}`;
}

export function isForeign(encryptedContent: unknown): boolean {
  return typeof encryptedContent === 'string' && PACKED.test(encryptedContent);
}

export interface Unpacked {
  proof: Proof;
  /** Belongs to the next function call. */
  callSignature?: string;
}

export function unpackProof(encryptedContent: string): Unpacked {
  const found = PACKED.exec(encryptedContent);
  if (found === null) return { proof: { encrypted: encryptedContent, origin: PROTOCOL } };
  const [prefix, kind, origin] = found;
  const value = encryptedContent.slice(prefix.length);
  if (kind === 'call') return { proof: {}, callSignature: value };
  return { proof: { [kind === 'sig' ? 'signature' : 'encrypted']: value, ...(origin === 'unknown' ? {} : { origin }) } };
}
