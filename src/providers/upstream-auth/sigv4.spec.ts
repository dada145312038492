import type { UpstreamRequest } from '../../core/upstream/upstream.js';
import { signAws } from './sigv4.js';

/** Keys, time and results of AWS's published Signature Version 4 test suite (`aws-sig-v4-test-suite`). */
const KEYS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };
const SCOPE = { region: 'us-east-1', service: 'service', nowMs: Date.UTC(2015, 7, 30, 12, 36, 0) };
const deadlines = { connectMs: 1, firstByteMs: 1, idleMs: 1, totalMs: 1 };

const request = (method: 'GET' | 'POST', path: string, headers: Record<string, string> = {}, body: string | null = null): UpstreamRequest => ({
  method,
  url: `https://example.amazonaws.com${path}`,
  headers,
  body,
  deadlines,
});
const signatureOf = (signed: UpstreamRequest): string => /Signature=([0-9a-f]+)$/.exec(signed.headers['authorization'] ?? '')?.[1] ?? '';

describe('signAws', () => {
  it.each([
    ['get-vanilla', request('GET', '/'), '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
    ['post-vanilla', request('POST', '/'), '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b'],
    ['get-vanilla-query-order-key-case', request('GET', '/?Param2=value2&Param1=value1'), 'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500'],
    [
      'post-x-www-form-urlencoded',
      request('POST', '/', { 'content-type': 'application/x-www-form-urlencoded' }, 'Param1=value1'),
      'ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a',
    ],
  ])('gives the published signature of %s', (_, given, signature) => {
    const signed = signAws(given, KEYS, SCOPE);
    expect(signatureOf(signed)).toBe(signature);
    expect(signed.headers['x-amz-date']).toBe('20150830T123600Z');
  });

  it('signs the token of temporary keys, and nothing a proxy may change', () => {
    const signed = signAws(
      request('POST', '/model/us.x%3A0/converse', { 'user-agent': 'a', 'content-type': 'application/json' }, '{}'),
      { ...KEYS, sessionToken: 'T' },
      SCOPE,
    );
    expect(signed.headers['x-amz-security-token']).toBe('T');
    expect(signed.headers['authorization']).toContain('SignedHeaders=content-type;host;x-amz-date;x-amz-security-token,');
  });

  it('depends on method, path, body, key, region, service and day', () => {
    const base = request('POST', '/model/a/converse', {}, '{}');
    const signatures = [
      signAws(base, KEYS, SCOPE),
      signAws({ ...base, method: 'GET' }, KEYS, SCOPE),
      signAws({ ...base, url: `${base.url}-stream` }, KEYS, SCOPE),
      signAws({ ...base, body: '{ }' }, KEYS, SCOPE),
      signAws(base, { ...KEYS, secretAccessKey: 'other' }, SCOPE),
      signAws(base, KEYS, { ...SCOPE, region: 'eu-west-1' }),
      signAws(base, KEYS, { ...SCOPE, service: 'bedrock' }),
      signAws(base, KEYS, { ...SCOPE, nowMs: SCOPE.nowMs + 86_400_000 }),
    ].map(signatureOf);
    expect(new Set(signatures).size).toBe(signatures.length);
  });
});
