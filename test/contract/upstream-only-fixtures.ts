import { encodeEventStream } from '../../src/core/protocols/eventstream/index.js';
import type { ProviderFixture } from './provider-fixtures.js';

/** Fixtures of the providers whose protocols no client speaks. */
const TEXT = 'Seoul is sunny.';
const THOUGHT = 'The user wants the weather.';

const cohere: ProviderFixture = (() => {
  const usage = { billed_units: { input_tokens: 4, output_tokens: 9 }, tokens: { input_tokens: 12, output_tokens: 11, reasoning_tokens: 6 }, cached_tokens: 4 };
  const event = (type: string, message: unknown, index?: number) => ({ type, ...(index !== undefined && { index }), delta: { message } });
  const sse = (frames: readonly { type: string }[]) =>
    frames.map((frame) => `event: ${frame.type}\ndata: ${JSON.stringify(frame)}\n\n`).join('') + 'data: [DONE]\n\n';
  const start = { type: 'message-start', id: 'up-1', delta: { message: { role: 'assistant', content: [], tool_plan: '', tool_calls: [], citations: [] } } };
  const end = (reason: string) => ({ type: 'message-end', delta: { finish_reason: reason, usage } });
  return {
    model: 'command-a-reasoning-08-2025',
    text: TEXT,
    reasoning: THOUGHT,
    usage: { input: 8, cacheRead: 4, output: 5, reasoning: 6 },
    answer: {
      id: 'up-1',
      message: {
        role: 'assistant',
        content: [
          { type: 'thinking', thinking: THOUGHT },
          { type: 'text', text: TEXT },
        ],
      },
      finish_reason: 'COMPLETE',
      usage,
    },
    stream: sse([
      start,
      event('content-start', { content: { type: 'thinking', thinking: '' } }, 0),
      event('content-delta', { content: { thinking: THOUGHT.slice(0, 9) } }, 0),
      event('content-delta', { content: { thinking: THOUGHT.slice(9) } }, 0),
      { type: 'content-end', index: 0 } as { type: string },
      event('content-start', { content: { type: 'text', text: '' } }, 1),
      event('content-delta', { content: { text: 'Seoul is' } }, 1),
      event('content-delta', { content: { text: ' sunny.' } }, 1),
      { type: 'content-end', index: 1 } as { type: string },
      end('COMPLETE'),
    ]),
    toolStream: sse([
      start,
      event('tool-plan-delta', { tool_plan: 'I look it up.' }),
      event('tool-call-start', { tool_calls: { id: 'weather_1', type: 'function', function: { name: 'weather', arguments: '' } } }, 0),
      event('tool-call-delta', { tool_calls: { function: { arguments: '{"city":' } } }, 0),
      event('tool-call-delta', { tool_calls: { function: { arguments: '"Seoul"}' } } }, 0),
      { type: 'tool-call-end', index: 0 } as { type: string },
      end('TOOL_CALL'),
    ]),
    error: { status: 429, body: { id: 'e1', message: 'You are using a Trial key' }, code: 'upstream_rate_limited', message: 'Trial key' },
    absent: ['top_k', 'logit_bias', 'stop', 'top_p'],
    present: { max_tokens: 64, temperature: 1.5, seed: 7, k: 5 },
    reported: ['logit_bias'],
  };
})();

