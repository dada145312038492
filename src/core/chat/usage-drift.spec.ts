import { unknownUsageFields } from './usage-drift.js';

describe('unknownUsageFields', () => {
  it('knows what providers send today', () => {
    expect(unknownUsageFields({ prompt_tokens: 1, completion_tokens_details: { reasoning_tokens: 2, accepted_prediction_tokens: 0 } })).toEqual([]);
    expect(unknownUsageFields({ input_tokens: 1, cache_creation: { ephemeral_1h_input_tokens: 0 }, server_tool_use: { anything: 1 } })).toEqual([]);
    expect(unknownUsageFields({ promptTokenCount: 1, promptTokensDetails: [{ modality: 'TEXT', tokenCount: 1 }] })).toEqual([]);
  });
  it('names what is new, where it stands', () =>
    expect(unknownUsageFields({ prompt_tokens: 1, dream_tokens: 7, completion_tokens_details: { smell_tokens: 3, taste_tokens: null } })).toEqual([
      'dream_tokens',
      'completion_tokens_details.smell_tokens',
    ]));
  it('is bounded, and takes anything', () => {
    expect(unknownUsageFields(Object.fromEntries(Array.from({ length: 99 }, (_, at) => [`new_${at}`.padEnd(80, 'x'), 1])))).toHaveLength(5);
    for (const raw of [null, undefined, 7, 'text', []]) expect(unknownUsageFields(raw)).toEqual([]);
  });
});
