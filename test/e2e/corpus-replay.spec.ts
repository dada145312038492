import { startGatewayProcess, type GatewayProcess } from '../support/gateway-process.js';
import { expectedAnswer, expectedStatuses, parsed, type ClientAnswer } from '../support/corpus-expectation.js';
import { Operator } from '../support/operator.js';
import { Corpus, UpstreamSimulator, type Exchange } from '../support/upstream-simulator/index.js';

/**
 * Every recorded chat exchange through the running gateway, over real sockets: an upstream on loopback answers with the
 * recording, cut at odd places; a client of `/v1/chat/completions` (and of the recorded protocol, where that is Anthropic's)
 * must get what was recorded.
 */
const APIS = {
  'openai.chat': 'openai-chat',
  'anthropic.messages': 'anthropic-messages',
  'gemini.generateContent': 'gemini-generate',
  'bedrock.converse': 'bedrock-converse',
  'cohere.chat.v2': 'cohere-chat',
  'ollama.chat': 'ollama-chat',
} as const;
/** Providers that have a definition of their own for what they speak here; any other of the OpenAI family is an `openai-compatible` one. */
const TYPES: Readonly<Record<string, string>> = {
  openai: 'openai',
  groq: 'groq',
  deepseek: 'deepseek',
  mistral: 'mistral',
  openrouter: 'openrouter',
  xai: 'xai',
  'azure-openai': 'azure-openai',
  vertex: 'vertex',
  bedrock: 'bedrock',
  cohere: 'cohere',
  perplexity: 'perplexity',
  together: 'together',
  moonshot: 'moonshot',
  alibaba: 'alibaba',
  cerebras: 'cerebras',
  llamacpp: 'llamacpp',
};
/** Types that speak a protocol whichever provider was recorded. */
const PROTOCOL_TYPES: Readonly<Record<string, string>> = { 'anthropic-messages': 'anthropic', 'gemini-generate': 'gemini', 'ollama-chat': 'ollama' };
const TIMEOUT_MS = 240_000;
const PARALLEL = 16;

type Json = Record<string, unknown>;
type Api = keyof typeof APIS;

const corpus = Corpus.find();
const exchanges = corpus === null ? [] : (Object.keys(APIS) as Api[]).flatMap((api) => corpus.list(api).map((entry) => corpus.read(entry)));

(corpus === null ? describe.skip : describe)('recorded traffic through the running gateway', () => {
  let gateway: GatewayProcess;
  let simulator: UpstreamSimulator;

  beforeAll(async () => {
    simulator = (await UpstreamSimulator.start()).replay(corpus as Corpus);
    gateway = await startGatewayProcess();
    await new Operator(gateway).apply(documentFor(simulator));
  }, TIMEOUT_MS);

  afterAll(async () => {
    await gateway?.remove();
    await simulator?.stop();
  });

  it.each(Object.keys(APIS) as Api[])(
    '%s, asked by a client of chat completions',
    async (api) => {
      const misses = await score(
        exchanges.filter((exchange) => exchange.api === api),
        (exchange) => replay(gateway, exchange),
      );
      report(api, misses);
      expect(misses.missed).toEqual([]);
    },
    TIMEOUT_MS,
  );

  it(
    'anthropic.messages, asked by a client of messages: frames and blocks survive as they were recorded',
    async () => {
      const misses = await score(
        exchanges.filter(
          (exchange) =>
            exchange.api === 'anthropic.messages' &&
            exchange.response.status === 200 &&
            exchange.expect !== null &&
            typeof exchange.request.body === 'object' &&
            exchange.request.body !== null,
        ),
        (exchange) => replayMessages(gateway, exchange),
      );
      report('anthropic.messages natively', misses);
      expect(misses.missed).toEqual([]);
    },
    TIMEOUT_MS,
  );
});

function documentFor(simulator: UpstreamSimulator): Json {
  const providers = new Map<string, Json>();
  const models: Json[] = [];
  for (const exchange of exchanges) {
    const protocol = APIS[exchange.api as Api];
    const id = `${exchange.provider}-${protocol}`;
    const type = PROTOCOL_TYPES[protocol] ?? TYPES[exchange.provider] ?? 'openai-compatible';
    const base_url = protocol === 'openai-chat' ? simulator.baseUrl(protocol) : simulator.origin;
    providers.set(id, { id, type: type === 'gemini' ? (TYPES[exchange.provider] ?? type) : type, base_url, credentials: [credentialFor(type)], health: 'off' });
    models.push({ id: `replay/${exchange.id}`, serve: [{ provider: id, model: exchange.id }], price: { input: '1', output: '2' } });
  }
  return { version: 1, providers: [...providers.values()], models };
}

