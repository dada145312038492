const GOOGLE_TOKEN_URI = 'https://oauth2.googleapis.com/token';

/** What a Google key file says, as far as we need it. */
export interface ServiceAccount {
  email: string;
  privateKey: string;
  keyId?: string;
  /** Where its assertions are exchanged: Google, or what stands in its place. */
  tokenUri: string;
}

/** Null when the text is no key file. */
export function readServiceAccount(text: string): ServiceAccount | null {
  try {
    const file = JSON.parse(text) as Record<string, unknown> | null;
    const { client_email: email, private_key: privateKey, private_key_id: keyId, token_uri: tokenUri = GOOGLE_TOKEN_URI } = file ?? {};
    if (typeof email !== 'string' || typeof privateKey !== 'string' || typeof tokenUri !== 'string') return null;
    if (!/^https?:$/.test(new URL(tokenUri).protocol)) return null;
    return { email, privateKey, tokenUri, ...(typeof keyId === 'string' && { keyId }) };
  } catch {
    return null;
  }
}
