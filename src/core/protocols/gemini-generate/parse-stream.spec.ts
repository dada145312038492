import fc from 'fast-check';
import type { ChatEvent, StreamItem } from '../../chat/event.js';
import { geminiGenerate } from './index.js';

const CONTEXT = { dialect: {}, choices: 1 };

function run(body: string | Uint8Array, cuts: readonly number[] = [], choices = 1): ChatEvent[] {
  const items: StreamItem[] = [];
  const parser = geminiGenerate.createStreamParser((item) => items.push(item), { ...CONTEXT, choices });
  const bytes = typeof body === 'string' ? Buffer.from(body, 'utf8') : body;
  let from = 0;
  for (const cut of [...[...cuts].sort((one, other) => one - other), bytes.length]) {
    if (cut < from || cut > bytes.length) continue;
    parser.push(bytes.subarray(from, cut));
    from = cut;
  }
  parser.end();
  parser.end();
  parser.push(Buffer.from('data: {"candidates":[{"content":{"parts":[{"text":"late"}]}}]}\n\n'));
  return items.flatMap((item) => item.events);
}

const sse = (...frames: unknown[]): string => frames.map((frame) => `data: ${JSON.stringify(frame)}\r\n\r\n`).join('');
const says = (parts: unknown[], rest: Record<string, unknown> = {}): Record<string, unknown> => ({
  candidates: [{ content: { parts, role: 'model' }, index: 0, ...rest }],
  responseId: 'r-1',
  modelVersion: 'gemini-x',
});

const FRAMES = [
  says([{ text: 'Denken…', thought: true }]),
  says([{ text: '안녕 👋🏽 ' }]),
  says([{ text: '日本語 "quoted" {brace]\\', thoughtSignature: 'c2ln' }]),
  says([{ functionCall: { name: 'one', args: { a: '}{' } }, thoughtSignature: 'eHg=' }, { functionCall: { name: 'two', args: {} } }]),
  says([{ functionCall: { id: 'given', name: 'three', args: { ü: 1 } } }]),
  { ...says([{ text: '' }], { finishReason: 'STOP' }), usageMetadata: { promptTokenCount: 3, candidatesTokenCount: 4, totalTokenCount: 7 } },
];