function credentialFor(type: string): Json {
  if (type !== 'bedrock') return { id: 'main', key: 'test-key' };
  return { id: 'main', access_key_id: 'AKIDEXAMPLE', secret_access_key: 'secret-example', region: 'us-east-1' };
}

interface Score {
  total: number;
  missed: string[];
}

async function score(list: readonly Exchange[], replayOne: (exchange: Exchange) => Promise<string[]>): Promise<Score> {
  const missed: string[] = [];
  const queue = [...list];
  const work = async (): Promise<void> => {
    for (let exchange = queue.pop(); exchange !== undefined; exchange = queue.pop()) {
      const faults = await replayOne(exchange).catch((error: unknown) => [String(error)]);
      if (faults.length > 0) missed.push(`${exchange.id} (${exchange.provider}): ${faults.join('; ')}`);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
  return { total: list.length, missed };
}

function report(name: string, { total, missed }: Score): void {
  process.stdout.write(`corpus ${name}: ${total - missed.length} of ${total}\n`);
}

async function replay(gateway: GatewayProcess, exchange: Exchange): Promise<string[]> {
  const { stream } = exchange;
  const body = {
    model: `replay/${exchange.id}`,
    messages: [{ role: 'user', content: 'replay' }],
    stream,
    ...(stream ? { stream_options: { include_usage: true } } : {}),
    ...countOf(exchange),
  };
  const answer = await post(gateway, '/v1/chat/completions', body);
  if (exchange.response.status >= 400) return faultsOfError(answer, exchange);
  const text = await answer.text();
  if (exchange.expect === null || exchange.expect.streamError != null || isErrorInside200(exchange)) return faultsOfBroken(answer.status, text);
  if (answer.status !== 200) return [`status ${answer.status}: ${text.slice(0, 300)}`];
  return stream ? faultsOfStream(text, exchange) : compare(answerOfChoice(JSON.parse(text) as Json), exchange);
}

/** Azure reports filtered content as an error body under status 200. */
function isErrorInside200(exchange: Exchange): boolean {
  return (
    typeof exchange.response.body === 'object' && exchange.response.body !== null && 'error' in exchange.response.body && exchange.response.body.error != null
  );
}

function countOf(exchange: Exchange): Json {
  const n = (exchange.request.body as Json | null)?.['n'];
  return typeof n === 'number' && n > 1 ? { n } : {};
}

function post(gateway: GatewayProcess, path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(gateway.url + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${gateway.bootstrap.demo_key ?? ''}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(30_000),
  });
}

async function faultsOfError(answer: Response, exchange: Exchange): Promise<string[]> {
  const text = await answer.text();
  const error = ((parsed(text) as Json)['error'] ?? {}) as Json;
  const faults: string[] = [];
  if (!expectedStatuses(exchange.response.status).includes(answer.status))
    faults.push(`status ${answer.status} for the provider's ${exchange.response.status}: ${text.slice(0, 200)}`);
  for (const key of ['message', 'type', 'param', 'code']) if (!(key in error)) faults.push(`no error.${key}`);
  if (typeof error['code'] !== 'string') faults.push('code is not a string');
  return faults;
}

/** A recorded in-stream error or cut is an error to the client, and never a normal end. */
function faultsOfBroken(status: number, text: string): string[] {
  if (status >= 400) return [];
  const faults: string[] = [];
  if (!text.includes('"error"')) faults.push(`no error in ${text.slice(-200)}`);
  if (text.includes('[DONE]')) faults.push('[DONE] after a broken stream');
  return faults;
}

function faultsOfStream(text: string, exchange: Exchange): string[] {
  const frames = text.split('\n\n').filter((frame) => frame.startsWith('data: '));
  const faults: string[] = [];
  if (frames.at(-1) !== 'data: [DONE]') return [`does not end with [DONE]: ${text.slice(-300)}`];
  const chunks = frames.slice(0, -1).map((frame) => JSON.parse(frame.slice(6)) as Json & { choices: Json[] });
  if (new Set(chunks.map((chunk) => chunk['id'])).size !== 1) faults.push('more than one id');
  const finishes = chunks.flatMap((chunk) => chunk.choices.filter((choice) => choice['finish_reason'] != null).map((choice) => choice['index']));
  if (new Set(finishes).size !== finishes.length || finishes.length === 0) faults.push(`finish reasons: ${JSON.stringify(finishes)}`);
  return [...faults, ...compare(answerOfChunks(chunks), exchange)];
}

function usageOf(usage: unknown): ClientAnswer['usage'] {
  if (usage === null || usage === undefined) return null;
  const json = usage as Json;
  return {
    prompt: Number(json['prompt_tokens']),
    completion: Number(json['completion_tokens']),
    total: Number(json['total_tokens']),
    cached: Number(((json['prompt_tokens_details'] ?? {}) as Json)['cached_tokens'] ?? 0),
  };
}

interface ToolCall {
  index?: number;
  function?: { name?: string; arguments?: string };
}

function answerOfChoice(body: Json): ClientAnswer {
  const choice = ((body['choices'] as Json[])[0] ?? {}) as Json;
  const message = (choice['message'] ?? {}) as Json;
  return {
    text: textOf(message['content']),
    reasoning: String(message['reasoning_content'] ?? ''),
    toolCalls: ((message['tool_calls'] ?? []) as ToolCall[]).map((call) => ({
      name: call.function?.name ?? '',
      arguments: parsed(call.function?.arguments ?? ''),
    })),
    finish: (choice['finish_reason'] as string | null) ?? null,
    usage: usageOf(body['usage']),
  };
}

function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  return Array.isArray(content) ? content.map((part: Json) => (typeof part['text'] === 'string' ? part['text'] : '')).join('') : '';
}

