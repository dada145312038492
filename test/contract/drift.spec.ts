import { eventsOfResponse } from '../../src/core/chat/events-of-response.js';
import { encodeEventStream } from '../../src/core/protocols/eventstream/index.js';
import type { ProtocolId } from '../../src/core/protocols/protocol.js';
import { Meter } from '../../src/gateway/meter.js';
import { UPSTREAM_PROTOCOLS } from '../../src/providers/protocols.js';
import { Corpus } from '../support/upstream-simulator/index.js';

/** Unknown events, finish reasons and usage fields are counted per provider, never fatal, never silently dropped. */
const CONTEXT = { dialect: {}, choices: 1 };

function driftOfStream(protocol: ProtocolId, bytes: Uint8Array): { drift: readonly string[]; text: string; ended: string } {
  const meter = new Meter(1);
  let text = '';
  let ended = 'nothing';
  const parser = UPSTREAM_PROTOCOLS[protocol].createStreamParser((item) => {
    for (const event of item.events) {
      meter.observe(event, 0);
      if (event.type === 'text-delta') text += event.text;
      if (event.type === 'end' || event.type === 'error') ended = event.type;
    }
  }, CONTEXT);
  parser.push(bytes);
  parser.end();
  return { drift: meter.drift, text, ended };
}

const sse = (...frames: unknown[]) =>
  Buffer.from(
    frames
      .map((frame) => {
        const type = (frame as { type?: unknown }).type;
        return `${typeof type === 'string' ? `event: ${type}\n` : ''}data: ${JSON.stringify(frame)}\n\n`;
      })
      .join(''),
  );
const lines = (...frames: unknown[]) => Buffer.from(frames.map((frame) => `${JSON.stringify(frame)}\n`).join(''));
const blocks = (...frames: readonly (readonly [string, unknown])[]) =>
  Buffer.concat(
    frames.map(([type, payload]) =>
      encodeEventStream({ ':message-type': 'event', ':event-type': type, ':content-type': 'application/json' }, JSON.stringify(payload)),
    ),
  );

/** InvokeModel's envelope of a model's own event. */
const wrapped = (event: unknown) => ({ bytes: Buffer.from(JSON.stringify(event)).toString('base64'), p: 'ab' });

const SURPRISES: readonly (readonly [ProtocolId, Uint8Array, readonly string[]])[] = [
  [
    'openai-chat',
    sse(
      { id: 'c', choices: [{ index: 0, delta: { role: 'assistant', content: 'Hi', dream: { depth: 1 } }, finish_reason: null }] },
      {
        id: 'c',
        choices: [{ index: 0, delta: { dream: { depth: 2 } }, finish_reason: 'vanished' }],
        usage: { prompt_tokens: 1, completion_tokens: 1, dream_tokens: 3 },
      },
    ),
    ['delta:dream', 'finish_reason:vanished', 'usage:dream_tokens'],
  ],
  [
    'anthropic-messages',
    sse(
      {
        type: 'message_start',
        message: { id: 'm', type: 'message', role: 'assistant', model: 'x', content: [], stop_reason: null, usage: { input_tokens: 1, output_tokens: 1 } },
      },
      { type: 'dream', depth: 1 },
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hi' } },
      { type: 'content_block_stop', index: 0 },
      { type: 'message_delta', delta: { stop_reason: 'vanished', stop_sequence: null }, usage: { output_tokens: 1, dream_tokens: 3 } },
      { type: 'message_stop' },
    ),
    ['event:dream', 'stop_reason:vanished', 'usage:dream_tokens'],
  ],
  [
    'gemini-generate',
    sse({
      candidates: [{ index: 0, content: { role: 'model', parts: [{ text: 'Hi' }, { dream: { depth: 1 } }] }, finishReason: 'STOP' }],
      usageMetadata: { promptTokenCount: 1, candidatesTokenCount: 1, totalTokenCount: 2, dreamTokenCount: 3 },
    }),
    ['part:dream', 'usage:dreamTokenCount'],
  ],
  [
    'openai-responses',
    sse(
      { type: 'response.created', response: { id: 'r', status: 'in_progress', output: [] } },
      { type: 'response.dream', depth: 1 },
      { type: 'response.output_item.added', output_index: 0, item: { id: 'm', type: 'message', role: 'assistant', content: [] } },
      { type: 'response.output_text.delta', item_id: 'm', output_index: 0, content_index: 0, delta: 'Hi' },
      {
        type: 'response.completed',
        response: { id: 'r', status: 'completed', output: [], usage: { input_tokens: 1, output_tokens: 1, total_tokens: 2, dream_tokens: 3 } },
      },
    ),
    ['event:response.dream', 'usage:dream_tokens'],
  ],
  [
    'cohere-chat',
    sse(
      { type: 'message-start', id: 'c', delta: { message: { role: 'assistant' } } },
      { type: 'dream-start', index: 0 },
      { type: 'content-start', index: 0, delta: { message: { content: { type: 'text', text: '' } } } },
      { type: 'content-delta', index: 0, delta: { message: { content: { text: 'Hi' } } } },
      { type: 'content-end', index: 0 },
      { type: 'message-end', delta: { finish_reason: 'VANISHED', usage: { tokens: { input_tokens: 1, output_tokens: 1, dream_tokens: 3 } } } },
    ),
    ['event:dream-start', 'finish_reason:VANISHED', 'usage:tokens.dream_tokens'],
  ],
  [
    'ollama-chat',
    lines(
      { model: 'x', message: { role: 'assistant', content: 'Hi' }, done: false },
      { model: 'x', message: { role: 'assistant', content: '' }, done: true, done_reason: 'vanished', prompt_eval_count: 1, eval_count: 1 },
    ),
    ['done_reason:vanished'],
  ],
  [
    'bedrock-converse',
    blocks(
      ['messageStart', { role: 'assistant' }],
      ['dream', { depth: 1 }],
      ['contentBlockDelta', { contentBlockIndex: 0, delta: { text: 'Hi' } }],
      ['contentBlockStop', { contentBlockIndex: 0 }],
      ['messageStop', { stopReason: 'vanished' }],
      ['metadata', { usage: { inputTokens: 1, outputTokens: 1, totalTokens: 2, dreamTokens: 3 } }],
    ),
    ['event:dream', 'stop_reason:vanished', 'usage:dreamTokens'],
  ],
  [
    'bedrock-invoke',
    blocks(
      ['chunk', wrapped({ type: 'message_start', message: { id: 'm', type: 'message', content: [], usage: { input_tokens: 1, output_tokens: 1 } } })],
      ['chunk', wrapped({ dream: { depth: 1 } })],
      ['chunk', wrapped({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: 'Hi' } })],
      ['chunk', wrapped({ type: 'message_delta', delta: { stop_reason: 'vanished' }, usage: { output_tokens: 1, dream_tokens: 3 } })],
      ['chunk', wrapped({ type: 'message_stop' })],
    ),
    ['event:dream', 'stop_reason:vanished', 'usage:dream_tokens'],
  ],
];

