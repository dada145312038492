import type { ChatEvent } from '../core/chat/event.js';
import { classifyUpstreamError } from '../core/errors/classify-upstream.js';
import { toGatewayError } from '../core/errors/to-gateway-error.js';
import { anthropicMessages } from '../core/protocols/anthropic-messages/index.js';
import { geminiGenerate } from '../core/protocols/gemini-generate/index.js';
import { openaiChat, openaiCompletions } from '../core/protocols/openai-chat/index.js';
import { openaiResponses } from '../core/protocols/openai-responses/index.js';
import type { ChatProtocol } from '../core/protocols/protocol.js';
import type { TransportFailure, UpstreamCall, UpstreamHandler, UpstreamHead } from '../core/upstream/upstream.js';
import { countTokens, SandboxTimer, SandboxTransport } from './index.js';

const PROTOCOLS = {
  'openai-chat': openaiChat,
  'openai-completions': openaiCompletions,
  'openai-responses': openaiResponses,
  'anthropic-messages': anthropicMessages,
  'gemini-generate': geminiGenerate,
};
const DEADLINES = { connectMs: 5_000, firstByteMs: 60_000, idleMs: 30_000, totalMs: 1_800_000 };
const PARSE = { dialect: {}, choices: 1 };

class FakeTimer extends SandboxTimer {
  private time = 0;
  private due: { atMs: number; work: () => void }[] = [];
  override nowMs(): number {
    return this.time;
  }
  override after(delayMs: number, work: () => void): () => void {
    const entry = { atMs: this.time + delayMs, work };
    this.due.push(entry);
    return () => void (this.due = this.due.filter((other) => other !== entry));
  }
  /** Runs everything due up to then, in order. */
  until(atMs: number): void {
    for (;;) {
      const next = this.due.reduce<(typeof this.due)[0] | null>(
        (first, entry) => (entry.atMs <= atMs && (first === null || entry.atMs < first.atMs) ? entry : first),
        null,
      );
      if (next === null) break;
      this.due = this.due.filter((entry) => entry !== next);
      this.time = Math.max(this.time, next.atMs);
      next.work();
    }
    this.time = atMs;
  }
  get pending(): number {
    return this.due.length;
  }
}

class Listener implements UpstreamHandler {
  status = 0;
  headers: UpstreamHead['headers'] = {};
  text = '';
  ended = false;
  failure: TransportFailure | undefined;
  call: UpstreamCall | undefined;
  onHeaders({ status, headers }: UpstreamHead): void {
    this.status = status;
    this.headers = headers;
  }
  onData(chunk: Uint8Array): void {
    this.text += Buffer.from(chunk).toString('utf8');
  }
  onEnd(): void {
    this.ended = true;
  }
  onFailure(failure: TransportFailure): void {
    this.failure = failure;
  }
}

function aSandbox() {
  const timer = new FakeTimer();
  const transport = new SandboxTransport(PROTOCOLS, timer);
  const send = (url: string, body: unknown): Listener => {
    const listener = new Listener();
    listener.call = transport.dispatch(
      { method: 'POST', url, headers: {}, body: typeof body === 'string' ? body : JSON.stringify(body), deadlines: DEADLINES },
      listener,
    );
    return listener;
  };
  const chat = (model: string, body: Record<string, unknown> = {}) =>
    send('http://sandbox.invalid/v1/chat/completions', { model, messages: [{ role: 'user', content: 'Hello sandbox world' }], ...body });
  return { timer, send, chat };
}

function json(model: string, body: Record<string, unknown> = {}) {
  const { chat, timer } = aSandbox();
  const listener = chat(model, body);
  timer.until(600_000);
  expect([listener.status, listener.ended]).toEqual([200, true]);
  return JSON.parse(listener.text) as { choices: { message: Record<string, any>; finish_reason: string }[]; usage: Record<string, any> };
}

function eventsOf(protocol: ChatProtocol, text: string): ChatEvent[] {
  const events: ChatEvent[] = [];
  const parser = protocol.createStreamParser((item) => events.push(...item.events), PARSE);
  parser.push(Buffer.from(text));
  parser.end();
  return events;
}

const textOf = (events: ChatEvent[]): string => events.map((event) => (event.type === 'text-delta' ? event.text : '')).join('');

