import { isDeepStrictEqual } from 'node:util';
import { eventsOfWire } from '../contract/openai-responses.grammar.js';
import { startGatewayProcess, type GatewayProcess } from '../support/gateway-process.js';
import { answerOfMessages, answerOfResponses, asInput } from '../support/client-answers.js';
import { CHAT_APIS } from '../support/corpus-apis.js';
import { parsed, type ClientAnswer } from '../support/corpus-expectation.js';
import { answerOfChoice, compare, faultsOfBroken, faultsOfError, faultsOfStream, report, score } from '../support/corpus-scoring.js';
import { Operator } from '../support/operator.js';
import { Corpus, fails, replays, UpstreamSimulator, type Exchange, type RecordedRequest, type Scenario } from '../support/upstream-simulator/index.js';

/**
 * Every recorded chat exchange through the running gateway, over real sockets: an upstream on loopback answers with the
 * recording, cut at odd places; a client of `/v1/chat/completions` (and of the recorded protocol, where that is Anthropic's)
 * must get what was recorded.
 */
const APIS = CHAT_APIS;
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
const PRICE = { input: '1', output: '2', audio_in: '3', audio_out: '4', image: '5' };
const TIMEOUT_MS = 240_000;

type Json = Record<string, unknown>;
type Api = keyof typeof APIS;

const corpus = Corpus.find();
const exchanges = corpus === null ? [] : (Object.keys(APIS) as Api[]).flatMap((api) => corpus.list(api).map((entry) => corpus.read(entry))).filter((exchange) => !isEmbedding(exchange));

