import fc from 'fast-check';
import { completionTokens, NO_USAGE, promptTokens, type Usage } from '../../chat/usage.js';
import { normaliseResponse } from '../../chat/normalise-stream.js';
import type { ChatResponse } from '../../chat/response.js';
import { GatewayError } from '../../errors/gateway-error.js';
import type { ResponseDialect } from '../dialect.js';
import { JsonBytes } from '../../json/index.js';
import { formatUsd } from '../../pricing/index.js';
import { UnreadableAnswer, type AnswerSummary, type RenderContext } from '../protocol.js';
import { openaiChat } from './index.js';
import { readInFull } from './parse-response.js';
import { plainResponse } from './plain-response.js';
import { parseUsage, renderUsage } from './usage.js';
import { writePlainAnswer } from './write-plain-answer.js';
import { usageText } from './write-usage.js';

type Json = Record<string, unknown>;
const CONTEXT: RenderContext = {
  requestId: 'req_1',
  responseId: 'chatcmpl-1',
  createdS: 7,
  model: 'public/model',
  includeUsage: false,
  reasoningField: 'reasoning_content',
};
const answer = (message: Json, more: Json = {}): Json => ({
  id: 'up',
  object: 'chat.completion',
  created: 5,
  model: 'up-model',
  choices: [{ index: 0, message: { role: 'assistant', ...message }, finish_reason: 'stop' }],
  ...more,
});
const parse = (body: unknown, dialect: ResponseDialect = {}) => openaiChat.parseResponse(body, { dialect, choices: 1 });
const summary = { usage: { ...NO_USAGE, input: 1, output: 2 }, estimated: false };