describe('the counting rule', () => {
  it.each([
    ['', 0],
    ['Hello sandbox world', 3],
    ['  a\n b ', 2],
    ['안녕 세계', 4],
    ['東京 tower', 3],
  ])('%j → %i', (text, tokens) => expect(countTokens(text)).toBe(tokens));
});

describe('models without a stream', () => {
  it('echo repeats the last user message and counts by the rule', () => {
    const { choices, usage } = json('echo');
    expect([choices[0]?.message['content'], choices[0]?.finish_reason]).toEqual(['Hello sandbox world', 'stop']);
    expect([usage['prompt_tokens'], usage['completion_tokens'], usage['total_tokens']]).toEqual([3, 3, 6]);
  });
  it('echo keeps to max_tokens, stop and n', () => {
    const cut = json('echo', { max_tokens: 2 }).choices[0];
    expect([cut?.message['content'], cut?.finish_reason]).toEqual(['Hello sandbox', 'length']);
    expect(json('echo', { stop: ['world'] }).choices[0]?.message['content']).toBe('Hello sandbox ');
    const twice = json('echo', { n: 2 });
    expect([twice.choices.length, twice.usage['completion_tokens']]).toEqual([2, 6]);
  });
  it('echo keeps white space and every script', () => {
    const text = ' a  b\n\n한국어 テスト 漢字 🎉 \n';
    expect(json('echo', { messages: [{ role: 'user', content: text }] }).choices[0]?.message['content']).toBe(text);
  });
  it('lorem writes max_tokens words', () => {
    const { choices, usage } = json('lorem', { max_tokens: 5 });
    expect([choices[0]?.message['content'], usage['completion_tokens'], choices[0]?.finish_reason]).toEqual(['Lorem ipsum dolor sit amet.', 5, 'length']);
    expect(json('lorem').usage['completion_tokens']).toBe(64);
  });
  it('tools calls the tool that a line of the prompt names, whatever an agent writes around it, and tells its result', () => {
    const tools = ['first', 'second'].map((name) => ({ type: 'function', function: { name, parameters: { type: 'object', properties: {} } } }));
    const prompt = [
      { role: 'user', content: 'Remember the rules.\ncall second {"command":"echo hi"}\nThank you.' },
      { role: 'user', content: 'A reminder of the agent.' },
    ];
    const called = { id: 'c1', type: 'function', function: { name: 'second', arguments: '{"command":"echo hi"}' } };
    expect(json('tools', { tools, messages: prompt }).choices[0]?.message['tool_calls']).toMatchObject([{ function: called.function }]);
    const after = [...prompt, { role: 'assistant', content: null, tool_calls: [called] }, { role: 'tool', tool_call_id: 'c1', content: 'hi' }];
    const told = json('tools', { tools, messages: [...after, { role: 'user', content: 'Another reminder.' }] });
    expect(told.choices[0]).toMatchObject({ finish_reason: 'stop', message: { content: 'The tool answered: hi' } });
    for (const wrong of ['call third {}', 'call second {"a"', 'please call second {}'])
      expect(json('tools', { tools, messages: [{ role: 'user', content: wrong }] }).choices[0]?.message['tool_calls']).toMatchObject([
        { function: { name: 'first' } },
      ]);
  });

  it('tools calls the first tool with arguments that fit, then tells its result', () => {
    const tools = [
      {
        type: 'function',
        function: {
          name: 'weather',
          parameters: { type: 'object', properties: { city: { type: 'string' }, days: { type: 'integer', minimum: 2 } }, required: ['city', 'days'] },
        },
      },
    ];
    const [choice] = json('tools', { tools }).choices;
    expect(choice?.finish_reason).toBe('tool_calls');
    expect(choice?.message['tool_calls'][0].function.name).toBe('weather');
    expect(JSON.parse(choice?.message['tool_calls'][0].function.arguments)).toEqual({ city: 'Hello sandbox world', days: 2 });
    const id = choice?.message['tool_calls'][0].id as string;
    const messages = [
      { role: 'user', content: 'x' },
      { role: 'assistant', content: null, tool_calls: [{ id, type: 'function', function: { name: 'weather', arguments: '{}' } }] },
      { role: 'tool', tool_call_id: id, content: 'sunny' },
    ];
    expect(json('tools', { tools, messages }).choices[0]?.message['content']).toBe('The tool answered: sunny');
    expect(json('tools', { tools, tool_choice: 'none' }).choices[0]?.finish_reason).toBe('stop');
  });
  it('json fills the schema', () => {
    const schema = {
      type: 'object',
      properties: {
        name: { type: 'string' },
        kind: { enum: ['a', 'b'] },
        tags: { type: 'array', items: { $ref: '#/$defs/tag' }, minItems: 2 },
        next: { anyOf: [{ $ref: '#' }, { type: 'null' }] },
      },
      required: ['name', 'kind', 'tags', 'next'],
      $defs: { tag: { type: 'string', format: 'date' } },
    };
    const content = json('json', { response_format: { type: 'json_schema', json_schema: { name: 's', strict: true, schema } } }).choices[0]?.message[
      'content'
    ] as string;
    const value = JSON.parse(content) as Record<string, unknown>;
    expect(value).toMatchObject({ name: 'sandbox', kind: 'a', tags: ['2026-01-01', '2026-01-01'] });
    let depth = 0;
    for (let at: any = value; at !== null; at = at.next) depth += 1;
    expect(depth).toBeLessThan(20);
    expect(JSON.parse(json('json').choices[0]?.message['content'])).toEqual({ text: 'Hello sandbox world' });
  });
  it('reasoning thinks first, unless told not to', () => {
    const { choices, usage } = json('reasoning');
    expect(choices[0]?.message['reasoning_content']).toContain('Hello sandbox world');
    expect(choices[0]?.message['content']).toBe('Hello sandbox world');
    expect(usage['completion_tokens_details'].reasoning_tokens).toBeGreaterThan(5);
    expect(json('reasoning', { reasoning_effort: 'none' }).usage['completion_tokens']).toBe(3);
  });
});

