import { completionTokens, promptTokens } from '../../chat/usage.js';
import { parseUsage } from './parse-usage.js';
import { renderUsage } from './render-usage.js';

describe('parseUsage', () => {
  it('splits a prompt that includes cached tokens, adds tool-use tokens to it, and counts thoughts as completion', () => {
    const usage = parseUsage(
      { promptTokenCount: 100, cachedContentTokenCount: 40, toolUsePromptTokenCount: 7, candidatesTokenCount: 20, thoughtsTokenCount: 5, totalTokenCount: 132 },
      {},
    );
    expect(usage).toMatchObject({ input: 67, cacheRead: 40, output: 20, reasoning: 5 });
    if (typeof usage === 'string') throw new Error(usage);
    expect([promptTokens(usage), completionTokens(usage)]).toEqual([107, 25]);
    expect(renderUsage(usage)).toEqual({
      promptTokenCount: 107,
      candidatesTokenCount: 20,
      thoughtsTokenCount: 5,
      cachedContentTokenCount: 40,
      totalTokenCount: 132,
    });
  });

  it('keeps modalities apart', () => {
    const usage = parseUsage(
      {
        promptTokenCount: 50,
        candidatesTokenCount: 30,
        totalTokenCount: 80,
        promptTokensDetails: [
          { modality: 'TEXT', tokenCount: 10 },
          { modality: 4, tokenCount: 40 },
        ],
        candidatesTokensDetails: [
          { modality: 'IMAGE', tokenCount: 25 },
          { modality: 'AUDIO', tokenCount: 3 },
        ],
      },
      {},
    );
    expect(usage).toMatchObject({ input: 10, audioIn: 40, output: 2, image: 25, audioOut: 3 });
    if (typeof usage !== 'string') expect(parseUsage(renderUsage(usage), {})).toEqual(usage);
  });

  it('sees thoughts that are counted inside the candidates', () => {
    expect(parseUsage({ promptTokenCount: 10, candidatesTokenCount: 30, thoughtsTokenCount: 20, totalTokenCount: 40 }, {})).toMatchObject({
      output: 10,
      reasoning: 20,
    });
    expect(
      parseUsage({ promptTokenCount: 10, candidatesTokenCount: 30, thoughtsTokenCount: 20 }, { usageSemantics: { completionIncludesReasoning: true } }),
    ).toMatchObject({ output: 10, reasoning: 20 });
  });

  it('honours an explicit zero and knows the absence of counts', () => {
    expect(parseUsage({ promptTokenCount: 0, candidatesTokenCount: 0, totalTokenCount: 0 }, {})).toMatchObject({ input: 0, output: 0 });
    expect(parseUsage(undefined, {})).toBe('missing');
    expect(parseUsage({ trafficType: 'ON_DEMAND' }, {})).toBe('missing');
  });

  it.each([
    [{ promptTokenCount: -1 }],
    [{ promptTokenCount: 1.5 }],
    [{ promptTokenCount: '12' }],
    [{ promptTokenCount: 2 ** 63 }],
    [{ promptTokenCount: Number.POSITIVE_INFINITY }],
    [{ promptTokenCount: 5, cachedContentTokenCount: 6 }],
    [{ promptTokenCount: 10, candidatesTokenCount: 10, totalTokenCount: 15 }],
    [{ promptTokenCount: true }],
    ['12 tokens'],
    [[1, 2]],
  ])('does not believe %j', (usage) => {
    expect(parseUsage(usage, {})).toBe('invalid');
  });
});
