import { createCipheriv, createDecipheriv, createHash, createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';

const CIPHER = 'aes-256-gcm';
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_ID_BYTES = 4;
const VERSION = 'og1';

/** The sealed text was made with another master key, changed, or belongs to another owner. */
export class SecretError extends Error {
  override name = 'SecretError';
}

/**
 * Everything that depends on the master key. An injectable class.
 *
 * `seal` is an envelope: a key of its own for each secret encrypts it (AES-256-GCM), the master key encrypts that key. Both
 * are bound to the associated data (who owns it, what it is for), so that a sealed text copied into another row does not
 * open. `digest` is a keyed HMAC-SHA-256: a stolen table of digests cannot be tried offline.
 */
export class Secrets {
  readonly #sealingKey: Buffer;
  readonly #sealingKeyId: Buffer;
  readonly #digestKeys = new Map<string, Buffer>();
  readonly #master: Buffer;

  /** @param master 32 bytes, hex or base64 (either alphabet). */
  constructor(master: string) {
    this.#master = decodeMasterKey(master);
    this.#sealingKey = this.#derive('seal');
    this.#sealingKeyId = createHash('sha256').update(this.#sealingKey).digest().subarray(0, KEY_ID_BYTES);
  }

  /** @param owner what the text is bound to, e.g. `provider:openai:main`; `open` needs the same. */
  seal(plain: string, owner: string): string {
    const dataKey = randomBytes(KEY_BYTES);
    const wrapped = encrypt(this.#sealingKey, dataKey, `${VERSION}:key:${owner}`);
    const body = encrypt(dataKey, Buffer.from(plain, 'utf8'), `${VERSION}:data:${owner}`);
    dataKey.fill(0);
    return `${VERSION}.${Buffer.concat([this.#sealingKeyId, wrapped, body]).toString('base64url')}`;
  }

  open(sealed: string, owner: string): string {
    const [version, text] = sealed.split('.');
    if (version !== VERSION || text === undefined) throw new SecretError('not a sealed text of ours');
    const bytes = Buffer.from(text, 'base64url');
    const wrappedEnd = KEY_ID_BYTES + NONCE_BYTES + KEY_BYTES + TAG_BYTES;
    if (!bytes.subarray(0, KEY_ID_BYTES).equals(this.#sealingKeyId)) throw new SecretError('sealed with another master key');
    const dataKey = decrypt(this.#sealingKey, bytes.subarray(KEY_ID_BYTES, wrappedEnd), `${VERSION}:key:${owner}`);
    return decrypt(dataKey, bytes.subarray(wrappedEnd), `${VERSION}:data:${owner}`).toString('utf8');
  }

  /** 64 hex digits. Another purpose gives another digest of the same text. */
  digest(purpose: string, text: string): string {
    let key = this.#digestKeys.get(purpose);
    if (key === undefined) {
      key = this.#derive(`digest:${purpose}`);
      this.#digestKeys.set(purpose, key);
    }
    return createHmac('sha256', key).update(text).digest('hex');
  }

  #derive(purpose: string): Buffer {
    return Buffer.from(hkdfSync('sha256', this.#master, 'opengateway', purpose, KEY_BYTES));
  }
}

/** Compares in a time that does not depend on where two texts differ, or on their lengths. */
export function equalSecrets(a: string, b: string): boolean {
  return timingSafeEqual(createHash('sha256').update(a).digest(), createHash('sha256').update(b).digest());
}

function decodeMasterKey(text: string): Buffer {
  const key = /^[0-9a-fA-F]{64}$/.test(text) ? Buffer.from(text, 'hex') : Buffer.from(text, 'base64');
  if (key.length !== KEY_BYTES) throw new SecretError('the master key is not 32 bytes in base64 or hex');
  return key;
}

function encrypt(key: Buffer, plain: Buffer, associated: string): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce).setAAD(Buffer.from(associated, 'utf8'));
  const body = Buffer.concat([cipher.update(plain), cipher.final()]);
  return Buffer.concat([nonce, body, cipher.getAuthTag()]);
}

function decrypt(key: Buffer, sealed: Buffer, associated: string): Buffer {
  if (sealed.length < NONCE_BYTES + TAG_BYTES) throw new SecretError('a sealed text was cut');
  const decipher = createDecipheriv(CIPHER, key, sealed.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(associated, 'utf8')).setAuthTag(sealed.subarray(-TAG_BYTES));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
  } catch (cause) {
    throw new SecretError('a sealed text was changed or belongs to another owner', { cause });
  }
}
