import { redactProviderWords, redactSecrets } from './redact-secrets.js';

describe('redaction', () => {
  it.each([
    'sk-proj-abcDEF0123456789',
    'sk-ant-api03-AbCdEf0123456789',
    'sk-inval***2345',
    'sk-og-0V8N98jIJ0MZjYdj',
    ...['gsk', 'csk', 'rk', 'mk', 'xai', 'pplx', 'nvapi', 'hf', 'glpat', 'fw', 'r8', 'tgp'].map((prefix) => `${prefix}_abcdefghijk0123456789`),
    'ya29.a0AfH6SMBx0123456789',
    'basic dXNlcjpodW50ZXIyMg==',
    'AIzaSyA0123456789abcdefgh',
    'AKIAIOSFODNN7EXAMPLE',
    'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl',
    'Bearer abcdefghijklmnop',
    'https://user:hunter22@example.com/x',
    '-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nIBAAKC\n-----END RSA PRIVATE KEY-----',
  ])('%s', (secret) => {
    const clean = redactSecrets(`before ${secret} after`);
    expect(redactSecrets(secret)).toContain('[redacted]');
    expect(clean).toContain('[redacted]');
    for (const piece of secret.split(/[\s:.@/-]/).filter((part) => part.length >= 8 && !/^(https|PRIVATE|example|Bearer)/.test(part)))
      expect(clean).not.toContain(piece);
  });
  it('leaves ordinary words alone', () => {
    const text = 'The sk-learn package, hf_hub, a token budget: 5 tokens; basic english; max_tokens: 1000; see https://example.com:8080/a';
    expect(redactSecrets(text)).toBe(text);
  });
  it('takes what a provider names as key', () => {
    expect(redactProviderWords('Incorrect API key provided: <not-a-r****key>. See x')).not.toContain('not-a-r');
  });
  it.each(['p', 'eyJ-', 'eyJaaaaaaaaaa.', 'sk-', 'bearer ', '://a:', '-----BEGIN PRIVATE KEY-----', 'AIza', 'api key: ', 'ab@'])(
    'is linear on a megabyte of %j',
    (piece) => {
      const text = piece.repeat(1_000_000 / piece.length);
      const startedMs = performance.now();
      redactProviderWords(text);
      expect(performance.now() - startedMs).toBeLessThan(500);
    },
  );
});
