import { user } from '../support/chat-client.js';
import { framesOf, Testbed, textOf } from '../support/testbed.js';
import { answers } from '../support/upstream-simulator/index.js';

jest.setTimeout(60_000);

/** CONTRACT section 6, soft commit: the one place where tests must wait for real seconds, so all of them wait together. */
describe('a provider that is silent for more than 15 s', () => {
  let bed: Testbed;

  beforeAll(async () => {
    bed = await Testbed.start();
    const late = 16_500;
    await bed.declare([
      { name: 'thinking', served: { solo: answers({ text: 'at last', firstAfterMs: late }) } },
      { name: 'dying', served: { first: answers('x', { headersAfterMs: late, die: { how: 'rst', atByte: 0 } }), second: answers('somebody else') } },
      { name: 'lost', served: { solo: answers('x', { headersAfterMs: late, die: { how: 'rst', atByte: 0 } }) } },
      { name: 'plain', served: { solo: answers('at last', { headersAfterMs: late }) } },
    ]);
  });
  afterAll(() => bed?.stop());

  interface Heard {
    status: number | undefined;
    headers: Record<string, unknown>;
    firstMs: number;
    text: string;
  }

  async function listen(model: string, stream: boolean): Promise<Heard> {
    const startedMs = performance.now();
    const { response } = await bed.client.open({ model, stream, stream_options: stream ? { include_usage: true } : undefined, max_tokens: 100, messages: user('Hello') });
    const heard: Heard = { status: response.statusCode, headers: response.headers, firstMs: 0, text: '' };
    for await (const chunk of response) {
      if (heard.firstMs === 0) heard.firstMs = performance.now() - startedMs;
      heard.text += (chunk as Buffer).toString('utf8');
    }
    return heard;
  }

  it('a stream is kept alive by comments, may still be served by another, and fails in-band; one JSON answer waits', async () => {
    const [thinking, dying, lost, plain] = await Promise.all([listen('t/thinking', true), listen('t/dying', true), listen('t/lost', true), listen('t/plain', false)]);
    for (const heard of [thinking, dying, lost]) {
      expect([heard.status, heard.headers['content-type'], heard.text.startsWith(':')]).toEqual([200, 'text/event-stream; charset=utf-8', true]);
      expect(heard.firstMs).toBeGreaterThan(14_000);
      expect(heard.firstMs).toBeLessThan(16_400);
    }
    expect([textOf(framesOf(thinking.text)), framesOf(thinking.text).at(-1)]).toEqual(['at last', { done: true }]);

    const frames = framesOf(dying.text);
    expect([textOf(frames), frames.at(-1)]).toEqual(['somebody else', { done: true }]);
    expect(dying.headers).toMatchObject({ 'x-og-provider': 'first' });
    expect(frames.at(-2)).toMatchObject({ choices: [], usage: { cost: expect.any(Number) }, og: { provider: 'second', attempts: 2 } });

    expect(framesOf(lost.text).at(-1)).toMatchObject({ error: { code: expect.stringMatching(/^upstream_/), type: 'upstream_error' }, choices: [{ index: 0, finish_reason: 'error' }], og: { provider: 'solo', attempts: expect.any(Number) } });
    expect(lost.text).not.toContain('[DONE]');

    expect([plain.status, plain.headers['content-type']]).toEqual([200, 'application/json']);
    expect(JSON.parse(plain.text)).toMatchObject({ choices: [{ message: { content: 'at last' } }] });
    expect(await bed.settled()).toMatchObject({ ok: true, drift_nano_usd: 0 });
  });
});
