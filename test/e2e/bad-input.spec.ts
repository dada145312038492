import { gzipSync } from 'node:zlib';
import type { ChatAnswer } from '../support/chat-client.js';
import { user } from '../support/chat-client.js';
import { rawBytes, rawCall } from '../support/raw-http.js';
import { Testbed } from '../support/testbed.js';
import { answers } from '../support/upstream-simulator/index.js';

jest.setTimeout(60_000);

type Json = Record<string, unknown>;
const errorOf = (answer: ChatAnswer): Json => (answer.json['error'] ?? {}) as Json;
const MODEL = 't/model';
const MESSAGES = '"messages":[{"role":"user","content":"Hello"}]';
const whole = (member: string): string => `{"model":"${MODEL}",${MESSAGES},${member}}`;

/** Everything a client can get wrong: the right status and code, the parameter and the place by name, no provider asked, nothing held. */
describe('bad input', () => {
  let bed: Testbed;
  let asked = 0;

  beforeAll(async () => {
    bed = await Testbed.start();
    await bed.model('model', { solo: answers('served') });
  });
  afterAll(() => bed?.stop());
  beforeEach(() => {
    asked = bed.simulator.requests.length;
  });

  const post = (body: string | Uint8Array, headers: Record<string, string> = {}, path = '/v1/chat/completions'): Promise<ChatAnswer> =>
    rawCall(bed.gateway.url, { method: 'POST', path, headers: { authorization: `Bearer ${bed.tenant.key}`, 'content-type': 'application/json', ...headers }, body });

  function expectRefused(answer: ChatAnswer, status: number, code: string): void {
    expect([answer.status, errorOf(answer)['code'], answer.text.slice(0, status === answer.status ? 0 : 500)]).toEqual([status, code, '']);
    expect(answer.headers['content-type']).toBe('application/json');
    expect(errorOf(answer)).toMatchObject({ message: expect.stringMatching(/\w/), request_id: answer.headers['x-request-id'] });
    expect(Object.keys(errorOf(answer))).toEqual(expect.arrayContaining(['message', 'type', 'param', 'code']));
    expect(bed.simulator.requests.length).toBe(asked);
  }

  const MALFORMED: readonly [string, string | Uint8Array, RegExp][] = [
    ['nothing', '', /no body|empty/],
    ['white space', '   ', /JSON/],
    ['half an object', '{"model":"x"', /line 1, column 13/],
    ['a trailing comma', '{\n  "model": "x",\n}', /line 3, column 1/],
    ['single quotes', "{'model':'x'}", /line 1, column 2/],
    ['a list', '[]', /object/],
    ['a text', '"hello"', /object/],
    ['null', 'null', /object/],
    ['two objects', '{}{}', /column 3/],
    ['NaN', whole('"temperature":NaN'), /column \d+/],
    ['a comment', '{/* hi */}', /column 2/],
    ['a byte order mark', '\uFEFF{}', /byte order mark/],
    ['invalid UTF-8', Buffer.concat([Buffer.from(`{"model":"${MODEL}","messages":[{"role":"user","content":"a`), Buffer.from([0xc3, 0x28]), Buffer.from('"}]}')]), /UTF-8.*byte \d+/],
    ['a control character', '{"model":"a\u0001b"}', /column \d+/],
    ['a bare word', whole('"stream":yes'), /column \d+/],
  ];

  it.each(MALFORMED)('JSON that is none: %s', async (_name, body, place) => {
    const answer = await post(body);
    expectRefused(answer, 400, 'invalid_request');
    expect(errorOf(answer)['message']).toMatch(place);
    expect(answer.headers['x-should-retry']).toBe('false');
  });

  const STRUCTURE: readonly [string, string, string | RegExp][] = [
    ['a member twice', `{"model":"${MODEL}","model":"t/other",${MESSAGES}}`, 'model'],
    ['a member twice, once escaped', `{"model":"${MODEL}","mod\\u0065l":"t/other",${MESSAGES}}`, 'model'],
    ['a nested member twice', `{"model":"${MODEL}","messages":[{"role":"user","content":"a","content":"b"}]}`, 'messages[0].content'],
    ['too deep', whole(`"metadata":${'{"a":'.repeat(200)}1${'}'.repeat(200)}`), /^metadata/],
    ['100,000 deep', whole(`"tools":${'['.repeat(100_000)}${']'.repeat(100_000)}`), /^tools/],
    ['too many messages', `{"model":"${MODEL}","messages":[${'{"role":"user","content":"x"},'.repeat(20_000)}{"role":"user","content":"x"}]}`, /^messages/],
    ['10,000 tools', whole(`"tools":[${'{"type":"function","function":{"name":"f"}},'.repeat(9_999)}{"type":"function","function":{"name":"f"}}]`), /^tools/],
    ['a million messages', `{"model":"${MODEL}","messages":[${'{},'.repeat(999_999)}{}]}`, /^messages/],
    ['300,000 numbers', whole(`"x":[${'1,'.repeat(300_000)}1]`), /^x/],
  ];

  it.each(STRUCTURE)('structure: %s', async (_name, body, param) => {
    const startedMs = performance.now();
    const answer = await post(body);
    expect(performance.now() - startedMs).toBeLessThan(1_000);
    expectRefused(answer, 400, 'invalid_request');
    expect(errorOf(answer)['param']).toEqual(typeof param === 'string' ? param : expect.stringMatching(param));
  });

  const FIELDS: readonly [param: string, members: string][] = [
    ['model', `{${MESSAGES}}`],
    ['model', `{"model":7,${MESSAGES}}`],
    ['model', `{"model":null,${MESSAGES}}`],
    ['model', `{"model":"",${MESSAGES}}`],
    ['model', `{"model":"${'m'.repeat(300)}",${MESSAGES}}`],
    ['messages', `{"model":"${MODEL}"}`],
    ['messages', `{"model":"${MODEL}","messages":[]}`],
    ['messages', `{"model":"${MODEL}","messages":"Hello"}`],
    ['messages[0]', `{"model":"${MODEL}","messages":["Hello"]}`],
    ['messages[0].role', `{"model":"${MODEL}","messages":[{"content":"Hello"}]}`],
    ['messages[0].role', `{"model":"${MODEL}","messages":[{"role":"robot","content":"Hello"}]}`],
    ['messages[0].content', `{"model":"${MODEL}","messages":[{"role":"user","content":7}]}`],
    ['messages[0].content', `{"model":"${MODEL}","messages":[{"role":"user"}]}`],
    ['messages[1].content[0].type', `{"model":"${MODEL}","messages":[{"role":"user","content":"a"},{"role":"user","content":[{"text":"b"}]}]}`],
    ['messages[0].content[0].image_url.url', `{"model":"${MODEL}","messages":[{"role":"user","content":[{"type":"image_url","image_url":{}}]}]}`],
    ['messages[1].tool_call_id', `{"model":"${MODEL}","messages":[{"role":"user","content":"a"},{"role":"tool","content":"b"}]}`],
    ['temperature', whole('"temperature":"hot"')],
    ['temperature', whole('"temperature":1e400')],
    ['max_tokens', whole('"max_tokens":-1')],
    ['max_tokens', whole('"max_tokens":0')],
    ['max_tokens', whole('"max_tokens":1.5')],
    ['max_tokens', whole('"max_tokens":"5"')],
    ['max_tokens', whole('"max_tokens":2147483648')],
    ['max_tokens', whole('"max_tokens":9007199254740993')],
    ['max_tokens', whole('"max_tokens":18446744073709551616')],
    ['max_tokens', whole('"max_tokens":1e400')],
    ['max_completion_tokens', whole('"max_completion_tokens":-7')],
    ['n', whole('"n":0')],
    ['n', whole('"n":-1')],
    ['n', whole('"n":1e9')],
    ['top_p', whole('"top_p":"x"')],
    ['stream', whole('"stream":"true"')],
    ['stream', whole('"stream":1')],
    ['stream_options', whole('"stream_options":true')],
    ['stop', whole('"stop":7')],
    ['stop[1]', whole('"stop":["a",1]')],
    ['seed', whole('"seed":"x"')],
    ['tools', whole('"tools":{}')],
    ['tools[0].function.name', whole('"tools":[{"type":"function","function":{}}]')],
    ['tool_choice', whole('"tool_choice":7')],
    ['response_format.type', whole('"response_format":{"type":"yaml"}')],
    ['metadata', whole('"metadata":"x"')],
    ['top_logprobs', whole('"top_logprobs":-1')],
    ['reasoning_effort', whole('"reasoning_effort":7')],
    ['logit_bias', whole('"logit_bias":[1]')],
    ['models', whole('"models":"t/model"')],
  ];

  it.each(FIELDS)('%s named in %s', async (param, body) => {
    const answer = await post(body);
    expectRefused(answer, 400, 'invalid_request');
    expect(errorOf(answer)['param']).toBe(param);
    expect(errorOf(answer)['type']).toBe('invalid_request_error');
  });

  it('numbers and huge requests never make a charge out of nothing', async () => {
    const account = await bed.operator.get(`accounts/${bed.tenant.organizationId}`);
    expect(account).toMatchObject({ balance_usd: '1000', held_usd: '0' });
    expect(await bed.settled()).toMatchObject({ ok: true, open_holds: 0 });
  });

  it('an unknown model: near names, at most three', async () => {
    const answer = await post(`{"model":"t/modell",${MESSAGES}}`);
    expectRefused(answer, 404, 'model_not_found');
    expect(errorOf(answer)).toMatchObject({ param: 'model', message: expect.stringContaining('t/model') });
    const far = await post(`{"model":"completely-else-xyz",${MESSAGES}}`);
    expectRefused(far, 404, 'model_not_found');
  });

  it('content types: JSON or 415, compressed or 415', async () => {
    const body = whole('"max_tokens":5');
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/xml', '', 'application/json; charset=latin1']) expectRefused(await post(body, { 'content-type': type }), 415, 'unsupported_media_type');
    for (const encoding of ['gzip', 'br', 'deflate', 'gzip, gzip', 'zstd']) expectRefused(await post(gzipSync(body), { 'content-encoding': encoding }), 415, 'unsupported_media_type');
    for (const type of ['application/json', 'application/json; charset=utf-8', 'Application/JSON;charset="UTF-8"']) {
      expect((await post(body, { 'content-type': type })).status).toBe(200);
      asked += 1;
    }
  });

  it('a body that is too large: 413 with the limit, before it was read and while it is', async () => {
    const declared = await rawBytes(bed.gateway.url, `POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${bed.tenant.key}\r\nContent-Type: application/json\r\nContent-Length: 100000000\r\n\r\n{`);
    expect(declared).toMatch(/^HTTP\/1\.1 413 /);
    expect(declared).toContain('"code":"request_too_large"');
    const streamed = await post(Buffer.alloc(34 * 1024 * 1024, 0x20), { 'transfer-encoding': 'chunked' });
    expectRefused(streamed, 413, 'request_too_large');
    expect(errorOf(streamed)['message']).toMatch(/\d+ bytes|MiB/);
    expect(streamed.headers['x-should-retry']).toBe('false');
  });

  it('a body below the limit is served: 20 MB of image data', async () => {
    const image = 'A'.repeat(20 * 1024 * 1024);
    const answer = await post(`{"model":"${MODEL}","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,${image}"}}]}]}`);
    expect(answer.status).toBe(200);
    expect(bed.asked('model').at(-1)?.body.length).toBeGreaterThan(20 * 1024 * 1024);
  });

  it('a bad key is told before the body is read', async () => {
    const text = await rawBytes(bed.gateway.url, 'POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer sk-og-nonsense\r\nContent-Type: application/json\r\nContent-Length: 5000000\r\n\r\n');
    expect(text).toMatch(/^HTTP\/1\.1 401 /);
    expect(text).toContain('"code":"invalid_api_key"');
  });

  it('two million characters of Korean with emoji arrive as they were', async () => {
    const said = '안녕하세요 👩‍👩‍👧 日本語 '.repeat(40_000);
    bed.simulator.on('model.solo', answers({ echo: true }));
    const answer = await post(JSON.stringify({ model: MODEL, messages: user(said) }));
    expect((answer.json['choices'] as { message: { content: string } }[])[0]?.message.content).toBe(said);
    bed.simulator.on('model.solo', answers('served'));
  });

  it('members that poison prototypes are plain data or refused, and change nothing', async () => {
    for (const member of ['"__proto__":{"polluted":1}', '"constructor":{"prototype":{"polluted":1}}', '"metadata":{"__proto__":"x","a.b":"c"}']) {
      const answer = await post(whole(member));
      expect([200, 400]).toContain(answer.status);
    }
    expect((await post(whole('"max_tokens":5'))).json).not.toHaveProperty('polluted');
  });

  it('the gateway’s own headers are judged too', async () => {
    const body = whole('"max_tokens":5');
    for (const [name, value] of [['x-og-strict', 'perhaps'], ['x-og-no-fallback', '2'], ['x-og-store', 'everything'], ['x-og-session-id', 'with space'], ['x-og-session-id', 's'.repeat(200)], ['x-og-tags', Array.from({ length: 20 }, (_, at) => `t${at}`).join(',')], ['x-og-reasoning-field', 'thoughts']] as const) {
      const answer = await post(body, { [name]: value });
      expectRefused(answer, 400, 'invalid_request');
      expect(errorOf(answer)['param']).toBe(name);
    }
  });

  it('the same on /v1/messages, in Anthropic’s words', async () => {
    for (const [body, status, type] of [['{', 400, 'invalid_request_error'], ['{"model":"t/model","max_tokens":5,"messages":[]}', 400, 'invalid_request_error'], ['{"model":"nobody","max_tokens":5,"messages":[{"role":"user","content":"x"}]}', 404, 'not_found_error']] as const) {
      const answer = await post(body, {}, '/v1/messages');
      expect([answer.status, answer.json['type'], (answer.json['error'] as Json)['type']]).toEqual([status, 'error', type]);
      expect(answer.json['request_id']).toBe(answer.headers['x-request-id']);
      expect(answer.headers['request-id']).toBe(answer.headers['x-request-id']);
    }
  });
});
