import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { anthropicMessages } from '../protocols/anthropic-messages/index.js';
import { geminiGenerate } from '../protocols/gemini-generate/index.js';
import { openaiChat } from '../protocols/openai-chat/index.js';
import { classifyUpstreamError, type UpstreamErrorContext } from './classify-upstream.js';
import { finalFailure, toGatewayError } from './to-gateway-error.js';
import { interruptedFailure, transportFailure } from './transport-failure.js';
import type { UpstreamErrorFacts, UpstreamFailure } from './upstream-failure.js';

const facts = (message: string, rawCode: string | null = null, more: Partial<UpstreamErrorFacts> = {}): UpstreamErrorFacts => ({ message, rawCode, ...more });
const http = (status: number, more: Partial<UpstreamErrorContext> = {}): UpstreamErrorContext => ({ kind: 'http', status, ...more });

describe('what a provider’s HTTP error becomes', () => {
  const table: [number, UpstreamErrorFacts | null, string, boolean, string][] = [
    [400, facts('temperature: range: 0..1', 'invalid_request_error'), 'invalid_request', false, 'none'],
    [400, null, 'invalid_request', false, 'none'],
    [422, facts('field required: messages'), 'invalid_request', false, 'none'],
    [
      400,
      facts("Unsupported parameter: 'stop' is not supported with this model.", 'unsupported_parameter', { param: 'stop' }),
      'unsupported_parameter',
      false,
      'none',
    ],
    [400, facts("Unknown parameter: 'quality'.", 'unknown_parameter'), 'unsupported_parameter', false, 'none'],
    [400, facts('prompt is too long: 3333404 tokens > 200000 maximum', 'invalid_request_error'), 'context_length_exceeded', false, 'none'],
    [
      400,
      facts('The input token count (1250074) exceeds the maximum number of tokens allowed (1048576).', 'INVALID_ARGUMENT'),
      'context_length_exceeded',
      false,
      'none',
    ],
    [
      400,
      facts("This model's maximum context length is 128000 tokens. However, your messages resulted in 204308 tokens.", 'context_length_exceeded'),
      'context_length_exceeded',
      false,
      'none',
    ],
    [
      400,
      facts('The response was filtered due to the prompt triggering the content management policy.', 'content_filter'),
      'content_policy_violation',
      false,
      'none',
    ],
    [403, facts('Content violates usage guidelines. Team: x'), 'content_policy_violation', false, 'none'],
    [400, facts('Your credit balance is too low to access the Anthropic API.', 'invalid_request_error'), 'upstream_auth_failed', true, 'credential'],
    [400, facts('API key not valid. Please pass a valid API key.', 'API_KEY_INVALID'), 'upstream_auth_failed', true, 'credential'],
    [
      400,
      facts('Incorrect API key provided. You can obtain an API key from https://console.x.ai.', 'invalid-argument'),
      'upstream_auth_failed',
      true,
      'credential',
    ],
    [401, facts('invalid x-api-key', 'authentication_error'), 'upstream_auth_failed', true, 'credential'],
    [402, facts('Insufficient credits.', '402'), 'upstream_auth_failed', true, 'credential'],
    [403, facts('The key may not use this resource.', 'permission_error'), 'upstream_auth_failed', true, 'credential'],
    [403, facts("You don't have access to the model with the specified model ID."), 'upstream_auth_failed', true, 'failure'],
    [404, facts('model: nope', 'not_found_error'), 'upstream_error', true, 'failure'],
    [404, facts('File file_0123 not found', 'not_found_error'), 'upstream_error', true, 'none'],
    [408, null, 'upstream_timeout', true, 'failure'],
    [409, facts('The resource is locked, try again.'), 'upstream_error', true, 'failure'],
    [409, facts('bad', null, { param: 'messages' }), 'invalid_request', false, 'none'],
    [413, facts('Request exceeds the maximum size', 'request_too_large'), 'request_too_large', false, 'none'],
    [418, null, 'upstream_error', true, 'failure'],
    [424, facts('The system encountered an unexpected error during processing. Try your request again.'), 'upstream_error', true, 'failure'],
    [429, facts('Rate limited', 'rate_limit_error'), 'upstream_rate_limited', true, 'rate-limit'],
    [429, facts('You exceeded your current quota.', 'insufficient_quota'), 'upstream_rate_limited', true, 'credential'],
    [429, facts('You exceeded your current quota, please check your plan.', 'RESOURCE_EXHAUSTED'), 'upstream_rate_limited', true, 'rate-limit'],
    [500, facts('The server had an error', 'server_error'), 'upstream_error', true, 'failure'],
    [500, facts('image input is not supported - hint: if this is unexpected', 'server_error'), 'upstream_error', true, 'none'],
    [501, null, 'upstream_error', true, 'failure'],
    [502, null, 'upstream_error', true, 'failure'],
    [503, facts('The model is overloaded.', 'UNAVAILABLE'), 'upstream_overloaded', true, 'failure'],
    [504, null, 'upstream_timeout', true, 'failure'],
    [529, facts('Overloaded', 'overloaded_error'), 'upstream_overloaded', true, 'failure'],
  ];
  it.each(table)('%i %j → %s', (status, stated, code, elsewhere, health) => {
    const failure = classifyUpstreamError(stated, http(status));
    expect([failure.code, failure.tryElsewhere, failure.health, failure.status]).toEqual([code, elsewhere, health, status]);
    expect(failure.maybeBilled).toBe(false);
  });

  it('keeps the provider’s words and names the parameter', () => {
    const failure = classifyUpstreamError(facts("Unknown parameter: 'quality'.", 'unknown_parameter'), http(400));
    const error = toGatewayError(failure, { provider: { id: 'openai' } });
    expect([error.status, error.message, error.param]).toEqual([400, "Unknown parameter: 'quality'.", 'quality']);
    expect(error.metadata).toMatchObject({ upstream: { provider: 'openai', status: 400 } });
  });

  it('does not let a client’s echoed text set a credential aside', () => {
    const failure = classifyUpstreamError(facts("Unknown parameter: 'Incorrect API key provided'.", 'unknown_parameter'), http(400));
    expect(failure.health).toBe('none');
  });

  it('asks elsewhere and notes drift when the catalogue says the model can', () => {
    const stated = facts('image input is not supported', 'invalid_request_error');
    expect(classifyUpstreamError(stated, http(400, { capabilities: { vision: true } }))).toMatchObject({
      tryElsewhere: true,
      health: 'drift',
      drift: 'vision',
    });
    expect(classifyUpstreamError(stated, http(400, { capabilities: {} }))).toMatchObject({ tryElsewhere: false, health: 'none' });
  });

  it('lets a dialect map raw codes first', () => {
    const dialect = { errorMap: { '1301': 'content_policy_violation', busy: 'upstream_overloaded' }, errorHealth: { busy: 'rate-limit' } } as const;
    expect(classifyUpstreamError(facts('x', 'busy'), http(400, { dialect })).code).toBe('upstream_overloaded');
    expect(classifyUpstreamError(facts('x', 'busy'), http(400, { dialect })).health).toBe('rate-limit');
    expect(classifyUpstreamError(facts('x', '1301'), http(500, { dialect })).code).toBe('content_policy_violation');
  });

  it('never tells a client parts of the operator’s key', () => {
    const failure = classifyUpstreamError(
      facts('Incorrect API key provided: sk-inval***2345.', 'invalid_api_key'),
      http(401, { body: '{"k":"sk-inval***2345"}' }),
    );
    const error = toGatewayError(failure, { provider: { id: 'openai' } });
    expect(error.status).toBe(502);
    expect(JSON.stringify([error.message, error.metadata, failure])).not.toContain('2345');
  });
});

