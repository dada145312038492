import { redactSecrets } from '../core/errors/redact-secrets.js';

export interface Redaction {
  /** Also replaces e-mail addresses. */
  emails: boolean;
}

const EMAIL = /(?<![\w.+-])[\w.+-]{1,64}@[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,8}/gi;
/** Longer texts are redacted and kept up to here. */
export const PAYLOAD_LIMIT_BYTES = 1_048_576;

/** Before anything leaves the process: credentials by their shape, e-mail addresses when the operator wants that. */
export function redact(text: string, { emails }: Redaction): string {
  const safe = redactSecrets(text);
  return emails && safe.includes('@') ? safe.replace(EMAIL, '[email]') : safe;
}

export interface StoredText {
  text: string;
  truncated: boolean;
}

/** At most 1 MB of UTF-8, never ending inside a character. Cut before it is redacted: the rest would not be stored anyway. */
export function storedText(text: string, redaction: Redaction): StoredText {
  if (text.length * 3 <= PAYLOAD_LIMIT_BYTES) return { text: redact(text, redaction), truncated: false };
  const bytes = Buffer.from(text, 'utf8');
  if (bytes.length <= PAYLOAD_LIMIT_BYTES) return { text: redact(text, redaction), truncated: false };
  let end = PAYLOAD_LIMIT_BYTES;
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  // A secret cut in half would not be recognised: the end of the text is dropped to the last white space near it.
  const cut = bytes.toString('utf8', 0, end);
  const space = Math.max(cut.lastIndexOf(' '), cut.lastIndexOf('\n'));
  return { text: redact(space > cut.length - 512 ? cut.slice(0, space) : cut.slice(0, -512), redaction), truncated: true };
}
