import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { eventsOfWire, grammarFaults } from '../contract/openai-responses.grammar.js';
import { Testbed } from '../support/testbed.js';
import { answers, fails } from '../support/upstream-simulator/index.js';

type Json = Record<string, unknown>;

const SHAPES = join(__dirname, '../../../shared/clients/inbound-shapes.json');
const DEADLINE_MS = 60_000;

interface Shape {
  method: string;
  url: string;
  bodyKeys: Json;
  tools: string[];
  messageShape: [string, string[] | 'NoneType'][];
}

describe('the Responses API of the running gateway', () => {
  let bed: Testbed;
  let full: string;

  beforeAll(async () => {
    bed = await Testbed.start();
    full = (await bed.key({ policy: { store: 'full' } })).key;
  }, DEADLINE_MS);

  afterAll(() => bed.stop());

  const call = async (path: string, body?: Json, options: { key?: string; headers?: Record<string, string>; method?: string } = {}) => {
    const answer = await fetch(`${bed.gateway.url}/v1/${path}`, {
      method: options.method ?? (body === undefined ? 'GET' : 'POST'),
      headers: {
        authorization: `Bearer ${options.key ?? bed.tenant.key}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...options.headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(DEADLINE_MS),
    });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, text, json: () => JSON.parse(text) as Json };
  };

  it(
    "serves OpenAI's own client, unmodified",
    async () => {
      const { NODE_OPTIONS: _jest, ...environment } = process.env;
      const env = { ...environment, OG_URL: bed.gateway.url, OG_API_KEY: bed.gateway.bootstrap.demo_key ?? '' };
      const child = spawn(process.execPath, [resolve(__dirname, '../clients/openai-responses.mjs')], { env, stdio: ['ignore', 'pipe', 'pipe'] });
      let output = '';
      child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
      child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
      const code = await new Promise((settle) => child.once('close', settle));
      expect({ code, output: output.trim() }).toEqual({ code: 0, output: expect.stringMatching(/^\d+ checks$/) });
    },
    DEADLINE_MS,
  );

  it('tells a translated stream in the grammar of a response: thought, text and parallel tools', async () => {
    const toolCalls = [
      { id: 'call_a', name: 'look', arguments: { q: 1 } },
      { id: 'call_b', name: 'look', arguments: { q: 2 } },
    ];
    const model = await bed.model('everything', { solo: answers({ text: 'two words', reasoning: 'hm hm', toolCalls }) });
    const { status, headers, text } = await call('responses', { model, input: 'x', stream: true, tools: [{ type: 'function', name: 'look' }] });
    expect([status, headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8']);
    const events = eventsOfWire(text);
    const last = events.at(-1)?.data['response'] as Json;
    expect(grammarFaults(events, { id: String(last['id']), model })).toEqual([]);
    expect((last['output'] as Json[]).map((item) => item['type'])).toEqual(['reasoning', 'message', 'function_call', 'function_call']);
    expect((last['output'] as Json[]).flatMap((item) => item['call_id'] ?? [])).toEqual(['call_a', 'call_b']);
    expect(typeof (last['usage'] as Json)['cost']).toBe('number');
  });

  it('ends a stream that broke with response.failed, and a rate limit with the time to wait', async () => {
    const cut = await bed.model('cut', { solo: answers({ tokens: 20 }, { die: { how: 'fin', afterPieces: 3 } }) });
    const events = eventsOfWire((await call('responses', { model: cut, input: 'x', stream: true })).text);
    const last = events.at(-1)?.data as { type: string; response: { id: string; error: Json } };
    expect(last.type).toBe('response.failed');
    expect(last.response.error['code']).toBe('server_error');
    expect(grammarFaults(events, { id: last.response.id, model: cut })).toEqual([]);

    const limited = await bed.model('limited', {
      solo: answers({ tokens: 5, error: { afterPieces: 2, status: 429, code: 'rate_limit_exceeded', message: 'slow down' } }),
    });
    const end = eventsOfWire((await call('responses', { model: limited, input: 'x', stream: true })).text).at(-1)?.data['response'] as Json;
    expect(end['error']).toEqual({ code: 'rate_limit_exceeded', message: expect.stringMatching(/Please try again in \d+\.\d\ds\.$/) });
  });

  it('answers errors before the first byte with their status, streaming or not', async () => {
    const model = await bed.model('broken', { solo: fails(400, { message: 'no such thing', code: 'invalid_request_error' }) });
    for (const stream of [true, false]) {
      const { status, json } = await call('responses', { model, input: 'x', stream });
      expect([status, (json()['error'] as Json)['code']]).toEqual([400, 'invalid_request']);
    }
  });

  it('reaches upstreams of another protocol with the whole request', async () => {
    const model = await bed.model('asked', { solo: answers('ok') });
    const { status } = await call('responses', {
      model,
      instructions: 'Be brief.',
      input: [
        { role: 'developer', content: [{ type: 'input_text', text: 'dev' }] },
        {
          role: 'user',
          content: [
            { type: 'input_text', text: 'look' },
            { type: 'input_image', image_url: 'data:image/png;base64,AAAA' },
          ],
        },
        { type: 'reasoning', id: 'rs_1', summary: [{ type: 'summary_text', text: 'hm' }], encrypted_content: 'sealed' },
        { type: 'function_call', call_id: 'c1', name: 'f', arguments: '{"a":1}' },
        { type: 'function_call_output', call_id: 'c1', output: 'result' },
      ],
      tools: [{ type: 'function', name: 'f', parameters: { type: 'object', properties: {} } }, { type: 'web_search' }],
      tool_choice: { type: 'function', name: 'f' },
      text: { format: { type: 'json_schema', name: 'n', schema: { type: 'object' } }, verbosity: 'low' },
      max_output_tokens: 50,
    });
    expect(status).toBe(200);
    const sent = bed.asked('asked').at(-1)?.json as Json;
    expect((sent['messages'] as Json[]).map((message) => message['role'])).toEqual(['system', 'developer', 'user', 'assistant', 'tool']);
    expect(sent).toMatchObject({
      tool_choice: { type: 'function', function: { name: 'f' } },
      response_format: { type: 'json_schema' },
      verbosity: 'low',
      max_tokens: 50,
    });
    expect((sent['tools'] as Json[]).length).toBe(1);
  });

  it('keeps nothing without store: full, and says so', async () => {
    const kept = await call('responses', { model: 'sandbox/echo', input: 'x', store: true });
    expect(kept.headers.get('x-og-params')).toContain('store=dropped');
    expect(kept.json()['store']).toBe(false);
    expect((await call(`responses/${String(kept.json()['id'])}`)).status).toBe(404);
    const refused = await call('responses', { model: 'sandbox/echo', input: 'x', previous_response_id: 'resp_1' });
    expect([refused.status, (refused.json()['error'] as Json)['code'], (refused.json()['error'] as Json)['param']]).toEqual([
      400,
      'store_disabled',
      'previous_response_id',
    ]);
    const narrowed = await call('responses', { model: 'sandbox/echo', input: 'x' }, { key: full, headers: { 'x-og-store': 'metadata' } });
    expect((await call(`responses/${String(narrowed.json()['id'])}`, undefined, { key: full })).status).toBe(404);
  });

  it('shows what is kept to its organization only, and goes on from it with any provider', async () => {
    const first = (await call('responses', { model: 'sandbox/echo', input: 'one' }, { key: full })).json();
    const id = String(first['id']);
    const stranger = await bed.operator.tenant({ creditUsd: '1', key: { policy: { store: 'full' } } });
    expect((await call(`responses/${id}`, undefined, { key: stranger.key })).status).toBe(404);
    expect((await call(`responses/${id}`, undefined, { key: stranger.key, method: 'DELETE' })).status).toBe(404);
    expect((await call('responses', { model: 'sandbox/echo', input: 'x', previous_response_id: id }, { key: stranger.key })).status).toBe(404);
    const model = await bed.model('history', { solo: answers('three') });
    const next = await call('responses', { model, input: 'two', previous_response_id: id, stream: true }, { key: full });
    expect(next.status).toBe(200);
    const sent = bed.asked('history').at(-1)?.json as Json;
    expect((sent['messages'] as Json[]).map((message) => message['role'])).toEqual(['user', 'assistant', 'user']);
    const last = eventsOfWire(next.text).at(-1)?.data['response'] as Json;
    expect(last['previous_response_id']).toBe(id);
    expect((await call(`responses/${String(last['id'])}`, undefined, { key: full })).json()['output']).toEqual(last['output']);
  });

  it('passes the native lane on whole: unknown members and items, both ways', async () => {
    const body = {
      id: 'resp_upstream',
      object: 'response',
      status: 'completed',
      model: 'x',
      novel: { kept: true },
      output: [
        { type: 'novel_item', id: 'ni_1', deep: [1, { a: 2 }] },
        { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'sealed' },
        { type: 'message', id: 'msg_1', role: 'assistant', status: 'completed', content: [{ type: 'output_text', text: 'native', annotations: [], novel: 1 }] },
      ],
      usage: { input_tokens: 5, input_tokens_details: { cached_tokens: 2 }, output_tokens: 3, output_tokens_details: { reasoning_tokens: 1 }, total_tokens: 8 },
    };
    const model = await nativeModel(bed, 'native', { content: { kind: 'body', body } });
    const input = [
      { role: 'user', content: 'x' },
      { type: 'novel_item', z: 1 },
      { type: 'reasoning', id: 'rs_ogA', summary: [], encrypted_content: 'og-sig.anthropic-messages.s' },
    ];
    const answer = await call('responses', { model, input, novel_option: { a: 1 } });
    expect(answer.status).toBe(200);
    expect(answer.json()).toMatchObject({ novel: { kept: true }, output: body.output, model, usage: { input_tokens: 5, output_tokens: 3, total_tokens: 8 } });
    expect(String(answer.json()['id'])).not.toBe('resp_upstream');
    const request = bed.simulator.requests.find(({ json: sent }) => (sent as Json | undefined)?.['model'] === 'native.solo');
    expect(request?.url).toContain('/responses');
    expect(request?.json).toEqual({ model: 'native.solo', input: input.slice(0, 2), novel_option: { a: 1 } });
  });

  it('passes a native stream on event by event', async () => {
    const frames: Json[] = [
      { type: 'response.created', response: { id: 'up', model: 'x', output: [], novel: 1 } },
      { type: 'response.output_item.added', output_index: 0, item: { id: 'msg_1', type: 'message', role: 'assistant', content: [] } },
      { type: 'response.output_text.delta', item_id: 'msg_1', output_index: 0, content_index: 0, delta: '한국어 👋', logprobs: [], obfuscation: 'zz' },
      { type: 'response.novel_event', output_index: 0, any: { thing: [1] } },
      {
        type: 'response.output_item.done',
        output_index: 0,
        item: { id: 'msg_1', type: 'message', role: 'assistant', content: [{ type: 'output_text', text: '한국어 👋' }] },
      },
      {
        type: 'response.completed',
        response: { id: 'up', status: 'completed', model: 'x', output: [{ id: 'msg_1' }], usage: { input_tokens: 7, output_tokens: 2, total_tokens: 9 } },
      },
    ].map((frame, at) => ({ ...frame, sequence_number: at }));
    const body = frames.map((frame) => `event: ${String(frame['type'])}\ndata: ${JSON.stringify(frame)}\n\n`).join('');
    const model = await nativeModel(bed, 'streamed', { content: { kind: 'body', body }, contentType: 'text/event-stream', cut: 'bytes' });
    const answer = await call('responses', { model, input: 'x', stream: true });
    const events = eventsOfWire(answer.text);
    const last = events.at(-1)?.data['response'] as Json;
    expect(grammarFaults(events, { id: String(last['id']), model, native: true })).toEqual([]);
    expect(events.slice(1, -1).map(({ data }) => data)).toEqual(frames.slice(1, -1));
    expect(events[0]?.data['response']).toMatchObject({ novel: 1, model });
    expect(last).toMatchObject({ output: [{ id: 'msg_1' }], usage: { input_tokens: 7, output_tokens: 2, total_tokens: 9 } });
  });

  it("lists the key's models in Codex's shape, with an etag", async () => {
    const { key } = await bed.key({ policy: { models: { allow: ['sandbox/echo', 'sandbox/reasoning'] } } });
    const list = await call('models?client_version=0.169.0', undefined, { key });
    const models = list.json()['models'] as Json[];
    expect(models.map((model) => model['slug'])).toEqual(['sandbox/echo', 'sandbox/reasoning']);
    expect(models[1]).toMatchObject({
      shell_type: 'shell_command',
      visibility: 'list',
      supports_reasoning_summaries: true,
      truncation_policy: { mode: 'bytes' },
    });
    const again = await call('models?client_version=0.169.0', undefined, { key, headers: { 'if-none-match': String(list.headers.get('etag')) } });
    expect(again.status).toBe(304);
  });

  it('counts tokens for free, as the policy allows', async () => {
    const body = { model: 'sandbox/echo', messages: [{ role: 'user', content: 'How many tokens is this sentence?' }] };
    const { status, headers, json } = await call('messages/count_tokens', body);
    expect([status, headers.get('x-og-estimated')]).toEqual([200, 'true']);
    expect(json()).toEqual({ input_tokens: expect.any(Number) });
    const { key } = await bed.key({ limits: { rpm: 1 }, policy: { models: { allow: ['sandbox/echo'] } } });
    for (let round = 0; round < 3; round += 1) expect((await call('messages/count_tokens', body, { key })).status).toBe(200);
    const refused = await call('messages/count_tokens', { ...body, model: 'sandbox/lorem' }, { key });
    expect([refused.status, refused.json()['type']]).toEqual([403, 'error']);
  });

  (existsSync(SHAPES) ? it : it.skip)('takes what Codex sends (its shapes stand beside the repository)', async () => {
    const shapes = JSON.parse(readFileSync(SHAPES, 'utf8')) as Record<string, Shape[]>;
    const calls = Object.entries(shapes).flatMap(([name, list]) => (name.startsWith('codex') ? list.filter(({ method }) => method === 'POST') : []));
    expect(calls.length).toBeGreaterThan(0);
    const model = await bed.model('codex', { solo: answers('hello') });
    for (const shape of calls) {
      const { status, text } = await call('responses', { ...bodyOf(shape), model });
      expect({ status, end: eventsOfWire(text).at(-1)?.data['type'] }).toEqual({ status: 200, end: 'response.completed' });
    }
  });
});

/** A model whose upstream speaks this very protocol. */
async function nativeModel(bed: Testbed, name: string, behaviour: Parameters<typeof bed.simulator.on>[1]): Promise<string> {
  const id = await bed.model(name, { solo: behaviour }, { serve: [{ provider: 'solo', model: `${name}.solo`, protocol: 'openai-responses' }] });
  return id;
}

/** A body of a recorded shape, with words of ours. */
function bodyOf({ bodyKeys, tools, messageShape }: Shape): Json {
  const fill: Record<string, unknown> = { str: 'text', dict: { key: 'value' } };
  const body = Object.fromEntries(Object.entries(bodyKeys).map(([key, value]) => [key, typeof value === 'string' && value in fill ? fill[value] : value]));
  return {
    ...body,
    tools: tools.map((name) =>
      name === 'web_search' ? { type: name } : { type: 'function', name, description: 'd', strict: false, parameters: { type: 'object', properties: {} } },
    ),
    input: messageShape.map(([role, parts]) => itemOf(role, parts)),
  };
}

function itemOf(role: string, parts: string[] | 'NoneType'): Json {
  if (role === 'function_call') return { type: role, call_id: 'c1', name: 'exec_command', arguments: '{}' };
  if (role === 'function_call_output') return { type: role, call_id: 'c1', output: 'done' };
  return { type: 'message', role, content: (parts as string[]).map((type) => ({ type, text: 'words' })) };
}