(corpus === null ? describe.skip : describe)('recorded traffic through the running gateway', () => {
  let gateway: GatewayProcess;
  let simulator: UpstreamSimulator;

  beforeAll(async () => {
    simulator = (await UpstreamSimulator.start()).replay(corpus as Corpus).otherwise(invoked);
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

  it.each(['messages', 'responses'] as const)(
    'every API, asked by a client of %s',
    async (client) => {
      const misses = await score(exchanges, (exchange) => replayFor(client, gateway, exchange));
      report(`every API for a client of ${client}`, misses);
      expect(misses.missed).toEqual([]);
    },
    TIMEOUT_MS,
  );

  it.each([
    ['anthropic.messages', 'messages', replayMessages],
    ['openai.responses', 'responses', replayResponses],
  ] as const)(
    '%s, asked by a client of %s: frames and blocks survive as they were recorded',
    async (api, _client, replayNatively) => {
      const misses = await score(
        exchanges.filter((exchange) => exchange.api === api && isWhole(exchange)),
        (exchange) => replayNatively(gateway, exchange),
      );
      report(`${api} natively`, misses);
      expect(misses.missed).toEqual([]);
    },
    TIMEOUT_MS,
  );
});

/** The same recording for a client of another protocol: what it reads must be what was recorded, too. */
const OTHER_CLIENTS = {
  messages: { path: '/v1/messages', members: { max_tokens: 32_000, messages: [{ role: 'user', content: 'replay' }] }, read: answerOfMessages },
  responses: { path: '/v1/responses', members: { input: 'replay', store: false }, read: answerOfResponses },
} as const;

async function replayFor(client: keyof typeof OTHER_CLIENTS, gateway: GatewayProcess, exchange: Exchange): Promise<string[]> {
  const { path, members, read } = OTHER_CLIENTS[client];
  const { stream } = exchange;
  const answer = await post(gateway, path, { ...members, model: `replay/${exchange.id}`, stream });
  const text = await answer.text();
  const broken = !isDecoded(exchange) || exchange.expect?.streamError != null || isErrorInside200(exchange);
  if (exchange.response.status >= 400 || (broken && answer.status >= 400)) return answer.status >= 400 && text.includes('"error"') ? [] : [`status ${answer.status}`];
  if (answer.status !== 200) return [`status ${answer.status}: ${text.slice(0, 300)}`];
  const got = read(text, stream);
  if (broken) return got === null ? [] : ['a whole answer out of a broken one'];
  return got === null ? [`no proper end: ${text.slice(-300)}`] : compare(got, exchange, client === 'messages' ? asMessages : undefined);
}

/** Messages has no place for a refusal but the text, and a tool's input is an object. */
function asMessages(answer: ClientAnswer, { expect: recorded }: Exchange): ClientAnswer {
  const toolCalls = answer.toolCalls.map((call) => ({ ...call, arguments: asInput(call.arguments) }));
  return { ...answer, text: answer.text + (recorded?.refusal ?? ''), toolCalls };
}

/** An answer that ended well; a client of messages sends what was recorded, which must have been JSON. */
function isWhole({ api, response, expect: expected, request }: Exchange): boolean {
  if (response.status !== 200 || expected === null || expected.streamError != null) return false;
  return api !== 'anthropic.messages' || (typeof request.body === 'object' && request.body !== null);
}

/** The simulator itself speaks no InvokeModel: there the model's name stands in the path alone. */
function invoked({ url }: RecordedRequest): Scenario {
  const model = /\/model\/([^/]+)\/invoke/.exec(url)?.[1] ?? '';
  const exchange = corpus?.find(decodeURIComponent(model)) ?? null;
  return exchange === null ? fails(404) : replays(exchange);
}

/** Bedrock's one door serves vectors too: those are operations. */
function isEmbedding({ api, response }: Exchange): boolean {
  return api === 'bedrock.invoke' && typeof response.body === 'object' && response.body !== null && 'embedding' in response.body;
}

function documentFor(simulator: UpstreamSimulator): Json {
  const providers = new Map<string, Json>();
  const models: Json[] = [];
  for (const exchange of exchanges) {
    const protocol = APIS[exchange.api as Api];
    const id = `${exchange.provider}-${protocol}`;
    const type = PROTOCOL_TYPES[protocol] ?? TYPES[exchange.provider] ?? 'openai-compatible';
    const base_url = protocol.startsWith('openai-') ? simulator.baseUrl('openai-chat') : simulator.origin;
    providers.set(id, { id, type: type === 'gemini' ? (TYPES[exchange.provider] ?? type) : type, base_url, credentials: [credentialFor(type)], health: 'off' });
    models.push({ id: `replay/${exchange.id}`, serve: [{ provider: id, model: exchange.id, protocol }], price: PRICE });
  }
  return { version: 1, providers: [...providers.values()], models };
}

function credentialFor(type: string): Json {
  if (type !== 'bedrock') return { id: 'main', key: 'test-key' };
  return { id: 'main', access_key_id: 'AKIDEXAMPLE', secret_access_key: 'secret-example', region: 'us-east-1' };
}

async function replay(gateway: GatewayProcess, exchange: Exchange): Promise<string[]> {
  const { stream } = exchange;
  const body = {
    messages: [{ role: 'user', content: 'replay' }],
    ...countOf(exchange),
    ...recordedMembers(exchange, 'openai.chat'),
    stream,
    ...(stream ? { stream_options: { include_usage: true } } : {}),
  };
  const answer = await post(gateway, '/v1/chat/completions', { ...body, model: `replay/${exchange.id}` });
  if (exchange.response.status >= 400) return faultsOfError(answer, exchange);
  const text = await answer.text();
  if (!isDecoded(exchange) || exchange.expect?.streamError != null || isErrorInside200(exchange)) return faultsOfBroken(answer.status, text);
  if (answer.status !== 200) return [`status ${answer.status}: ${text.slice(0, 300)}`];
  return stream ? faultsOfStream(text, exchange) : compare(answerOfChoice(JSON.parse(text) as Json), exchange);
}

const isDecoded = ({ expect: decoded, api }: Exchange): boolean => decoded !== null || api === 'bedrock.invoke';

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

/** What the recorded client sent, where it spoke the protocol that is spoken here. */
function recordedMembers({ api, request }: Exchange, spoken: Api): Json {
  return api === spoken && typeof request.body === 'object' && request.body !== null ? (request.body as Json) : {};
}

function post(gateway: GatewayProcess, path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(gateway.url + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${gateway.bootstrap.demo_key ?? ''}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(30_000),
  });
}

/** Same protocol on both sides: blocks as recorded, but for id, model and usage. */
async function replayMessages(gateway: GatewayProcess, exchange: Exchange): Promise<string[]> {
  const body = { ...(exchange.request.body as Json), model: `replay/${exchange.id}`, stream: exchange.stream };
  const answer = await post(gateway, '/v1/messages', body, { 'anthropic-version': '2023-06-01' });
  const text = await answer.text();
  if (answer.status !== 200) return [`status ${answer.status}: ${text.slice(0, 300)}`];
  const blocks = exchange.stream ? blocksOfStream(text) : (JSON.parse(text) as Json)['content'];
  const recorded = exchange.stream ? blocksOfStream(exchange.response.sse ?? '') : (exchange.response.body as Json)['content'];
  return differs(blocks, recorded);
}

function blocksOfStream(sse: string): unknown[] {
  return sse
    .split(/\r?\n/)
    .filter((line) => line.startsWith('data:'))
    .map((line) => parsed(line.slice(5).trim()) as Json)
    .filter((event) => String(event['type']).startsWith('content_block'));
}

/** Same protocol on both sides: items as recorded, every event but those that repeat the whole response. */
async function replayResponses(gateway: GatewayProcess, exchange: Exchange): Promise<string[]> {
  const answer = await post(gateway, '/v1/responses', { input: 'replay', ...recordedMembers(exchange, 'openai.responses'), model: `replay/${exchange.id}`, store: false, stream: exchange.stream });
  const text = await answer.text();
  if (answer.status !== 200) return [`status ${answer.status}: ${text.slice(0, 300)}`];
  const { body, sse } = exchange.response;
  if (sse === undefined) return 'output' in (body as Json) ? differs((JSON.parse(text) as Json)['output'], (body as Json)['output']) : [];
  const ended = eventsOfWire(text).at(-1)?.data['type'];
  const faults = ended === eventsOfWire(sse).at(-1)?.data['type'] ? [] : [`ends with ${String(ended)}`];
  return [...faults, ...differs(itemEvents(text), itemEvents(sse))];
}

function itemEvents(sse: string): Json[] {
  return eventsOfWire(sse).flatMap(({ data }) => ('response' in data ? [] : [{ ...data, sequence_number: 0 }]));
}

/** Whatever the order of their members. */
function differs(got: unknown, recorded: unknown): string[] {
  return isDeepStrictEqual(got, recorded) ? [] : [`got ${JSON.stringify(got)?.slice(0, 300)}, recorded ${JSON.stringify(recorded)?.slice(0, 300)}`];
}
