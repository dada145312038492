import fc from 'fast-check';
import type { ChatEvent, StreamItem } from '../../chat/event.js';
import { NO_USAGE } from '../../chat/usage.js';
import { GatewayError } from '../../errors/gateway-error.js';
import { UnreadableAnswer, type AnswerSummary, type RenderContext } from '../protocol.js';
import { geminiGenerate } from './index.js';

const CONTEXT: RenderContext = {
  requestId: 'req_1',
  responseId: 'resp-1',
  createdS: 1,
  model: 'google/gemini-x',
  includeUsage: true,
  reasoningField: 'reasoning_content',
};
const SUMMARY: AnswerSummary = {
  usage: { ...NO_USAGE, input: 5, cacheRead: 2, output: 3, reasoning: 4 },
  estimated: false,
  costUsd: '0.000000123',
  og: { provider: 'p' },
};
const PARSE = { dialect: {}, choices: 1 };

const ANSWER = {
  candidates: [
    {
      content: {
        role: 'model',
        parts: [
          { text: 'a ', thought: true },
          { text: 'b', thought: true, thoughtSignature: 's1' },
          { text: 'Hello ' },
          { text: 'wörld', thoughtSignature: 's2' },
          { functionCall: { name: 'f', args: { x: 1 } }, thoughtSignature: 's3' },
          { codeExecutionResult: { outcome: 'OUTCOME_OK' } },
        ],
      },
      finishReason: 'STOP',
      groundingMetadata: {
        groundingChunks: [{ web: { uri: 'https://example.test', title: 'Example' } }],
        groundingSupports: [{ segment: { startIndex: 6, endIndex: 12 }, groundingChunkIndices: [0, 9] }],
      },
      logprobsResult: {
        chosenCandidates: [{ token: 'é', logProbability: -0.5 }],
        topCandidates: [
          {
            candidates: [
              { token: 'é', logProbability: -0.5 },
              { token: 'e', logProbability: -1 },
            ],
          },
        ],
      },
    },
  ],
  usageMetadata: { promptTokenCount: 7, cachedContentTokenCount: 2, candidatesTokenCount: 3, thoughtsTokenCount: 4, totalTokenCount: 14 },
  modelVersion: 'gemini-x-001',
  responseId: 'up-1',
};