describe('what a provider sends that nobody here knows', () => {
  it.each(SURPRISES)('%s: is counted, and the answer goes on', (protocol, bytes, expected) => {
    const { drift, text } = driftOfStream(protocol, bytes);
    expect(drift).toEqual(expect.arrayContaining([...expected]));
    expect(new Set(drift).size).toBe(drift.length);
    expect(text).toBe('Hi');
  });

  it('has a row for every protocol', () => {
    expect(SURPRISES.map(([protocol]) => protocol).toSorted()).toEqual(
      Object.keys(UPSTREAM_PROTOCOLS)
        .filter((id) => id !== 'openai-completions')
        .toSorted(),
    );
  });
});

const APIS: Readonly<Record<string, ProtocolId>> = {
  'openai.chat': 'openai-chat',
  'anthropic.messages': 'anthropic-messages',
  'gemini.generateContent': 'gemini-generate',
  'bedrock.converse': 'bedrock-converse',
  'bedrock.invoke': 'bedrock-invoke',
  'cohere.chat.v2': 'cohere-chat',
  'ollama.chat': 'ollama-chat',
  'openai.responses': 'openai-responses',
};
const corpus = Corpus.find();

(corpus === null ? describe.skip : describe)('recorded traffic', () => {
  it.each(Object.entries(APIS))('%s has no surprises', (api, protocol) => {
    const found: string[] = [];
    const recorded = (corpus as Corpus).list(api).map((entry) => (corpus as Corpus).read(entry));
    for (const { provider, response } of recorded.filter((exchange) => exchange.response.status === 200)) {
      for (const what of driftOfRecording(protocol, response as Recording)) found.push(`${provider} ${what}`);
    }
    expect(recorded.length).toBeGreaterThan(0);
    expect(found).toEqual([]);
  });
});

interface Recording {
  wire: string;
  body?: unknown;
  sse?: string;
  text?: string;
  bodyBase64?: string;
}

function driftOfRecording(protocol: ProtocolId, { wire, body, sse: events, text, bodyBase64 }: Recording): readonly string[] {
  if (wire !== 'json') return driftOfStream(protocol, Buffer.from(events ?? text ?? Buffer.from(bodyBase64 ?? '', 'base64'))).drift;
  const meter = new Meter(1);
  try {
    for (const event of eventsOfResponse(UPSTREAM_PROTOCOLS[protocol].parseResponse(body, CONTEXT))) meter.observe(event, 0);
  } catch {
    // An error inside a 200: the corpus tests of the protocols judge it.
  }
  return meter.drift;
}
