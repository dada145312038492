import { classifyUpstreamError } from '../../src/core/errors/classify-upstream.js';
import type { ErrorCode } from '../../src/core/errors/catalogue.js';
import type { ProtocolId } from '../../src/core/protocols/protocol.js';
import { UPSTREAM_PROTOCOLS } from '../../src/providers/protocols.js';
import { statedError } from '../../src/providers/stated-error.js';

/**
 * Error bodies in every envelope that providers, their proxies and their frameworks are known to use (documentation and reports read
 * 2026-11-29; the values are made up): the words reach the client, and the status decides as the contract says.
 */
type Shape = readonly [name: string, status: number, body: unknown, code: ErrorCode, words: string];

const SHAPES: readonly Shape[] = [
  ['OpenAI', 400, { error: { message: 'Bad seed', type: 'invalid_request_error', param: 'seed', code: null } }, 'invalid_request', 'Bad seed'],
  ['a text as error', 401, { error: 'Unauthorized' }, 'upstream_auth_failed', 'Unauthorized'],
  ['xAI', 400, { code: 'Client specified an invalid argument', error: 'Incorrect API key provided: ab***yz.' }, 'upstream_auth_failed', 'Incorrect API key'],
  ['Mistral, validation', 422, { object: 'error', message: { detail: [{ type: 'missing', loc: ['body', 'messages'], msg: 'Field required' }] }, type: 'invalid_request_error' }, 'invalid_request', 'messages: Field required'],
  ['Mistral, flat', 429, { object: 'error', message: 'Requests rate limit exceeded', type: 'rate_limited', code: '1300' }, 'upstream_rate_limited', 'rate limit'],
  ['FastAPI', 422, { detail: [{ loc: ['body', 'messages', 0, 'role'], msg: 'value is not a valid enumeration member', type: 'enum' }] }, 'invalid_request', 'messages.0.role'],
  ['FastAPI, a text', 404, { detail: 'Not Found' }, 'upstream_error', 'Not Found'],
  ['Writer', 404, { tpe: 'fail', errors: [{ description: 'Model palm is unknown', key: 'fail.model' }], extras: {} }, 'upstream_error', 'Model palm is unknown'],
  ['Cloudflare', 400, { success: false, errors: [{ code: 5006, message: 'required properties are messages' }], result: null }, 'invalid_request', 'required properties'],
  ['a list of texts', 400, { errors: ['prompt must not be empty'] }, 'invalid_request', 'prompt must not be empty'],
  ['complaints by field', 400, { errors: { temperature: ['must be at most 2'] }, title: 'Validation failed' }, 'invalid_request', 'temperature: must be at most 2'],
  ['Hugging Face, a list', 422, { error: ['Error in `parameters.max_new_tokens`: must be positive'], warnings: [] }, 'invalid_request', 'max_new_tokens'],
  ['Apigee', 401, { fault: { faultstring: 'Invalid ApiKey', detail: { errorcode: 'oauth.v2.InvalidApiKey' } } }, 'upstream_auth_failed', 'Invalid ApiKey'],
  ['RFC 9457', 403, { type: 'about:blank', title: 'Forbidden', status: 403, detail: 'Account is suspended' }, 'upstream_auth_failed', 'Account is suspended'],
  ['Azure API Management', 429, { statusCode: 429, message: 'Rate limit is exceeded. Try again in 3 seconds.' }, 'upstream_rate_limited', 'Rate limit is exceeded'],
  ['AWS, upper case', 403, { Message: 'User is not authorized to perform: bedrock:InvokeModel' }, 'upstream_auth_failed', 'not authorized'],
  ['Lambda behind a gateway', 500, { errorMessage: 'Task timed out', errorType: 'Sandbox.Timedout' }, 'upstream_error', 'Task timed out'],
  ['Databricks', 400, { error_code: 'BAD_REQUEST', message: 'Bad Request: no messages' }, 'invalid_request', 'no messages'],
  ['DeepSeek, old', 401, { error_msg: 'Authentication Fails (governor)' }, 'upstream_auth_failed', 'Authentication Fails'],
  ['OpenRouter, the words behind', 400, { error: { message: 'Provider returned error', code: 400, metadata: { raw: '{"error":{"message":"prompt is too long: 9 tokens > 8 maximum"}}' } } }, 'context_length_exceeded', 'prompt is too long'],
  ['OpenRouter, moderation', 403, { error: { message: 'Input was flagged', code: 403, metadata: { reasons: ['violence'], flagged_input: 'x' } } }, 'content_policy_violation', 'flagged'],
  ['Groq, a failed call', 400, { error: { message: 'Failed to call a function.', type: 'invalid_request_error', code: 'tool_use_failed', failed_generation: '<function=x>' } }, 'invalid_request', 'Failed to call'],
  ['nested twice', 503, { error: { error: { message: 'Loading model', code: 503 } } }, 'upstream_overloaded', 'Loading model'],
  ['a message that is an object', 400, { error: { message: { error: 'bad tool schema' }, code: 400 } }, 'invalid_request', 'bad tool schema'],
  ['Google, in a list', 429, [{ error: { code: 429, message: 'Resource has been exhausted', status: 'RESOURCE_EXHAUSTED' } }], 'upstream_rate_limited', 'exhausted'],
  ['Anthropic', 529, { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' }, request_id: 'r' }, 'upstream_overloaded', 'Overloaded'],
  ['Anthropic, no credit', 400, { type: 'error', error: { type: 'invalid_request_error', message: 'Your credit balance is too low to access the API.' } }, 'upstream_auth_failed', 'credit balance'],
  ['Cohere', 404, { id: 'e', message: "model 'command-old' was removed on September 15, 2025." }, 'upstream_error', 'was removed'],
  ['plain text', 502, 'upstream connect error or disconnect/reset before headers', 'upstream_error', 'upstream connect error'],
  ['plain text with a 400', 400, 'This model’s maximum context length is 8192 tokens', 'context_length_exceeded', 'maximum context length'],
  ['a page', 503, '<!DOCTYPE html><html><head><title>503 Service Temporarily Unavailable</title></head><body>nginx</body></html>', 'upstream_overloaded', '503 Service Temporarily Unavailable'],
  ['nothing', 500, '', 'upstream_error', '500'],
  ['an empty object', 504, {}, 'upstream_timeout', '504'],
  ['null', 500, 'null', 'upstream_error', '500'],
];

const PROTOCOLS = Object.keys(UPSTREAM_PROTOCOLS) as ProtocolId[];

describe.each(PROTOCOLS)('%s: an error in any envelope', (id) => {
  it.each(SHAPES)('%s (%i)', (_name, status, body, code, words) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const facts = statedError({ text, body: parsed(text), headers: {} }, UPSTREAM_PROTOCOLS[id], true);
    const failure = classifyUpstreamError(facts, { kind: 'http', status, headers: {}, body: text });
    expect(failure).toMatchObject({ code, message: expect.stringContaining(words) });
  });
});

it('takes none of these shapes inside a 200 of another protocol for more than its own', () => {
  const answer = { message: { role: 'assistant', content: [{ type: 'text', text: 'Hi' }] }, detail: 'kept' };
  expect(statedError({ text: '', body: answer, headers: {} }, UPSTREAM_PROTOCOLS['cohere-chat'], false)).toBeNull();
});

it('is bounded in depth', () => {
  let deep: unknown = 'words';
  for (let level = 0; level < 10_000; level += 1) deep = { error: deep };
  expect(() => statedError({ text: '', body: deep, headers: {} }, UPSTREAM_PROTOCOLS['openai-chat'], true)).not.toThrow();
});

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