describe('parseUsage', () => {
  const usage = (given: Partial<Usage>) => ({ usage: { ...NO_USAGE, ...given } });
  const base = { prompt_tokens: 10, completion_tokens: 6, total_tokens: 16 };

  it.each<[string, Json, Partial<Usage>]>([
    ['plain', base, { input: 10, output: 6 }],
    ['zero', { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 }, {}],
    [
      'OpenAI',
      {
        ...base,
        prompt_tokens_details: { cached_tokens: 4, audio_tokens: 1 },
        completion_tokens_details: { reasoning_tokens: 3, audio_tokens: 2, accepted_prediction_tokens: 0 },
      },
      { input: 5, cacheRead: 4, audioIn: 1, output: 1, reasoning: 3, audioOut: 2 },
    ],
    [
      'OpenAI cache writes',
      { ...base, prompt_tokens_details: { cached_tokens: 2, cache_write_tokens: 3 } },
      { input: 5, cacheRead: 2, cacheWrite: 3, output: 6 },
    ],
    ['details that are null', { ...base, prompt_tokens_details: null, completion_tokens_details: { reasoning_tokens: null } }, { input: 10, output: 6 }],
    ['DeepSeek', { ...base, prompt_cache_hit_tokens: 8, prompt_cache_miss_tokens: 2 }, { input: 2, cacheRead: 8, output: 6 }],
    ['Moonshot, Together', { ...base, cached_tokens: 4 }, { input: 6, cacheRead: 4, output: 6 }],
    ['Mistral', { ...base, num_cached_tokens: 4 }, { input: 6, cacheRead: 4, output: 6 }],
    [
      'Mistral, sound beside the prompt',
      { prompt_tokens: 9, completion_tokens: 201, total_tokens: 585, prompt_tokens_details: { cached_tokens: 0, audio_tokens: 375 } },
      { input: 9, audioIn: 375, output: 201 },
    ],
    ['Alibaba', { ...base, prompt_tokens_details: { cached_tokens: 2, cache_creation_input_tokens: 3 } }, { input: 5, cacheRead: 2, cacheWrite: 3, output: 6 }],
    ['Perplexity, Copilot', { ...base, reasoning_tokens: 2 }, { input: 10, output: 4, reasoning: 2 }],
    [
      'xAI, whose total tells',
      { prompt_tokens: 12, completion_tokens: 2, total_tokens: 334, completion_tokens_details: { reasoning_tokens: 320 } },
      { input: 12, output: 2, reasoning: 320 },
    ],
    [
      'Grok at Azure',
      {
        prompt_tokens: 7,
        completion_tokens: 8,
        total_tokens: 15,
        prompt_tokens_details: { text_tokens: 7, audio_tokens: 0, image_tokens: 0, cached_tokens: 161 },
      },
      { input: 7, cacheRead: 161, output: 8 },
    ],
    ['more reasoning than completion', { ...base, completion_tokens_details: { reasoning_tokens: 9 } }, { input: 10, reasoning: 6 }],
    ['only a prompt', { prompt_tokens: 10 }, { input: 10 }],
  ])('splits into classes that never overlap: %s', (_name, raw, expected) => {
    expect(parseUsage(raw, {})).toEqual(usage(expected));
  });

  it('follows the dialect where there is one', () => {
    const raw = { ...base, prompt_tokens_details: { cached_tokens: 4 }, completion_tokens_details: { reasoning_tokens: 3 } };
    const parsed = parseUsage(raw, { usageSemantics: { promptIncludesCacheRead: false, completionIncludesReasoning: false } });
    expect(parsed).toEqual(usage({ input: 10, cacheRead: 4, output: 6, reasoning: 3 }));
    expect(promptTokens(parsed.usage as Usage) + completionTokens(parsed.usage as Usage)).toBe(23);
  });

  it.each<[string, unknown]>([
    ['negative', { ...base, prompt_tokens: -1 }],
    ['a fraction', { ...base, completion_tokens: 1.5 }],
    ['a string', { ...base, prompt_tokens: '10' }],
    ['null', { prompt_tokens: null, completion_tokens: 1 }],
    ['1e400', { ...base, prompt_tokens: Infinity }],
    ['2^63', { ...base, prompt_tokens: 2 ** 63 }],
    ['2^53', { ...base, completion_tokens: 2 ** 53 }],
    ['more cached than prompt', { ...base, prompt_tokens_details: { cached_tokens: 11 } }],
    ['a negative detail', { ...base, completion_tokens_details: { reasoning_tokens: -3 } }],
    ['a list', [1]],
    ['a text', 'x'],
  ])('believes no usage that is %s', (_name, raw) => {
    expect(parseUsage(raw, {})).toEqual({ problem: 'invalid' });
  });

  it('tells missing from invalid', () => {
    for (const raw of [undefined, null, {}, { cost: 1 }]) expect(parseUsage(raw, {})).toEqual({ problem: 'missing' });
    expect(parse(answer({ content: 'a' })).usageProblem).toBe('missing');
    expect(parse(answer({ content: 'a' }, { usage: { prompt_tokens: -1 } })).usageProblem).toBe('invalid');
  });
});