describe('errors without a status of their own', () => {
  it.each([
    ['overloaded_error', 'Overloaded', 'upstream_overloaded'],
    ['RESOURCE_EXHAUSTED', 'Resource exhausted', 'upstream_rate_limited'],
    ['server_error', 'oops', 'upstream_error'],
    ['insufficient_quota', 'You exceeded your current quota', 'upstream_rate_limited'],
    ['content_filter', 'filtered', 'content_policy_violation'],
    ['402', 'More credits are required to run this request.', 'upstream_auth_failed'],
    ['503', 'busy', 'upstream_overloaded'],
    ['something_new', 'what', 'upstream_error'],
  ])('%s in a stream → %s', (rawCode, message, code) => {
    expect(classifyUpstreamError(facts(message, rawCode), { kind: 'stream-error', status: 200 }).code).toBe(code);
  });

  it('a 200 with nonsense is an invalid response', () => {
    expect(classifyUpstreamError(null, { kind: 'invalid', status: 200 })).toMatchObject({ code: 'upstream_invalid_response', tryElsewhere: true });
  });
});

describe('retry-after of a 429', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  it.each([
    [{ 'retry-after': '2' }, 2_000],
    [{ 'retry-after-ms': '1494' }, 1_494],
    [{ 'retry-after': '999999' }, 600_000],
    [{ 'retry-after': '0' }, 1_000],
    [{ 'retry-after': '-5' }, undefined],
    [{ 'retry-after': 'soon' }, undefined],
    [{ 'retry-after': 'Thu, 01 Jan 2026 00:00:12 GMT' }, 12_000],
    [{ 'retry-after': 'Thu, 01 Jan 2015 00:00:12 GMT' }, 1_000],
    [{ 'retry-after': '1', 'retry-after-ms': '0' }, 1_000],
  ])('%j → %s', (headers: Record<string, string>, expected) => {
    expect(classifyUpstreamError(null, http(429, { headers, nowMs: now })).retryAfterMs).toBe(expected);
  });

  it('is read from the words and the body when headers are silent', () => {
    expect(classifyUpstreamError(facts('Please try again in 1m38.5s.'), http(429)).retryAfterMs).toBe(98_500);
    expect(classifyUpstreamError(facts('Please retry after 11 seconds.'), http(429)).retryAfterMs).toBe(11_000);
    expect(classifyUpstreamError(facts('x', null, { retryAfterMs: 34_400 }), http(429)).retryAfterMs).toBe(34_400);
  });

  it('all 429 is 429 with the smallest wait, otherwise the last decides', () => {
    const limited = (ms: number) => classifyUpstreamError(null, http(429, { headers: { 'retry-after-ms': String(ms) } }));
    expect(finalFailure([limited(9_000), limited(4_000), limited(6_000)])?.retryAfterMs).toBe(4_000);
    expect(finalFailure([limited(4_000), classifyUpstreamError(null, http(500))])?.code).toBe('upstream_error');
    expect(finalFailure([])).toBeNull();
  });
});

