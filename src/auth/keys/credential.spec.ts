import { generateToken } from '../../platform/secrets/index.js';
import { AuthenticationError, readCredential, requireWellFormed, type CredentialHeaders } from './credential.js';

const request = (...pairs: [string, string][]): CredentialHeaders => ({
  headers: Object.fromEntries(pairs.map(([name, value]) => [name.toLowerCase(), value])),
  rawHeaders: pairs.flat(),
});

function refusal(work: () => unknown): { code: string; reason: string; message: string } {
  try {
    work();
  } catch (error) {
    if (error instanceof AuthenticationError) return { code: error.code, reason: error.reason, message: error.message };
  }
  throw new Error('was accepted');
}

describe('readCredential', () => {
  it.each<[[string, string][], string]>([
    [[['Authorization', 'Bearer k1']], 'k1'],
    [[['AUTHORIZATION', 'bearer  k1  ']], 'k1'],
    [[['authorization', 'BEARER\tk1\n']], 'k1'],
    [[['x-api-key', ' k2 ']], 'k2'],
    [[['api-key', 'k3']], 'k3'],
    [[['x-api-key', 'k2'], ['Authorization', 'Bearer k1']], 'k1'],
    [[['x-api-key', 'k2'], ['api-key', 'k3']], 'k2'],
    [[['Authorization', 'Bearer '], ['x-api-key', 'k2']], 'k2'],
    [[['Authorization', 'Basic abc'], ['x-api-key', 'k2']], 'k2'],
  ])('%j → %s', (headers, key) => {
    expect(readCredential(request(...headers))).toBe(key);
  });

  it.each<[[string, string][], string]>([
    [[], 'missing_api_key'],
    [[['Authorization', '']], 'missing_api_key'],
    [[['Authorization', 'Bearer']], 'missing_api_key'],
    [[['x-api-key', ' ']], 'missing_api_key'],
    [[['Authorization', 'Basic abc']], 'invalid_api_key'],
    [[['Authorization', 'Bearerk1']], 'invalid_api_key'],
    [[['Authorization', 'sk-og-abc']], 'invalid_api_key'],
    [[['Authorization', 'Bearer a'], ['authorization', 'Bearer b']], 'invalid_api_key'],
  ])('%j → %s', (headers, code) => {
    const sent = headers.length === 1 && headers[0]?.[1] === '' ? request(['Authorization', 'Bearer ']) : request(...headers);
    expect(refusal(() => readCredential(sent)).code).toBe(code);
  });
});

describe('requireWellFormed', () => {
  const key = generateToken('sk-og');

  it('accepts ours', () => {
    expect(() => requireWellFormed(key)).not.toThrow();
  });

  it('says so when a character is wrong, missing or too many', () => {
    const wrong = key.slice(0, 20) + (key[20] === 'a' ? 'b' : 'a') + key.slice(21);
    for (const typo of [wrong, key.slice(0, -1), `${key}x`, key.slice(0, 10)]) {
      expect(refusal(() => requireWellFormed(typo))).toMatchObject({ code: 'invalid_api_key', message: expect.stringContaining('typing error') });
    }
  });

  it('says the same of everything else, and never repeats it', () => {
    const texts = ['x', "' OR '1'='1", 'sk-proj-abc', 'mk-og-abc', "sk-og-' OR 1=1 --", 'sk-og-é', `sk-og-${'a'.repeat(500)}`];
    const messages = new Set(texts.map((text) => refusal(() => requireWellFormed(text)).message));
    expect(messages.size).toBe(1);
    for (const text of texts.slice(1)) expect([...messages][0]).not.toContain(text);
  });
});