describe('parseResponse', () => {
  it('reads every member of a message', () => {
    const response = parse(
      answer(
        {
          content: 'hi',
          reasoning_content: 't',
          refusal: 'no',
          annotations: [{ type: 'url_citation' }],
          images: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AA' } }],
          audio: { id: 'au', data: 'BB', transcript: 'tr' },
          tool_calls: [
            { id: 'a', type: 'function', function: { name: 'f', arguments: '1' } },
            { id: 'a', type: 'function', function: { name: 'g', arguments: '2' } },
          ],
        },
        { citations: ['x'], service_tier: 'default', system_fingerprint: 'fp', usage: { prompt_tokens: 1, completion_tokens: 2 } },
      ),
    );
    expect(response).toMatchObject({
      upstreamId: 'up',
      upstreamModel: 'up-model',
      createdS: 5,
      serviceTier: 'default',
      systemFingerprint: 'fp',
      extra: { citations: ['x'] },
      usage: { input: 1, output: 2 },
    });
    expect(response.choices[0]?.parts.map((part) => part.type)).toEqual(['reasoning', 'text', 'tool-call', 'tool-call', 'refusal', 'audio', 'text', 'image']);
    expect(normaliseResponse(response, 'req_1').choices[0]?.parts.flatMap((part) => (part.type === 'tool-call' ? [part.id] : []))).toEqual([
      'a',
      'call_req1n1',
    ]);
  });

  it('reads content parts in their order, and the old function_call', () => {
    const [choice] = parse(
      answer({
        content: [
          { type: 'thinking', thinking: [{ type: 'text', text: 't' }] },
          { type: 'text', text: 'a' },
          { type: 'reference', reference_ids: [1] },
          { type: 'text', text: 'b' },
        ],
      }),
    ).choices;
    expect(choice?.parts).toEqual([
      { type: 'reasoning', text: 't' },
      { type: 'text', text: 'ab' },
    ]);
    expect(parse(answer({ content: null, function_call: { name: 'f', arguments: '{}' } })).choices[0]?.parts).toEqual([
      { type: 'tool-call', id: '', name: 'f', arguments: '{}' },
    ]);
  });

  it.each([
    ['function_call', {}, 'tool_calls'],
    ['eos', {}, 'stop'],
    ['model_length', {}, 'length'],
    ['END_TURN', {}, 'stop'],
    ['odd', {}, 'stop'],
    ['odd', { finishMap: { odd: 'length' as const } }, 'length'],
    [null, {}, 'stop'],
  ])('knows the finish reason %s', (raw, dialect, finish) => {
    const body = answer({ content: 'a' });
    (body['choices'] as Json[])[0]!['finish_reason'] = raw;
    expect(parse(body, dialect).choices[0]).toMatchObject({ finish, rawFinish: raw });
  });

  it.each<[string, unknown, unknown]>([
    ['an error in a 200', { error: { message: 'boom', code: 402 } }, { message: 'boom', status: 402 }],
    ['an error nested twice', { error: { error: { message: 'More credits', code: 402 }, code: 402 } }, { message: 'More credits', status: 402 }],
    ['an error in the choice', { choices: [{ error: { message: 'cut', code: 502 }, message: {} }] }, { message: 'cut', status: 502 }],
    ['a finish that is an error', { choices: [{ message: { content: 'a' }, finish_reason: 'insufficient_system_resource' }] }, { status: 503 }],
    ['no choices', { choices: [] }, null],
    ['something else', { object: 'list', data: [] }, null],
    ['a text', 'hello', { message: 'hello' }],
  ])('refuses %s', (_name, body, facts) => {
    try {
      parse(body);
    } catch (error) {
      expect(error).toBeInstanceOf(UnreadableAnswer);
      if (facts === null) expect((error as UnreadableAnswer).facts).toBeNull();
      else expect((error as UnreadableAnswer).facts).toMatchObject(facts as Json);
      return;
    }
    throw new Error('it was accepted');
  });

  it('takes error: null and an empty error beside an answer', () => {
    expect(parse(answer({ content: 'a' }, { error: null })).choices).toHaveLength(1);
    expect(parse(answer({ content: 'a' }, { error: {} })).choices).toHaveLength(1);
  });
});