describe('transport failures', () => {
  const deadlines = { connectMs: 5_000, firstByteMs: 60_000, idleMs: 30_000, totalMs: 1_800_000 };
  const of = (parts: Partial<Parameters<typeof transportFailure>[0]>, context = {}): UpstreamFailure =>
    transportFailure({ kind: 'connect', message: 'ECONNREFUSED', sent: false, ...parts }, { deadlines, ...context });

  it('tells which deadline passed', () => {
    const failure = of({ kind: 'timeout', deadline: 'first_byte', sent: true });
    expect(failure).toMatchObject({ code: 'upstream_timeout', tryElsewhere: false, maybeBilled: true, health: 'failure' });
    expect(toGatewayError(failure).message).toContain('within 60 s (deadline: first_byte)');
  });
  it('asks elsewhere when nothing was sent, or a stream has not begun', () => {
    expect(of({ kind: 'timeout', deadline: 'connect' })).toMatchObject({ kind: 'connect', code: 'upstream_timeout', tryElsewhere: true, maybeBilled: false });
    expect(of({ kind: 'timeout', deadline: 'first_byte', sent: true }, { streaming: true }).tryElsewhere).toBe(true);
    expect(of({})).toMatchObject({ code: 'upstream_error', tryElsewhere: true, maybeBilled: false });
    expect(of({ kind: 'reset', sent: true })).toMatchObject({ code: 'upstream_error', tryElsewhere: true, maybeBilled: true });
  });
  it('a broken stream is interrupted after content and a plain error before', () => {
    const failure = of({ kind: 'reset', sent: true }, { streaming: true, hadHeaders: true });
    expect(failure.code).toBe('upstream_interrupted');
    expect(toGatewayError(failure, undefined, false).code).toBe('upstream_error');
    expect(toGatewayError(interruptedFailure(), undefined, true).code).toBe('upstream_interrupted');
  });
  it('an outage carries a short wait', () => {
    const failure = classifyUpstreamError(null, http(503, { headers: { 'retry-after': '120' } }));
    expect(toGatewayError(failure).retryAfterMs).toBe(5_000);
    expect(toGatewayError(of({})).retryAfterMs).toBe(1_000);
  });
});