describe('errors', () => {
  it.each([
    ['error-429', 429, 'rate_limit_exceeded'],
    ['error-500', 500, 'internal_error'],
    ['error-401', 401, 'invalid_api_key'],
    ['error-context', 400, 'context_length_exceeded'],
  ])('%s reaches the client as %i %s, marked', (model, status, code) => {
    for (const stream of [false, true]) {
      const { chat, timer } = aSandbox();
      const listener = chat(model, { stream });
      timer.until(1);
      expect([listener.status, listener.headers['x-og-simulated'], listener.ended]).toEqual([status, 'true', true]);
      const body = JSON.parse(listener.text) as unknown;
      const failure = classifyUpstreamError(openaiChat.parseError(body), { kind: 'http', status: listener.status, headers: listener.headers, inProcess: true });
      const error = toGatewayError(failure, { provider: { id: 'sandbox' } });
      expect([error.status, error.code, error.headers['x-og-simulated'], failure.health]).toEqual([status, code, 'true', 'none']);
    }
  });
  it('flaky fails every other attempt', () => {
    const { chat, timer } = aSandbox();
    const seen = [1, 2, 3, 4].map(() => {
      const listener = chat('flaky');
      timer.until(timer.nowMs() + 1);
      return listener.status;
    });
    expect(seen).toEqual([503, 200, 503, 200]);
  });
  it('refuses what a provider would refuse', () => {
    const { chat, send, timer } = aSandbox();
    const unknown = chat('nope');
    const broken = send('http://sandbox.invalid/v1/chat/completions', '{');
    timer.until(1);
    expect([unknown.status, broken.status]).toEqual([404, 400]);
  });
});

