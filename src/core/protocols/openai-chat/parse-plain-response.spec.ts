import fc from 'fast-check';
import { eventsOfResponse } from '../../chat/events-of-response.js';
import type { ResponseDialect } from '../dialect.js';
import { parsePlainResponse } from './parse-plain-response.js';
import { parseResponseByEvents } from './parse-response.js';

const nothing = fc.constantFrom(undefined, null);
const anything = fc.jsonValue({ maxDepth: 2 });
const maybe = <T>(value: fc.Arbitrary<T>) => fc.oneof({ weight: 80, arbitrary: value }, { weight: 1, arbitrary: nothing }, { weight: 1, arbitrary: anything });
const text = fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('', '<think>a</think>b'));
const details = fc.record({ cached_tokens: maybe(fc.nat(50)), audio_tokens: maybe(fc.nat(5)) }, { requiredKeys: [] });
const usage = fc.record(
  { prompt_tokens: maybe(fc.nat(500)), completion_tokens: maybe(fc.nat(500)), total_tokens: maybe(fc.nat(1_000)), prompt_tokens_details: maybe(details) },
  { requiredKeys: ['prompt_tokens', 'completion_tokens'] },
);
const message = fc.record(
  { role: maybe(fc.constant('assistant')), content: maybe(text), refusal: maybe(fc.constant(null)), annotations: maybe(fc.constant([])), tool_calls: maybe(fc.constant([])), reasoning_content: nothing, odd: nothing },
  { requiredKeys: ['content'] },
);
const finish = maybe(fc.constantFrom('stop', 'length', 'content_filter', 'tool_calls', 'error', 'eos', 'made_up'));
const choice = fc.record({ index: maybe(fc.constant(0)), message: maybe(message), logprobs: nothing, finish_reason: finish, error: nothing }, { requiredKeys: ['index', 'message', 'finish_reason'] });
const body = fc.record(
  {
    id: maybe(fc.string()),
    object: maybe(fc.constant('chat.completion')),
    created: maybe(fc.nat()),
    model: maybe(fc.string()),
    choices: maybe(fc.array(choice, { minLength: 1, maxLength: 2 })),
    usage: maybe(usage),
    service_tier: maybe(fc.constant('default')),
    system_fingerprint: maybe(fc.string()),
    error: nothing,
    citations: fc.constantFrom(undefined, null, ['a']),
  },
  { requiredKeys: ['choices', 'usage'] },
);
const dialects = fc.constantFrom<ResponseDialect>(
  {},
  { reasoningAt: ['reasoning_content', 'think_tags'], usageAt: ['usage'] },
  { usageAt: ['x_groq'] },
  { usageAt: ['x_groq', 'usage'], finishMap: { eos: 'length' } },
);
const asSent = (value: unknown) => JSON.parse(JSON.stringify(value)) as Record<string, unknown>;

describe('parsePlainResponse', () => {
  it('reads what the way over events reads, whatever the provider sent', () => {
    let plainCount = 0;
    fc.assert(
      fc.property(body, dialects, (sent, dialect) => {
        const plain = parsePlainResponse(asSent(sent), dialect);
        if (plain === null) return;
        plainCount += 1;
        expect(plain).toEqual(parseResponseByEvents(asSent(sent), { dialect, choices: 1 }));
        expect(eventsOfResponse(plain).map(({ type }) => type)).toEqual(['start', 'text-delta', 'finish', 'usage', 'end']);
      }),
      { numRuns: 3_000 },
    );
    expect(plainCount).toBeGreaterThan(50);
  });

  it('leaves what is not plain to the other way', () => {
    const plain = { choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }], usage: { prompt_tokens: 1, completion_tokens: 1 } };
    expect(parsePlainResponse(plain, {})).not.toBeNull();
    expect(parsePlainResponse({ ...plain, citations: [] }, {})).toBeNull();
    expect(parsePlainResponse({ ...plain, usage: { prompt_tokens: -1 } }, {})).toBeNull();
    expect(parsePlainResponse(plain, { usageAt: ['x_groq'] })).toBeNull();
  });
});
