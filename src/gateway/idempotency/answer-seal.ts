import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

const CIPHER = 'aes-256-gcm';
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** What only the client has: neither of the two is stored, so nobody but the client who repeats can open the answer. */
export interface SealingSecrets {
  clientKey: string;
  idempotencyKey: string;
}

/** @param scope of the claim: a sealed answer that is copied into another row does not open */
export function sealAnswer(answer: Buffer, secrets: SealingSecrets, scope: Buffer): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, keyOf(secrets), nonce).setAAD(scope);
  const body = Buffer.concat([cipher.update(answer), cipher.final()]);
  return Buffer.concat([nonce, body, cipher.getAuthTag()]);
}

/** Null when it was sealed with another key of the client (rotated since) or changed. */
export function openAnswer(sealed: Buffer, secrets: SealingSecrets, scope: Buffer): Buffer | null {
  if (sealed.length < NONCE_BYTES + TAG_BYTES) return null;
  const decipher = createDecipheriv(CIPHER, keyOf(secrets), sealed.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
  decipher.setAAD(scope).setAuthTag(sealed.subarray(-TAG_BYTES));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
  } catch {
    return null;
  }
}

function keyOf({ clientKey, idempotencyKey }: SealingSecrets): Buffer {
  return Buffer.from(hkdfSync('sha256', clientKey, idempotencyKey, 'opengateway idempotency', KEY_BYTES));
}