const ollama: ProviderFixture = (() => {
  const base = { model: 'qwen3', created_at: '2026-01-01T00:00:00Z' };
  const counts = { total_duration: 5, prompt_eval_count: 12, eval_count: 11 };
  const lines = (objects: readonly unknown[]) => objects.map((object) => `${JSON.stringify(object)}\n`).join('');
  const piece = (message: unknown) => ({ ...base, message, done: false });
  const done = { ...base, message: { role: 'assistant', content: '' }, done: true, done_reason: 'stop', ...counts };
  return {
    model: 'qwen3:8b',
    text: TEXT,
    reasoning: THOUGHT,
    // Ollama counts neither cache nor thoughts apart.
    usage: { input: 12, cacheRead: 0, output: 11, reasoning: 0 },
    answer: { ...base, message: { role: 'assistant', content: TEXT, thinking: THOUGHT }, done: true, done_reason: 'stop', ...counts },
    stream: lines([
      piece({ role: 'assistant', content: '', thinking: THOUGHT.slice(0, 9) }),
      piece({ role: 'assistant', content: '', thinking: THOUGHT.slice(9) }),
      piece({ role: 'assistant', content: 'Seoul is' }),
      piece({ role: 'assistant', content: ' sunny.' }),
      done,
    ]),
    frameEnd: '\n',
    toolStream: lines([piece({ role: 'assistant', content: '', tool_calls: [{ function: { name: 'weather', arguments: { city: 'Seoul' } } }] }), done]),
    error: { status: 404, body: { error: "model 'qwen3:8b' not found" }, code: 'upstream_error', message: 'not found' },
    absent: ['temperature', 'max_tokens', 'logit_bias', 'tool_choice'],
    present: { options: { temperature: 1.5, num_predict: 64, seed: 7, top_k: 5 } },
    reported: ['logit_bias'],
  };
})();

const bedrock: ProviderFixture = (() => {
  const usage = { inputTokens: 8, outputTokens: 11, totalTokens: 23, cacheReadInputTokens: 4, cacheWriteInputTokens: 0 };
  const frame = (type: string, payload: unknown) =>
    encodeEventStream({ ':event-type': type, ':content-type': 'application/json', ':message-type': 'event' }, JSON.stringify(payload)).toString('latin1');
  const delta = (index: number, value: unknown) => frame('contentBlockDelta', { contentBlockIndex: index, delta: value, p: 'abc' });
  const stop = (index: number) => frame('contentBlockStop', { contentBlockIndex: index, p: 'ab' });
  const end = (reason: string) => [frame('messageStop', { stopReason: reason }), frame('metadata', { usage, metrics: { latencyMs: 5 } })];
  return {
    model: 'us.anthropic.claude-haiku-4-5-20251001-v1:0',
    text: TEXT,
    reasoning: THOUGHT,
    usage: { input: 8, cacheRead: 4, output: 11, reasoning: 0 },
    answer: {
      output: { message: { role: 'assistant', content: [{ reasoningContent: { reasoningText: { text: THOUGHT, signature: 'c2ln' } } }, { text: TEXT }] } },
      stopReason: 'end_turn',
      usage,
      metrics: { latencyMs: 5 },
    },
    binary: true,
    frameEnd: '}',
    stream: [
      frame('messageStart', { role: 'assistant' }),
      delta(0, { reasoningContent: { text: THOUGHT.slice(0, 9) } }),
      delta(0, { reasoningContent: { text: THOUGHT.slice(9) } }),
      delta(0, { reasoningContent: { signature: 'c2ln' } }),
      stop(0),
      delta(1, { text: 'Seoul is' }),
      delta(1, { text: ' sunny.' }),
      stop(1),
      ...end('end_turn'),
    ].join(''),
    toolStream: [
      frame('messageStart', { role: 'assistant' }),
      frame('contentBlockStart', { contentBlockIndex: 0, start: { toolUse: { toolUseId: 'tooluse_1', name: 'weather' } } }),
      delta(0, { toolUse: { input: '{"city":' } }),
      delta(0, { toolUse: { input: '"Seoul"}' } }),
      stop(0),
      ...end('tool_use'),
    ].join(''),
    error: { status: 429, body: { message: 'Too many tokens, please wait before trying again.' }, code: 'upstream_rate_limited', message: 'please wait' },
    absent: ['model', 'stream', 'temperature', 'seed', 'logit_bias'],
    present: { inferenceConfig: { maxTokens: 64, temperature: 1 }, additionalModelRequestFields: { top_k: 5 }, system: [{ text: 'Be brief.' }] },
    reported: ['temperature', 'seed', 'logit_bias'],
  };
})();

export const UPSTREAM_ONLY_FIXTURES: Readonly<Record<string, ProviderFixture>> = { bedrock, cohere, ollama };
