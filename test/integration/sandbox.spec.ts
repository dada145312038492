/** CONTRACT section 7 through the whole gateway: every model, streaming and not, what it costs, and what it never touches. */
import { ChatClient, user, type ChatAnswer } from '../support/chat-client.js';
import { startGatewayProcess, type GatewayProcess } from '../support/gateway-process.js';
import { Operator } from '../support/operator.js';

const TIMEOUT_MS = 90_000;
const TOOL = { type: 'function', function: { name: 'weather', parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] } } };
const SCHEMA = {
  type: 'object',
  properties: { kind: { enum: ['a', 'b'] }, count: { type: 'integer', minimum: 3 } },
  required: ['kind', 'count'],
  additionalProperties: false,
};

type Chunk = {
  choices: { delta: Record<string, unknown>; finish_reason: string | null }[];
  usage?: Record<string, unknown> | null;
  error?: Record<string, unknown>;
};

function chunksOf(answer: ChatAnswer): Chunk[] {
  return answer.text
    .split('\n\n')
    .filter((frame) => frame.startsWith('data: {'))
    .map((frame) => JSON.parse(frame.slice(6)) as Chunk);
}

const textOf = (chunks: Chunk[]): string => chunks.map(({ choices }) => (choices[0]?.delta['content'] as string | undefined) ?? '').join('');

describe('the sandbox models', () => {
  let gateway: GatewayProcess;
  let client: ChatClient;
  let operator: Operator;
  const chat = (model: string, more: Record<string, unknown> = {}): Promise<ChatAnswer> =>
    client.chat({ model: `sandbox/${model}`, messages: user('Hello sandbox'), ...more });
  const message = (answer: ChatAnswer): Record<string, any> => (answer.json as { choices: { message: Record<string, any> }[] }).choices[0]!.message;

  beforeAll(async () => {
    gateway = await startGatewayProcess();
    client = new ChatClient(gateway.url, gateway.bootstrap.demo_key as string);
    operator = new Operator(gateway);
  }, TIMEOUT_MS);

  afterAll(() => gateway?.remove(), TIMEOUT_MS);

  it('echo repeats and counts by the documented rule, and the ledger charges just that', async () => {
    const answer = await chat('echo');
    expect([answer.status, message(answer)['content']]).toEqual([200, 'Hello sandbox']);
    expect(answer.json['usage']).toMatchObject({ prompt_tokens: 2, completion_tokens: 2, total_tokens: 4 });
    expect(Number(answer.headers['x-og-cost-usd'])).toBeCloseTo((2 * 0.5 + 2 * 1.5) / 1e6, 12);
    const streamed = await chat('echo', { stream: true, stream_options: { include_usage: true } });
    expect([textOf(chunksOf(streamed)), streamed.text.trimEnd().endsWith('data: [DONE]')]).toEqual(['Hello sandbox', true]);
    expect(chunksOf(streamed).at(-1)?.usage).toMatchObject({ prompt_tokens: 2, completion_tokens: 2 });
  });

  it('lorem writes as many words as max_tokens says', async () => {
    for (const stream of [false, true]) {
      const answer = await chat('lorem', { max_tokens: 7, stream });
      const text = stream ? textOf(chunksOf(answer)) : (message(answer)['content'] as string);
      expect(text.split(' ')).toHaveLength(7);
    }
  });

  it('tools, json and reasoning do what they are for', async () => {
    expect(message(await chat('tools', { tools: [TOOL] }))['tool_calls'][0].function).toEqual({ name: 'weather', arguments: '{"city":"Hello sandbox"}' });
    const filled = await chat('json', { response_format: { type: 'json_schema', json_schema: { name: 's', strict: true, schema: SCHEMA } } });
    expect(JSON.parse(message(filled)['content'] as string)).toEqual({ kind: 'a', count: 3 });
    const thought = await chat('reasoning');
    expect([typeof message(thought)['reasoning_content'], message(thought)['content']]).toEqual(['string', 'Hello sandbox']);
  });

  it.each([
    ['error-429', 429],
    ['error-500', 500],
    ['error-401', 401],
    ['error-context', 400],
  ])('%s answers that very status, marked, in our envelope, streaming or not, and costs nothing', async (model, status) => {
    for (const stream of [false, true]) {
      const answer = await chat(model, { stream });
      expect([answer.status, answer.headers['x-og-simulated'], answer.headers['x-og-attempts']]).toEqual([status, 'true', '1']);
      expect(Object.keys(answer.json['error'] as object)).toEqual(expect.arrayContaining(['message', 'type', 'param', 'code', 'request_id']));
      const record = await operator.request(String(answer.headers['x-request-id']));
      expect([record['status'], record['cost_usd'], record['state']]).toEqual([status, '0', 'failed']);
    }
  });

  it('flaky succeeds on its second attempt, and only that is charged', async () => {
    for (const stream of [false, true]) {
      const answer = await chat('flaky', { stream });
      expect([answer.status, answer.headers['x-og-attempts']]).toEqual([200, '2']);
      const record = await operator.request(String(answer.headers['x-request-id']));
      expect((record['attempts'] as Record<string, unknown>[]).map(({ kind, outcome, status }) => [kind, outcome, status])).toEqual([
        ['first', 'error', 503],
        ['retry', 'ok', 200],
      ]);
      expect(record['cost_usd']).toBe('0.000004');
    }
  });

  it('stream-cut ends with an error in the stream and never with [DONE]', async () => {
    const answer = await chat('stream-cut', { stream: true });
    expect([answer.status, answer.text.includes('[DONE]'), textOf(chunksOf(answer)).split(' ').length]).toEqual([200, false, 8]);
    expect(chunksOf(answer).at(-1)?.error).toMatchObject({ code: 'upstream_interrupted' });
    const whole = await chat('stream-cut');
    expect([whole.status, (whole.json['error'] as Record<string, unknown>)['code']]).toEqual([502, 'upstream_error']);
  });

  it(
    'stream-stall ends at the idle deadline, slow keeps its pace and can be left',
    async () => {
      const stalled = chat('stream-stall', { stream: true });
      const slow = await client.open({ model: 'sandbox/slow', stream: true, messages: user('x') });
      await new Promise<void>((resolve) => slow.response.on('data', (chunk: Buffer) => chunk.toString().includes('Lorem') && resolve()));
      slow.request.destroy();
      const record = await operator.request(String(slow.response.headers['x-request-id']));
      expect(record['state']).toBe('canceled');
      const answer = await stalled;
      expect(chunksOf(answer).at(-1)?.error).toMatchObject({ code: 'upstream_timeout', message: expect.stringContaining('idle') });
      expect(answer.text).not.toContain('[DONE]');
    },
    TIMEOUT_MS,
  );

  it('none of it touched health, and the books are even', async () => {
    const { data } = (await operator.get('providers/health')) as { data: Record<string, unknown>[] };
    expect(data.every((report) => report['kept'] === false && report['circuit'] === 'closed' && report['last_error'] === null)).toBe(true);
    const verified = await operator.eventually(
      () => operator.get('ledger/verify'),
      5_000,
      (answer) => answer['open_holds'] === 0,
    );
    expect(verified).toMatchObject({ ok: true, drift_nano_usd: 0, open_holds: 0 });
  });
});