function answerOfChunks(chunks: readonly (Json & { choices: Json[] })[]): ClientAnswer {
  const answer: ClientAnswer = { text: '', reasoning: '', toolCalls: [], finish: null, usage: null };
  const calls: { name: string; text: string }[] = [];
  for (const chunk of chunks) {
    answer.usage = usageOf(chunk['usage']) ?? answer.usage;
    const choice = chunk.choices.find((candidate) => candidate['index'] === 0);
    const delta = (choice?.['delta'] ?? {}) as Json;
    answer.text += textOf(delta['content']);
    answer.reasoning += String(delta['reasoning_content'] ?? '');
    answer.finish = (choice?.['finish_reason'] as string | null) ?? answer.finish;
    for (const call of (delta['tool_calls'] ?? []) as ToolCall[]) {
      const known = (calls[call.index ?? 0] ??= { name: '', text: '' });
      known.name += call.function?.name ?? '';
      known.text += call.function?.arguments ?? '';
    }
  }
  answer.toolCalls = calls.map((call) => ({ name: call.name, arguments: parsed(call.text) }));
  return answer;
}

function compare(got: ClientAnswer, exchange: Exchange): string[] {
  const expected = expectedAnswer(exchange);
  const faults: string[] = [];
  for (const key of ['text', 'reasoning', 'toolCalls', 'finish', 'usage'] as const) {
    if (key === 'usage' && expected.usage === null) continue;
    if (key === 'finish' && expected.finish === null) continue;
    const [seen, wanted] = [JSON.stringify(got[key]), JSON.stringify(expected[key])];
    if (seen !== wanted) faults.push(`${key}: got ${seen.slice(0, 200)}, expected ${wanted.slice(0, 200)}`);
  }
  return faults;
}

/** Same protocol on both sides: blocks as recorded, but for id, model and usage. */
async function replayMessages(gateway: GatewayProcess, exchange: Exchange): Promise<string[]> {
  const body = { ...(exchange.request.body as Json), model: `replay/${exchange.id}`, stream: exchange.stream };
  const answer = await post(gateway, '/v1/messages', body, { 'anthropic-version': '2023-06-01' });
  const text = await answer.text();
  if (answer.status !== 200) return [`status ${answer.status}: ${text.slice(0, 300)}`];
  const blocks = exchange.stream ? blocksOfStream(text) : (JSON.parse(text) as Json)['content'];
  const recorded = exchange.stream ? blocksOfStream(exchange.response.sse ?? '') : (exchange.response.body as Json)['content'];
  const [seen, wanted] = [JSON.stringify(blocks), JSON.stringify(recorded)];
  return seen === wanted ? [] : [`blocks: got ${seen.slice(0, 300)}, recorded ${wanted.slice(0, 300)}`];
}

function blocksOfStream(sse: string): unknown[] {
  return sse
    .split(/\r?\n/)
    .filter((line) => line.startsWith('data:'))
    .map((line) => parsed(line.slice(5).trim()) as Json)
    .filter((event) => String(event['type']).startsWith('content_block'));
}