describe('renderResponse', () => {
  const body = answer(
    {
      content: 'hi',
      reasoning: 't',
      reasoning_details: [{ type: 'reasoning.text', text: 't', signature: 's', format: 'anthropic-claude-v1', index: 0 }],
      own: 1,
      tool_calls: [{ id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } }],
    },
    { citations: ['x'], usage: { prompt_tokens: 1, completion_tokens: 2, cost: 9 } },
  );

  it.each([true, false])('gives our identity, usage and finish reason, native %s', (native) => {
    const response = normaliseResponse(parse(body), 'req_1');
    const money = { ...summary, costUsd: '0.5', costDetails: { lines: [] }, og: { provider: 'p' } };
    const out = native ? openaiChat.renderNativeResponse(body, CONTEXT, money, response) : openaiChat.renderResponse(response, CONTEXT, money);
    expect(out).toMatchObject({ id: 'chatcmpl-1', object: 'chat.completion', created: 7, model: 'public/model', og: { provider: 'p' } });
    expect(out['usage']).toEqual({
      prompt_tokens: 1,
      completion_tokens: 2,
      total_tokens: 3,
      prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
      completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0 },
      cost: 0.5,
      cost_details: { lines: [] },
    });
    expect(out['choices']).toEqual([
      {
        index: 0,
        logprobs: null,
        finish_reason: 'tool_calls',
        message: {
          role: 'assistant',
          content: 'hi',
          refusal: null,
          reasoning_content: 't',
          reasoning_details: [{ type: 'reasoning.text', text: 't', signature: 's', format: 'anthropic-claude-v1', index: 0, ...(native ? {} : { id: null }) }],
          tool_calls: [{ id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } }],
          ...(native ? { own: 1 } : {}),
        },
      },
    ]);
    expect('citations' in out).toBe(native);
  });

  it('can be given a native answer alone, or a gathered stream without one', () => {
    expect(openaiChat.renderNativeResponse(body, CONTEXT, summary)).toMatchObject({ choices: [{ finish_reason: 'tool_calls' }], citations: ['x'] });
    expect(openaiChat.renderNativeResponse({}, CONTEXT, summary, parse(body))).toMatchObject({ id: 'chatcmpl-1', choices: [{ message: { content: 'hi' } }] });
  });

  it('shows no reasoning when none is wanted', () => {
    const none: RenderContext = { ...CONTEXT, reasoningField: 'none' };
    for (const out of [openaiChat.renderResponse(parse(body), none, summary), openaiChat.renderNativeResponse(body, none, summary, parse(body))]) {
      expect(JSON.stringify(out)).not.toContain('reasoning_content');
      expect(JSON.stringify(out)).not.toContain('reasoning_details');
    }
  });
});

const amount = fc.nat({ max: 9_999_999_999_999 }).map((nanoUsd) => formatUsd(BigInt(nanoUsd)));
const anySummary: fc.Arbitrary<AnswerSummary> = fc.record(
  {
    usage: fc.record({ ...usageMembers() }),
    estimated: fc.boolean(),
    costUsd: amount,
    costDetails: fc.record({
      lines: fc.array(fc.record({ class: fc.string({ unit: 'binary' }), quantity: fc.nat(), unit: fc.string(), price_nano_usd: fc.string() }), { maxLength: 3 }),
    }),
    og: fc.record({ provider: fc.string({ unit: 'binary' }), model: fc.string(), attempts: fc.nat(), request_id: fc.string(), fallback: fc.string() }, { requiredKeys: [] }),
  },
  { requiredKeys: ['usage', 'estimated'] },
);
function usageMembers(): Record<keyof Usage, fc.Arbitrary<number>> {
  const count = fc.oneof(fc.constant(0), fc.nat());
  return { input: count, cacheRead: count, cacheWrite: count, cacheWrite1h: count, output: count, reasoning: count, audioIn: count, audioOut: count, image: count };
}

/** Behind something else, which stays as it is. */
function plainAnswerOf(raw: Json, context: RenderContext, given: AnswerSummary, response: ChatResponse): string | null {
  const json = new JsonBytes();
  json.write('before');
  const isWritten = writePlainAnswer(json, { raw, context, summary: given, response });
  const text = json.bytes.toString('utf8', 0, json.length);
  expect(text.startsWith('before')).toBe(true);
  expect(isWritten).toBe(text !== 'before');
  return isWritten ? text.slice('before'.length) : null;
}