describe('whole answers', () => {
  const parsed = geminiGenerate.parseResponse(ANSWER, PARSE);

  it('reads parts in order, citations in characters, logprobs as OpenAI has them', () => {
    expect(parsed).toMatchObject({ upstreamId: 'up-1', upstreamModel: 'gemini-x-001', usage: SUMMARY.usage, drift: [] });
    expect(parsed.choices).toEqual([
      {
        index: 0,
        finish: 'tool_calls',
        rawFinish: 'STOP',
        parts: [
          { type: 'reasoning', text: 'a b', signature: 's1', origin: 'gemini-generate' },
          {
            type: 'text',
            text: 'Hello wörld',
            annotations: [{ type: 'url_citation', url_citation: { url: 'https://example.test', title: 'Example', start_index: 6, end_index: 11 } }],
          },
          { type: 'reasoning', text: '', signature: 's2', origin: 'gemini-generate' },
          { type: 'tool-call', id: 'call_up-1_0', name: 'f', arguments: '{"x":1}', signature: 's3' },
          { type: 'opaque', protocol: 'gemini-generate', value: { codeExecutionResult: { outcome: 'OUTCOME_OK' } } },
        ],
        logprobs: {
          refusal: null,
          content: [
            {
              token: 'é',
              logprob: -0.5,
              bytes: [195, 169],
              top_logprobs: [
                { token: 'é', logprob: -0.5, bytes: [195, 169] },
                { token: 'e', logprob: -1, bytes: [101] },
              ],
            },
          ],
        },
      },
    ]);
  });

  it('renders what it read', () => {
    const wire = geminiGenerate.renderResponse(parsed, CONTEXT, SUMMARY);
    expect(wire).toMatchObject({
      responseId: 'resp-1',
      modelVersion: 'google/gemini-x',
      usageMetadata: { promptTokenCount: 7, candidatesTokenCount: 3, thoughtsTokenCount: 4, totalTokenCount: 14, cost: 1.23e-7 },
      og: { provider: 'p' },
    });
    const again = geminiGenerate.parseResponse(wire, PARSE);
    expect(again.choices[0]?.parts.map((part) => part.type)).toEqual(parsed.choices[0]?.parts.map((part) => part.type));
    expect(again.choices[0]).toMatchObject({ finish: 'tool_calls', rawFinish: 'STOP' });
    const native = geminiGenerate.renderNativeResponse(ANSWER, CONTEXT, SUMMARY);
    expect(native['candidates']).toBe(ANSWER.candidates);
    expect(native).toMatchObject({ responseId: 'resp-1', modelVersion: 'google/gemini-x' });
  });

  it('joins the frames of a stream that came as an array', () => {
    const frames = [
      { candidates: [{ content: { parts: [{ text: 'a' }] } }] },
      { candidates: [{ content: { parts: [{ text: 'b' }] }, finishReason: 'MAX_TOKENS' }] },
    ];
    expect(geminiGenerate.parseResponse(frames, PARSE).choices).toEqual([
      { index: 0, parts: [{ type: 'text', text: 'ab' }], finish: 'length', rawFinish: 'MAX_TOKENS' },
    ]);
  });

  it('tells a blocked prompt as a filtered answer and nothing as unreadable', () => {
    expect(geminiGenerate.parseResponse({ promptFeedback: { blockReason: 'SAFETY' } }, PARSE).choices).toEqual([
      { index: 0, parts: [], finish: 'content_filter', rawFinish: 'SAFETY' },
    ]);
    for (const body of [{}, [], 'text', null, { candidates: [] }, { usageMetadata: {} }])
      expect(() => geminiGenerate.parseResponse(body, PARSE)).toThrow(UnreadableAnswer);
    expect(() => geminiGenerate.parseResponse({ error: { code: 429, message: 'Slow down', status: 'RESOURCE_EXHAUSTED' } }, PARSE)).toThrow(
      expect.objectContaining({ facts: { message: 'Slow down', rawCode: 'RESOURCE_EXHAUSTED', rawType: 'RESOURCE_EXHAUSTED', status: 429 } }) as Error,
    );
  });

  it('does not pass a cut answer off as a whole one', () => {
    expect(geminiGenerate.parseResponse({ candidates: [{ content: { parts: [{ text: 'a' }] } }] }, PARSE).choices[0]?.finish).toBe('error');
  });
});

