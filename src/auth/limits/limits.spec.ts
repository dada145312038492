import { GatewayError } from '../../core/errors/gateway-error.js';
import type { Caller, CallerLayer, Limits as LimitSettings } from '../../core/policy/index.js';
import { ManualClock } from '../../platform/clock/index.js';
import type { AuthMetrics } from '../auth-metrics.js';
import { Limits, type Admission } from './limits.js';
import { MemoryLimitStore } from './memory-limit-store.js';
import { addAnthropicRateLimitHeaders, addRateLimitHeaders, tightest, type TightWindows } from './rate-limit-headers.js';

function callerWith(...limits: LimitSettings[]): Caller {
  const names = ['organization', 'project', 'key'] as const;
  const layers = limits.map((setting, index): CallerLayer => ({ layer: names[index] ?? 'key', id: `id_${index}`, policy: {}, limits: setting }));
  return {
    keyId: 'k',
    keyName: 'k',
    projectId: 'p',
    organizationId: 'o',
    layers,
    store: 'metadata',
    strictParams: false,
    timezone: 'UTC',
    currency: 'USD',
  };
}

const headersOf = (admission: Admission): Record<string, string> => {
  const headers = {};
  admission.addHeaders(headers);
  admission.addAnthropicHeaders(headers);
  return headers;
};
const rateLimitHeaders = (windows: TightWindows): Record<string, string> => {
  const headers = {};
  addRateLimitHeaders(headers, windows);
  return headers;
};

describe('Limits', () => {
  const clock = new ManualClock();
  let refusals: string[];
  let limits: Limits;
  beforeEach(() => {
    refusals = [];
    const metrics = { limited: (scope: string, limit: string) => refusals.push(`${scope} ${limit}`) };
    limits = new Limits(new MemoryLimitStore(clock), clock, metrics as unknown as AuthMetrics);
  });
  const admit = (caller: Caller, tokens: number, reserve?: number): Admission => limits.admit(caller, tokens, reserve) as Admission;

  it('costs and shows nothing without limits', () => {
    const admission = admit(callerWith({}, {}, {}), 1_000);
    expect(headersOf(admission)).toEqual({});
    admission.release(5);
  });

  it('refuses with a true retry-after and the tightest windows in the headers', () => {
    const caller = callerWith({ rpm: 100 }, {}, { rpm: 2, tpm: 1_000 });
    admit(caller, 100);
    clock.advance(10_000);
    admit(caller, 100);
    const error = catchError(() => admit(caller, 100));
    expect(error).toMatchObject({ code: 'rate_limit_exceeded', status: 429, retryAfterMs: 50_000 });
    expect(error.message).toContain('key id_2 is limited to 2 requests per minute');
    expect(error.headers).toEqual({
      'x-ratelimit-limit-requests': '2',
      'x-ratelimit-remaining-requests': '0',
      'x-ratelimit-reset-requests': '1m0s',
      'x-ratelimit-limit-tokens': '1000',
      'x-ratelimit-remaining-tokens': '800',
      'x-ratelimit-reset-tokens': '1m0s',
    });
    expect(refusals).toEqual(['key rpm']);
    clock.advance(50_000);
    expect(() => admit(caller, 100)).not.toThrow();
  });

  it('shows after the end what was really used', () => {
    const admission = admit(callerWith({ tpm: 5_000 }, { tpm: 400 }), 300);
    expect(headersOf(admission)).toMatchObject({ 'x-ratelimit-limit-tokens': '400', 'x-ratelimit-remaining-tokens': '100' });
    admission.release(120);
    admission.release(999);
    expect(headersOf(admission)).toMatchObject({ 'x-ratelimit-remaining-tokens': '280' });
    expect(headersOf(admission)).toMatchObject({ 'anthropic-ratelimit-tokens-remaining': '280' });
  });

  it('tells clients not to wait for what never fits', () => {
    const error = catchError(() => admit(callerWith({ tpm: 10 }), 11));
    expect(error.retryAfterMs).toBeUndefined();
    expect(error.headers).toMatchObject({ 'x-should-retry': 'false' });
  });

  it('shows the usage of every limit', async () => {
    const caller = callerWith({ rpd: 10 }, {}, { concurrency: 2 });
    admit(caller, 0);
    expect(await limits.usage(caller)).toEqual([
      { layer: 'organization', id: 'id_0', limit: 'rpd', limit_count: 10, used: 1, remaining: 9, reset_seconds: 86_400 },
      { layer: 'key', id: 'id_2', limit: 'concurrency', limit_count: 2, used: 1, remaining: 1, reset_seconds: 0 },
    ]);
  });
});

describe('rate limit headers', () => {
  const window = (limitCount: number, usedCount: number, resetMs: number) =>
    ({ scope: 'key', id: 'k', limit: 'rpm', limitCount, usedCount, resetMs }) as const;

  it.each([
    [0, '0s'],
    [1, '1s'],
    [999, '1s'],
    [60_000, '1m0s'],
    [360_000, '6m0s'],
    [86_399_001, '24h0m0s'],
    [3_723_000, '1h2m3s'],
  ])('writes %i ms as %s', (resetMs, text) => {
    expect(rateLimitHeaders(tightest([window(5, 1, resetMs)]))['x-ratelimit-reset-requests']).toBe(text);
  });

  it('never shows a negative remainder', () => {
    expect(rateLimitHeaders(tightest([window(5, 9, 1)]))['x-ratelimit-remaining-requests']).toBe('0');
  });

  it('writes Anthropic’s reset as a time', () => {
    const headers: Record<string, string> = {};
    addAnthropicRateLimitHeaders(headers, tightest([window(5, 1, 6_000)]), Date.UTC(2026, 0, 1));
    expect(headers['anthropic-ratelimit-requests-reset']).toBe('2026-01-01T00:00:06Z');
  });
});

function catchError(work: () => unknown): GatewayError {
  try {
    work();
  } catch (error) {
    if (error instanceof GatewayError) return error;
  }
  throw new Error('was not refused');
}