describe('what is written without objects', () => {
  it('is usage as it would be serialised', () => {
    fc.assert(fc.property(anySummary, (given) => expect(usageText(given)).toBe(JSON.stringify(renderUsage(given)))), { numRuns: 300 });
    for (const costUsd of ['0', '0.000000001', '0.0000009', '0.000001', '123456.123456789', '12345678.123456789'])
      expect(usageText({ ...summary, costUsd })).toBe(JSON.stringify(renderUsage({ ...summary, costUsd })));
  });

  const text = fc.string({ unit: 'binary', minLength: 1 });
  const more = fc.dictionary(fc.constantFrom('citations', '7', '__proto__', 'x"y', 'logprobs', 'content_filter_results'), fc.jsonValue({ maxDepth: 1 }));
  const plain = fc.record({ content: text, message: fc.dictionary(fc.constantFrom('refusal', 'annotations', 'audio'), fc.constant(null)), choice: more, body: more, first: fc.boolean() });

  it('is a plain answer as it would be serialised', () => {
    let written = 0;
    fc.assert(
      fc.property(plain, anySummary, ({ content, message, choice, body, first }, given) => {
        const said = { index: 0, message: { role: 'assistant', content, ...message }, finish_reason: 'stop' };
        const choices = [first ? { ...choice, ...said } : { ...said, ...choice }];
        const known = { id: 'up', object: 'o', created: 5, model: 'm', choices, usage: { prompt_tokens: 1 } };
        const raw = JSON.parse(JSON.stringify(first ? { ...body, ...known } : { ...known, ...body })) as Json;
        const response = parse(raw);
        response.rawText = JSON.stringify(raw, null, first ? 1 : undefined);
        const context = { ...CONTEXT, model: content };
        const found = plainAnswerOf(raw, context, given, response);
        if (found === null) return;
        written += 1;
        expect(found).toBe(JSON.stringify(openaiChat.renderNativeResponse(raw, context, given, response)));
      }),
      { numRuns: 500 },
    );
    expect(written).toBeGreaterThan(50);
  });

  it('leaves every other answer to the general way', () => {
    const others = [answer({ content: 'a', reasoning_content: 'b' }, { usage: {} }), answer({ content: 'a' }), answer({ content: 'a', own: 1 }, { usage: {} }), answer({ content: 'a' }, { usage: {}, og: 1 })];
    for (const raw of others) expect(plainAnswerOf(raw, CONTEXT, summary, parse(raw))).toBeNull();
    expect(plainAnswerOf(answer({ content: 'a' }, { usage: {} }), CONTEXT, summary, parse(answer({ content: 'a' })))).not.toBeNull();
  });
});

describe('parseError', () => {
  it.each<[string, unknown, Json]>([
    [
      'OpenAI',
      { error: { message: 'm', type: 'invalid_request_error', param: 'stop', code: 'unsupported_parameter' } },
      { message: 'm', rawType: 'invalid_request_error', param: 'stop', rawCode: 'unsupported_parameter' },
    ],
    [
      'OpenRouter',
      { error: { message: 'Provider returned error', code: 429, metadata: { raw: '{"error":{"message":"too many"}}', provider_name: 'X' } }, user_id: 'u' },
      { message: 'Provider returned error: too many', rawCode: '429', status: 429 },
    ],
    [
      'OpenRouter, words as text',
      { error: { message: 'Provider returned error', code: 502, metadata: { raw: 'upstream connect error' } } },
      { message: 'Provider returned error: upstream connect error', status: 502 },
    ],
    [
      'Mistral',
      { object: 'error', message: 'm', type: 'rate_limited', param: null, code: '1300', raw_status_code: 429 },
      { message: 'm', rawType: 'rate_limited', rawCode: '1300', status: 429 },
    ],
    [
      'Cerebras',
      { message: 'm', type: 'too_many_tokens_error', param: 'quota', code: 'token_quota_exceeded' },
      { message: 'm', rawCode: 'token_quota_exceeded', param: 'quota' },
    ],
    ['xAI', { code: 'permission', error: 'text' }, { message: 'text', rawCode: 'permission' }],
    [
      'Azure',
      { error: { message: 'm', param: 'prompt', code: 'content_filter', status: 400, innererror: { code: 'ResponsibleAIPolicyViolation' } } },
      { rawCode: 'content_filter', status: 400 },
    ],
    ['FastAPI', { detail: 'Invalid API Key' }, { message: 'Invalid API Key' }],
    [
      'FastAPI, a list',
      { detail: [{ loc: ['body', 'messages', 0, 'content'], msg: 'Field required', type: 'missing' }] },
      { message: 'messages.0.content: Field required', rawCode: 'missing', param: 'messages.0.content' },
    ],
    [
      'Gemini’s compatible API',
      [{ error: { code: 400, message: 'm', status: 'INVALID_ARGUMENT' } }],
      { message: 'm', rawCode: '400', rawType: 'INVALID_ARGUMENT', status: 400 },
    ],
    [
      'MiniMax',
      { type: 'error', error: { type: 'overloaded_error', message: 'm', http_code: '529' } },
      { message: 'm', rawType: 'overloaded_error', status: 529 },
    ],
    ['a text', 'upstream connect error', { message: 'upstream connect error' }],
    ['a page', '<html><head><title>502 Bad Gateway</title></head></html>', { message: '502 Bad Gateway' }],
  ])('reads %s', (_name, body, facts) => {
    expect(openaiChat.parseError(body)).toMatchObject(facts);
  });

  it('is null for what is no error', () => {
    for (const body of [null, 5, '', {}, [], answer({ content: 'a' }), { object: 'list' }]) expect(openaiChat.parseError(body)).toBeNull();
  });
});