describe('simulated errors of the sandbox', () => {
  const headers = { 'x-og-simulated': 'true' };
  it('reach the client with their very status and touch no health', () => {
    const failure = classifyUpstreamError(facts('simulated', 'invalid_api_key'), http(401, { headers, inProcess: true }));
    const error = toGatewayError(failure);
    expect([failure.health, error.status, error.code, error.headers['x-og-simulated']]).toEqual(['none', 401, 'invalid_api_key', 'true']);
  });
  it('are believed of an in-process upstream only', () => {
    const failure = classifyUpstreamError(facts('x'), http(401, { headers }));
    expect([toGatewayError(failure).status, failure.health]).toEqual([502, 'credential']);
  });
});

/** Recorded errors of real providers, where the folder is at hand. */
const CORPUS = process.env['OG_CORPUS'] ?? join(process.cwd(), '..', 'shared', 'corpus');
const recorded = existsSync(join(CORPUS, 'index.json')) ? errorsOf(CORPUS) : [];

interface Recorded {
  id: string;
  status: number;
  headers: Record<string, string>;
  body: unknown;
}

function errorsOf(folder: string): Recorded[] {
  const index = JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8')) as { exchanges: { id: string; file: string; status: number }[] };
  return index.exchanges
    .filter((exchange) => exchange.status >= 400)
    .map((exchange) => {
      const { response } = JSON.parse(readFileSync(join(folder, exchange.file), 'utf8')) as {
        response: { status: number; headers: Record<string, string>; body?: unknown; text?: string };
      };
      return { id: exchange.id, status: response.status, headers: response.headers, body: response.body ?? response.text };
    });
}

/** By the protocol that would read it; the OpenAI family's reader takes the other providers' shapes. */
function factsOf({ id, body }: Recorded): UpstreamErrorFacts | null {
  if (id.startsWith('anthropic')) return anthropicMessages.parseError(body);
  return id.startsWith('gemini') || id.startsWith('vertex') ? geminiGenerate.parseError(body) : openaiChat.parseError(body);
}

const EXPECTED_STATUS: Readonly<Record<number, number>> = {
  400: 400,
  401: 502,
  402: 502,
  403: 502,
  404: 502,
  413: 413,
  422: 400,
  424: 502,
  429: 429,
  500: 502,
  501: 502,
  502: 502,
  503: 503,
  504: 504,
  529: 503,
};
const CREDENTIAL_400 = /API key not valid|Incorrect API key/;

(recorded.length > 0 ? describe : describe.skip)('every recorded error (corpus)', () => {
  it.each(recorded.length > 0 ? recorded.map((exchange) => [exchange.id, exchange] as const) : [['none', null as never] as const])('%s', (_id, exchange) => {
    const failure = classifyUpstreamError(factsOf(exchange), http(exchange.status, { headers: exchange.headers }));
    const text = JSON.stringify(exchange.body);
    const expected =
      exchange.status === 400 && CREDENTIAL_400.test(text)
        ? 502
        : exchange.status === 403 && text.includes('Content violates')
          ? 400
          : EXPECTED_STATUS[exchange.status];
    expect(toGatewayError(failure).status).toBe(expected);
    if (/context length|too long|context size|Tokens Exceeded|too many tokens: size|token count/i.test(text) && expected === 400)
      expect(failure.code).toBe('context_length_exceeded');
    if (failure.code === 'invalid_request') expect(failure.message).not.toMatch(/context window|not supported with this model/);
  });
});