describe('Gemini streams', () => {
  const golden = run(sse(...FRAMES));

  it('numbers parallel calls that come without index, names those without id, and says tool_calls for STOP', () => {
    expect(golden.filter((event) => event.type === 'tool-call-start')).toEqual([
      { type: 'tool-call-start', choice: 0, index: 0, id: 'call_r-1_0', name: 'one', signature: 'eHg=' },
      { type: 'tool-call-start', choice: 0, index: 1, id: 'call_r-1_1', name: 'two' },
      { type: 'tool-call-start', choice: 0, index: 2, id: 'given', name: 'three' },
    ]);
    expect(golden.filter((event) => event.type === 'finish')).toEqual([{ type: 'finish', choice: 0, reason: 'tool_calls', raw: 'STOP' }]);
    expect(golden.at(-1)).toEqual({ type: 'end' });
    expect(golden).toContainEqual({ type: 'reasoning-end', choice: 0, signature: 'c2ln', origin: 'gemini-generate' });
  });

  it('says the same however the bytes are cut, as SSE and as a JSON array', () => {
    const bodies = [Buffer.from(sse(...FRAMES)), Buffer.from(`\ufeff[${FRAMES.map((frame) => JSON.stringify(frame)).join('\n,\r\n')}\n]`)];
    fc.assert(
      fc.property(fc.constantFrom(...bodies), fc.array(fc.nat(2_000), { maxLength: 40 }), (body, cuts) => {
        expect(run(body, cuts)).toEqual(golden);
      }),
      { numRuns: 200 },
    );
    const body = bodies[0] as Buffer;
    expect(
      run(
        body,
        Array.from({ length: body.length }, (_, at) => at),
      ),
    ).toEqual(golden);
  });

  it('takes a lone JSON object for a whole answer, and an error object for an error', () => {
    expect(run(JSON.stringify(FRAMES.at(-1))).at(-1)).toEqual({ type: 'end' });
    const error = { error: { code: 503, message: 'The model is overloaded.', status: 'UNAVAILABLE' } };
    for (const body of [JSON.stringify(error), JSON.stringify([error]), sse(error), sse(FRAMES[1], error)]) {
      const last = run(body).at(-1);
      expect(last).toMatchObject({
        type: 'error',
        failure: { kind: 'stream-error', code: 'upstream_overloaded', tryElsewhere: true, message: 'The model is overloaded.' },
      });
    }
  });

  it.each([
    ['no finish reason', sse(FRAMES[1])],
    ['nothing', ''],
    ['half an object', '[{"candidates":['],
    ['only usage', sse({ usageMetadata: { promptTokenCount: 1, totalTokenCount: 1 } })],
  ])('never ends well with %s', (_, body) => {
    expect(run(body).at(-1)).toMatchObject({ type: 'error', failure: { code: 'upstream_interrupted', tryElsewhere: true } });
  });

  it('wants a finish reason for every choice that was asked for', () => {
    expect(run(sse(says([{ text: 'a' }], { finishReason: 'STOP' })), [], 2).at(-1)).toMatchObject({ type: 'error' });
    const both = { candidates: [0, 1].map((index) => ({ content: { parts: [{ text: 'a' }] }, finishReason: 'STOP', index })) };
    expect(run(sse(both), [], 2).at(-1)).toEqual({ type: 'end' });
  });

  it.each([
    ['a captive portal', '<html><body>Log in</body></html>\n\n'],
    ['broken JSON', 'data: {"candidates": [\n\n'],
    ['a number', 'data: 7\n\n'],
  ])('cannot read %s', (_, body) => {
    expect(run(body).at(-1)).toMatchObject({ type: 'error', failure: { kind: 'invalid', code: 'upstream_invalid_response' } });
  });

  it('tells a blocked prompt as a filtered answer, once per choice', () => {
    const events = run(sse({ promptFeedback: { blockReason: 'PROHIBITED_CONTENT' }, usageMetadata: { promptTokenCount: 9, totalTokenCount: 9 } }), [], 2);
    expect(events.filter((event) => event.type === 'finish')).toEqual(
      [0, 1].map((choice) => ({ type: 'finish', choice, reason: 'content_filter', raw: 'PROHIBITED_CONTENT' })),
    );
    expect(events.at(-1)).toEqual({ type: 'end' });
  });

  it('finishes a choice once; what comes behind is counted, the last usage counts', () => {
    const events = run(
      sse(
        { ...says([{ text: 'a' }], { finishReason: 'STOP' }), usageMetadata: { promptTokenCount: 1, candidatesTokenCount: 1, totalTokenCount: 2 } },
        { ...says([{ text: 'b' }], { finishReason: 'MAX_TOKENS' }), usageMetadata: { promptTokenCount: 1, candidatesTokenCount: 5, totalTokenCount: 6 } },
      ),
    );
    expect(events.filter((event) => event.type === 'finish')).toHaveLength(1);
    expect(events).toContainEqual({ type: 'drift', what: 'content_after_finish' });
    expect(events.filter((event) => event.type === 'usage').at(-1)).toMatchObject({ usage: { output: 5 } });
    expect(events.filter((event) => event.type === 'text-delta')).toEqual([{ type: 'text-delta', choice: 0, text: 'a' }]);
  });

  it('reports usage that cannot be believed as unknown', () => {
    expect(run(sse({ ...says([{ text: 'a' }], { finishReason: 'STOP' }), usageMetadata: { promptTokenCount: -4 } }))).toContainEqual({
      type: 'usage',
      raw: { promptTokenCount: -4 },
    });
  });

  it('joins arguments that come in pieces', () => {
    const events = run(
      sse(
        says([{ functionCall: { name: 'read', willContinue: true } }]),
        says([
          {
            functionCall: {
              partialArgs: [
                { jsonPath: '$.path', stringValue: '/et', willContinue: true },
                { jsonPath: '$.lines[1].from', numberValue: 3 },
              ],
              willContinue: true,
            },
          },
        ]),
        says([
          {
            functionCall: {
              partialArgs: [
                { jsonPath: '$.path', stringValue: 'c' },
                { jsonPath: '$.__proto__.x', boolValue: true },
              ],
              willContinue: true,
            },
          },
        ]),
        says([{ functionCall: {} }]),
        says([], { finishReason: 'STOP' }),
      ),
    );
    const delta = events.filter((event) => event.type === 'tool-call-delta');
    expect(delta).toHaveLength(1);
    expect(JSON.parse(delta[0]?.argumentsText ?? '')).toEqual({ path: '/etc', lines: [null, { from: 3 }] });
  });

  it('keeps code execution as it is, images as images, and counts parts it has never met', () => {
    const code = { executableCode: { language: 'PYTHON', code: 'print(1)' } };
    const events = run(sse(says([code, { inlineData: { mimeType: 'image/png', data: 'AAAA' } }, { hologram: {} }], { finishReason: 'STOP' })));
    expect(events).toContainEqual({ type: 'opaque', choice: 0, protocol: 'gemini-generate', value: code });
    expect(events).toContainEqual({ type: 'image', choice: 0, source: { kind: 'inline', mediaType: 'image/png', data: 'AAAA' } });
    expect(events).toContainEqual({ type: 'drift', what: 'part:hologram' });
  });

  it.each([
    ['MALFORMED_FUNCTION_CALL', 'error'],
    ['RECITATION', 'content_filter'],
    ['MAX_TOKENS', 'length'],
    ['SOMETHING_NEW', 'error'],
  ])('maps %s to %s', (raw, reason) => {
    const events = run(sse(says([{ text: 'x' }], { finishReason: raw })));
    expect(events).toContainEqual({ type: 'finish', choice: 0, reason, raw });
    expect(events.some((event) => event.type === 'drift')).toBe(raw === 'SOMETHING_NEW');
  });

  it('survives any mutation of a stream and always says how it ended', () => {
    const body = Buffer.from(sse(...FRAMES));
    fc.assert(
      fc.property(fc.nat(body.length - 1), fc.integer({ min: 0, max: 255 }), fc.nat(body.length), (at, byte, length) => {
        const mutated = Buffer.from(body.subarray(0, length));
        if (at < mutated.length) mutated[at] = byte;
        const events = run(mutated, [at]);
        expect(['end', 'error']).toContain(events.at(-1)?.type);
        expect(events.filter((event) => event.type === 'end' || event.type === 'error')).toHaveLength(1);
      }),
      { numRuns: 300 },
    );
  });
});