describe('errors', () => {
  it('reads reason, field and wait out of the details', () => {
    expect(
      geminiGenerate.parseError({
        error: {
          code: 400,
          message: 'API key not valid.',
          status: 'INVALID_ARGUMENT',
          details: [
            { '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'API_KEY_INVALID' },
            { '@type': 'type.googleapis.com/google.rpc.BadRequest', fieldViolations: [{ field: 'contents[0].role' }] },
            { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '0.317s' },
          ],
        },
      }),
    ).toEqual({
      message: 'API key not valid.',
      rawCode: 'API_KEY_INVALID',
      rawType: 'INVALID_ARGUMENT',
      status: 400,
      param: 'contents[0].role',
      retryAfterMs: 317,
    });
    for (const body of [null, 7, {}, [], [1], { error: {} }, { error: 5 }, { errors: [] }]) expect(geminiGenerate.parseError(body)).toBeNull();
  });

  it('renders an envelope that it reads back', () => {
    const wire = geminiGenerate.renderError(new GatewayError('rate_limit_exceeded', 'Too many.', { retryAfterMs: 1_200, param: 'contents' }), 'req_1');
    expect(wire).toMatchObject({ error: { code: 429, status: 'RESOURCE_EXHAUSTED', message: 'Too many.' } });
    expect(geminiGenerate.parseError(wire)).toMatchObject({ rawCode: 'RATE_LIMIT_EXCEEDED', status: 429, param: 'contents', retryAfterMs: 2_000 });
    expect(geminiGenerate.parseError(geminiGenerate.renderError(new GatewayError('invalid_api_key', 'No.'), 'r'))).toMatchObject({
      rawCode: 'API_KEY_INVALID',
      status: 401,
    });
  });
});

describe('rendering streams', () => {
  const parse = (text: string): ChatEvent[] => {
    const items: StreamItem[] = [];
    const parser = geminiGenerate.createStreamParser((item) => items.push(item), PARSE);
    parser.push(Buffer.from(text));
    parser.end();
    return items.flatMap((item) => item.events);
  };
  const contentOf = (events: ChatEvent[]) => ({
    text: events.map((event) => (event.type === 'text-delta' ? event.text : '')).join(''),
    reasoning: events.map((event) => (event.type === 'reasoning-delta' ? event.text : '')).join(''),
    calls: events.filter((event) => event.type === 'tool-call-start').map((event) => [event.id, event.name, event.signature]),
    args: events
      .filter((event) => event.type === 'tool-call-delta')
      .map((event) => event.argumentsText)
      .join('\n'),
    finish: events.filter((event) => event.type === 'finish').map((event) => event.reason),
    usage: events.filter((event) => event.type === 'usage').at(-1),
    last: events.at(-1)?.type,
  });

  it('gathers fragments of calls and says usage and finish in the last frame', () => {
    const renderer = geminiGenerate.createStreamRenderer(CONTEXT);
    const events: ChatEvent[] = [
      { type: 'start' },
      { type: 'reasoning-delta', choice: 0, text: 'hm' },
      { type: 'text-delta', choice: 0, text: 'Hi' },
      { type: 'tool-call-start', choice: 0, index: 0, id: 'a', name: 'f', signature: 's' },
      { type: 'tool-call-delta', choice: 0, index: 0, argumentsText: '{"x"' },
      { type: 'tool-call-delta', choice: 0, index: 0, argumentsText: ':1}' },
      { type: 'tool-call-start', choice: 0, index: 1, id: 'b', name: 'g' },
      { type: 'finish', choice: 0, reason: 'tool_calls', raw: 'tool_use' },
    ];
    const text = events.map((event) => renderer.render({ events: [event] }, false)).join('') + renderer.heartbeat() + renderer.finish(SUMMARY);
    expect(contentOf(parse(text))).toMatchObject({
      text: 'Hi',
      reasoning: 'hm',
      calls: [
        ['a', 'f', 's'],
        ['b', 'g', undefined],
      ],
      args: '{"x":1}\n{}',
      finish: ['tool_calls'],
      usage: { usage: SUMMARY.usage },
      last: 'end',
    });
  });

  it('passes native frames on with our names and the usage in force', () => {
    const renderer = geminiGenerate.createStreamRenderer(CONTEXT);
    const raws = [
      { candidates: [{ content: { parts: [{ text: 'a' }] } }], custom: 1 },
      { candidates: [{ finishReason: 'STOP' }], usageMetadata: { promptTokenCount: 1, trafficType: 'ON_DEMAND' } },
    ];
    const frames = (raws.map((raw) => renderer.render({ events: [], raw }, true)).join('') + renderer.finish(SUMMARY))
      .split('\r\n\r\n')
      .filter((text) => text !== '')
      .map((text) => JSON.parse(text.slice(6)) as Record<string, unknown>);
    expect(frames).toMatchObject([
      { custom: 1, responseId: 'resp-1', modelVersion: 'google/gemini-x' },
      { responseId: 'resp-1', usageMetadata: { promptTokenCount: 7, trafficType: 'ON_DEMAND' }, og: { provider: 'p' } },
    ]);
    expect(frames).toHaveLength(2);
  });

  it('fails in the stream with an error its own parser sees', () => {
    const renderer = geminiGenerate.createStreamRenderer(CONTEXT);
    const text =
      renderer.render({ events: [{ type: 'text-delta', choice: 0, text: 'Hi' }] }, false) +
      renderer.fail(new GatewayError('upstream_interrupted', 'It broke off.'), SUMMARY);
    expect(parse(text).at(-1)).toMatchObject({ type: 'error', failure: { rawCode: 'UPSTREAM_INTERRUPTED', message: 'It broke off.' } });
  });

  it('says what it was told, whatever that is', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ thought: fc.boolean(), text: fc.string({ minLength: 1, unit: 'binary' }) }), { maxLength: 8 }), (deltas) => {
        const renderer = geminiGenerate.createStreamRenderer(CONTEXT);
        const events = deltas.map((delta): ChatEvent => ({ type: delta.thought ? 'reasoning-delta' : 'text-delta', choice: 0, text: delta.text }));
        const wire =
          renderer.render({ events }, false) +
          renderer.render({ events: [{ type: 'finish', choice: 0, reason: 'length', raw: null }] }, false) +
          renderer.finish(SUMMARY);
        const said = (thought: boolean): string =>
          deltas
            .filter((delta) => delta.thought === thought)
            .map((delta) => delta.text)
            .join('');
        expect(contentOf(parse(wire))).toMatchObject({ text: said(false), reasoning: said(true), finish: ['length'], last: 'end' });
      }),
      { numRuns: 100 },
    );
  });
});
