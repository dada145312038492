import fc from 'fast-check';
import { eventsOfResponse } from '../core/chat/events-of-response.js';
import type { ChatResponse } from '../core/chat/response.js';
import { NO_USAGE } from '../core/chat/usage.js';
import { Meter } from './meter.js';

const choice = fc.record({
  index: fc.nat({ max: 2 }),
  parts: fc.array(
    fc.oneof(
      fc.string().map((text) => ({ type: 'text' as const, text })),
      fc.string().map((text) => ({ type: 'reasoning' as const, text })),
    ),
    { maxLength: 2 },
  ),
  finish: fc.constantFrom('stop' as const, 'length' as const),
  rawFinish: fc.constantFrom('stop', null),
});
const answer: fc.Arbitrary<ChatResponse> = fc.record(
  {
    upstreamId: fc.string(),
    choices: fc.uniqueArray(choice, { maxLength: 3, selector: ({ index }) => index }),
    usage: fc.nat().map((input) => ({ ...NO_USAGE, input })),
    rawUsage: fc.dictionary(fc.constantFrom('prompt_tokens', 'odd_tokens'), fc.nat()),
    drift: fc.array(fc.constantFrom('a', 'b'), { maxLength: 3 }),
    extra: fc.constant({}),
  },
  { requiredKeys: ['choices', 'drift', 'extra'] },
);
const resultOf = ({ upstreamId, usage, finish, finished, drift, contentChars, firstContentAtMs, estimatedOutputTokens, estimatedVisibleTokens }: Meter) => ({
  upstreamId,
  usage,
  finish,
  finished,
  drift,
  contentChars,
  firstContentAtMs,
  estimatedOutputTokens,
  estimatedVisibleTokens,
});

describe('Meter', () => {
  it('comes to the same for a whole answer as for its events', () => {
    fc.assert(
      fc.property(answer, (response) => {
        const whole = new Meter(5);
        whole.observeWhole(response, 7);
        const parts = new Meter(5);
        for (const event of eventsOfResponse(response)) parts.observe(event, 7);
        expect(resultOf(whole)).toEqual(resultOf(parts));
      }),
      { numRuns: 300 },
    );
  });
});
