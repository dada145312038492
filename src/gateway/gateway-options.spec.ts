import { parseGatewayOptions } from './gateway-options.js';

describe('parseGatewayOptions', () => {
  it('reads what the client asks of the gateway', () => {
    const options = parseGatewayOptions(
      {
        'x-og-strict': 'true',
        'x-og-no-fallback': '1',
        'x-og-tags': 'a, b',
        'x-og-session-id': 's1',
        'x-og-store': 'none',
        'x-stainless-retry-count': '2',
        'anthropic-beta': 'x',
      },
      '127.0.0.1',
    );
    expect(options).toMatchObject({
      strict: true,
      noFallback: true,
      allowDegraded: false,
      tags: ['a', 'b'],
      sessionId: 's1',
      store: 'none',
      clientRetries: 2,
      passThrough: { 'anthropic-beta': 'x' },
    });
  });

  it('takes the usual when nothing is said', () => {
    expect(parseGatewayOptions({}, undefined)).toMatchObject({
      strict: false,
      noFallback: false,
      allowDegraded: false,
      tags: [],
      reasoningField: 'reasoning_content',
      clientRetries: 0,
    });
  });

  it.each([
    ['x-og-strict', 'maybe'],
    ['x-og-store', 'everything'],
    ['x-og-session-id', 'a b'],
    ['x-og-tags', 'a,,b'],
    ['x-og-reasoning-field', 'thoughts'],
  ])('names the header %s that it cannot read', (name, value) => {
    expect(() => parseGatewayOptions({ [name]: value }, undefined)).toThrow(expect.objectContaining({ code: 'invalid_request', param: name }));
  });

  it('keeps only a safe client request id', () => {
    expect(parseGatewayOptions({ 'x-request-id': 'abc-1' }, undefined).clientRequestId).toBe('abc-1');
    expect(parseGatewayOptions({ 'x-request-id': 'a b' }, undefined).clientRequestId).toBeUndefined();
  });
});

describe('a loop of gateways', () => {
  it('ends after three', () => {
    const via = (count: number): string => Array.from({ length: count }, () => '1.1 opengateway').join(', ');
    expect(parseGatewayOptions({}, undefined).hopCount).toBe(0);
    expect(parseGatewayOptions({ via: `1.1 nginx, ${via(3)}` }, undefined).hopCount).toBe(3);
    expect(() => parseGatewayOptions({ via: via(4) }, undefined)).toThrow(expect.objectContaining({ code: 'loop_detected', status: 508 }));
  });
});