describe('streams', () => {
  it('come word by word and end properly, with usage when asked for', () => {
    const { chat, timer } = aSandbox();
    const listener = chat('echo', { stream: true, stream_options: { include_usage: true } });
    timer.until(1);
    const events = eventsOf(openaiChat, listener.text);
    expect([textOf(events), listener.text.trimEnd().endsWith('data: [DONE]'), events.at(-1)?.type]).toEqual(['Hello sandbox world', true, 'end']);
    expect(events.find((event) => event.type === 'usage')).toMatchObject({ usage: { input: 3, output: 3 } });
    expect(events.filter((event) => event.type === 'text-delta').length).toBe(3);
  });
  it('slow keeps its times', () => {
    const { chat, timer } = aSandbox();
    const listener = chat('slow', { stream: true, max_tokens: 3 });
    timer.until(1_999);
    expect(textOf(eventsOf(openaiChat, listener.text))).toBe('');
    timer.until(2_100);
    expect(textOf(eventsOf(openaiChat, listener.text))).toBe('Lorem ipsum');
    expect(listener.ended).toBe(false);
    timer.until(2_200);
    expect(listener.ended).toBe(true);
  });
  it('stream-cut breaks off after some words, without [DONE]', () => {
    for (const stream of [true, false]) {
      const { chat, timer } = aSandbox();
      const listener = chat('stream-cut', { stream });
      timer.until(1);
      expect([listener.status, listener.ended, listener.failure?.kind]).toEqual([200, false, 'reset']);
      expect(listener.text).not.toContain('[DONE]');
      if (stream) expect(textOf(eventsOf(openaiChat, listener.text)).split(' ')).toHaveLength(8);
    }
  });
  it('stream-stall stalls until the deadline', () => {
    const { chat, timer } = aSandbox();
    const listener = chat('stream-stall', { stream: true });
    timer.until(29_999);
    expect([listener.status, listener.failure]).toEqual([200, undefined]);
    timer.until(30_000);
    expect(listener.failure).toMatchObject({ kind: 'timeout', deadline: 'idle' });
    const whole = chat('stream-stall');
    timer.until(89_999);
    expect(whole.status).toBe(0);
    timer.until(90_000);
    expect(whole.failure).toMatchObject({ kind: 'timeout', deadline: 'first_byte' });
  });
  it('stop at once when given up', () => {
    const { chat, timer } = aSandbox();
    const listener = chat('slow', { stream: true });
    timer.until(2_500);
    const length = listener.text.length;
    listener.call?.abort();
    timer.until(60_000);
    expect([listener.text.length, listener.failure?.kind, timer.pending]).toEqual([length, 'aborted', 0]);
  });
  it('wait while paused', () => {
    const { chat, timer } = aSandbox();
    const listener = chat('slow', { stream: true, max_tokens: 10 });
    timer.until(2_150);
    listener.call?.pause();
    const length = listener.text.length;
    timer.until(10_000);
    expect(listener.text.length).toBe(length);
    listener.call?.resume();
    timer.until(20_000);
    expect([listener.ended, textOf(eventsOf(openaiChat, listener.text)).split(' ').length]).toEqual([true, 10]);
  });
  it('the same request gives the same bytes', () => {
    const bytes = [1, 2].map(() => {
      const { chat, timer } = aSandbox();
      const listener = chat('tools', { stream: true, tools: [{ type: 'function', function: { name: 't' } }] });
      timer.until(1);
      return listener.text;
    });
    expect(bytes[0]).toBe(bytes[1]);
  });
});

describe('the other protocols', () => {
  it('Anthropic’s, by its path', () => {
    const { send, timer } = aSandbox();
    const body = { model: 'echo', max_tokens: 50, messages: [{ role: 'user', content: 'Hi you' }] };
    const whole = send('http://sandbox.invalid/v1/messages', body);
    const stream = send('http://sandbox.invalid/v1/messages', { ...body, stream: true });
    const failed = send('http://sandbox.invalid/v1/messages', { ...body, model: 'error-429' });
    timer.until(1);
    expect(JSON.parse(whole.text)).toMatchObject({
      type: 'message',
      content: [{ type: 'text', text: 'Hi you' }],
      stop_reason: 'end_turn',
      usage: { input_tokens: 2, output_tokens: 2 },
    });
    const events = eventsOf(anthropicMessages, stream.text);
    expect([textOf(events), events.at(-1)?.type]).toEqual(['Hi you', 'end']);
    expect([failed.status, JSON.parse(failed.text)]).toMatchObject([429, { type: 'error', error: { type: 'rate_limit_error' } }]);
  });
  it('Gemini’s, with model and stream in the path', () => {
    const { send, timer } = aSandbox();
    const body = { contents: [{ role: 'user', parts: [{ text: 'Hi you' }] }] };
    const whole = send('http://sandbox.invalid/v1beta/models/echo:generateContent', body);
    const stream = send('http://sandbox.invalid/v1beta/models/reasoning:streamGenerateContent?alt=sse', body);
    timer.until(1);
    expect(JSON.parse(whole.text)).toMatchObject({
      candidates: [{ content: { parts: [{ text: 'Hi you' }] }, finishReason: 'STOP' }],
      usageMetadata: { promptTokenCount: 2, candidatesTokenCount: 2 },
    });
    const events = eventsOf(geminiGenerate, stream.text);
    expect([textOf(events), events.at(-1)?.type, events.some((event) => event.type === 'reasoning-delta')]).toEqual(['Hi you', 'end', true]);
  });
});