describe('renderError', () => {
  it('has all its keys', () => {
    const error = new GatewayError('upstream_rate_limited', 'slow down', { metadata: { upstream: 'x' } });
    expect(openaiChat.renderError(error, 'req_1')).toEqual({
      error: { message: 'slow down', type: 'rate_limit_error', param: null, code: 'upstream_rate_limited', request_id: 'req_1', metadata: { upstream: 'x' } },
    });
  });
});

describe('the short way for a plain answer', () => {
  const maybe = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: undefined });
  const usage = fc.oneof(fc.constant(null), fc.constant({}), fc.record({ prompt_tokens: fc.integer({ min: -1, max: 99 }), completion_tokens: fc.nat(99) }));
  const often = <Value>(plain: Value, ...odd: fc.Arbitrary<unknown>[]) => fc.oneof({ weight: 5, arbitrary: fc.constant<unknown>(plain) }, ...odd);
  const message = fc.record(
    {
      role: fc.constant('assistant'),
      content: often('said', fc.string(), fc.constant(null), fc.constant([{ type: 'text', text: 'a' }])),
      refusal: often(null, fc.constant('no')),
      annotations: often([], fc.constant([{ type: 'url_citation' }])),
      reasoning_content: often(null, fc.constant('hm')),
      tool_calls: often(null, fc.constant([]), fc.constant([{ id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } }])),
      odd: often(null, fc.constant(1), fc.constant([])),
    },
    { requiredKeys: [] },
  );
  const choice = fc.record(
    {
      index: often(0, fc.constant(1), fc.constant('0')),
      message,
      logprobs: often(null, fc.constant({ content: [] })),
      finish_reason: often('stop', fc.constantFrom('stop', 'STOP', 'length', 'content_filter: SAFETY', 'tool_calls', 'odd', ''), fc.constant(null)),
    },
    { requiredKeys: ['message'] },
  );
  const bodies = fc.record(
    { id: maybe(fc.constantFrom('up', '')), model: maybe(fc.string()), created: maybe(fc.nat()), service_tier: maybe(fc.constant('flex')), choices: fc.array(choice, { minLength: 1, maxLength: 2 }), usage, citations: fc.constant(['x']) },
    { requiredKeys: ['choices'] },
  );
  const dialects = fc.constantFrom<ResponseDialect>({}, { reasoningAt: ['think_tags'] }, { usageAt: ['x_groq'] }, { finishMap: { odd: 'length' } });

  it('reads what the long way reads', () => {
    let short = 0;
    fc.assert(
      fc.property(bodies, dialects, (body, dialect) => {
        const context = { dialect, choices: 1 };
        const plain = plainResponse(body, body.choices, context);
        if (plain === null) return;
        short += 1;
        expect({ ...plain, extra: { citations: ['x'] } }).toEqual({ ...readInFull(body, body.choices, context), extra: { citations: ['x'] } });
      }),
      { numRuns: 2_000 },
    );
    expect(short).toBeGreaterThan(50);
  });
});
