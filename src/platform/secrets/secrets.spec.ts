import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { equalSecrets, generateToken, isWellFormedToken, loadOperatorToken, loadSecrets, SecretError, Secrets } from './index.js';

const MASTER = '00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff';

describe('Secrets', () => {
  const secrets = new Secrets(MASTER);

  it('opens what it sealed, for the same owner only', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string(), (plain, owner) => {
        const sealed = secrets.seal(plain, owner);
        expect(secrets.open(sealed, owner)).toBe(plain);
        expect(() => secrets.open(sealed, `${owner}x`)).toThrow(SecretError);
      }),
      { numRuns: 50 },
    );
  });

  it('refuses every changed bit', () => {
    const bytes = Buffer.from(secrets.seal('sk-live', 'provider:openai').split('.')[1] ?? '', 'base64url');
    for (let index = 0; index < bytes.length; index += 1) {
      const changed = Buffer.from(bytes);
      changed[index] = (changed[index] ?? 0) ^ 1;
      expect(() => secrets.open(`og1.${changed.toString('base64url')}`, 'provider:openai')).toThrow(SecretError);
    }
    expect(() => secrets.open('plain text', 'provider:openai')).toThrow(SecretError);
  });

  it('says so when the master key is another', () => {
    const other = new Secrets(Buffer.alloc(32, 7).toString('base64'));
    expect(() => other.open(secrets.seal('x', 'y'), 'y')).toThrow('sealed with another master key');
  });

  it('takes the same key in hex, base64 and base64url', () => {
    const base64 = new Secrets(Buffer.from(MASTER, 'hex').toString('base64'));
    const base64url = new Secrets(Buffer.from(MASTER, 'hex').toString('base64url'));
    expect(base64.digest('key', 'a')).toBe(secrets.digest('key', 'a'));
    expect(base64url.open(secrets.seal('x', 'y'), 'y')).toBe('x');
    expect(() => new Secrets('short')).toThrow(SecretError);
  });

  it('digests by purpose and key', () => {
    expect(secrets.digest('key', 'a')).toMatch(/^[0-9a-f]{64}$/);
    expect(secrets.digest('code', 'a')).not.toBe(secrets.digest('key', 'a'));
    expect(new Secrets('ff'.repeat(32)).digest('key', 'a')).not.toBe(secrets.digest('key', 'a'));
  });
});

describe('tokens', () => {
  it('find every typing error of one character', () => {
    const token = generateToken('sk-og');
    expect(token).toMatch(/^sk-og-[0-9A-Za-z]{46}$/);
    expect(isWellFormedToken('sk-og', token)).toBe(true);
    expect(isWellFormedToken('mk-og', token)).toBe(false);
    for (let index = 0; index < token.length; index += 1) {
      const changed = token.slice(0, index) + (token[index] === 'a' ? 'b' : 'a') + token.slice(index + 1);
      expect(isWellFormedToken('sk-og', changed)).toBe(false);
    }
    expect(isWellFormedToken('sk-og', `${token}a`)).toBe(false);
    expect(isWellFormedToken('sk-og', '')).toBe(false);
  });

  it('compares without caring for length', () => {
    expect(equalSecrets('abc', 'abc')).toBe(true);
    expect(equalSecrets('abc', 'abcd')).toBe(false);
  });
});

describe('generated secrets', () => {
  const directory = mkdtempSync(join(tmpdir(), 'og-secrets-'));
  afterAll(() => rmSync(directory, { recursive: true }));

  it('are kept, private, and the same for every start', () => {
    const sealed = loadSecrets(null, directory).seal('x', 'y');
    expect(loadSecrets(null, directory).open(sealed, 'y')).toBe('x');
    const token = loadOperatorToken(null, directory);
    expect(loadOperatorToken(null, directory).value).toBe(token.value);
    expect(token.matches(`Bearer ${token.value}`)).toBe(true);
    expect(token.matches(token.value)).toBe(false);
    expect(token.matches(undefined)).toBe(false);
    expect(readdirSync(directory).sort()).toEqual(['admin-token', 'master.key']);
    for (const name of readdirSync(directory)) expect(statSync(join(directory, name)).mode & 0o777).toBe(0o600);
  });

  it('give way to what is configured', () => {
    expect(loadOperatorToken('x'.repeat(32), directory).value).toBe('x'.repeat(32));
  });
});
