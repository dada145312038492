import { startGatewayProcess, type GatewayProcess } from '../support/gateway-process.js';
import { OPERATION_APIS } from '../support/corpus-apis.js';
import { expectedStatuses, parsed } from '../support/corpus-expectation.js';
import { Operator } from '../support/operator.js';
import { bodyBytes, Corpus, UpstreamSimulator, replays, type Exchange } from '../support/upstream-simulator/index.js';

/**
 * Every recorded exchange that is no chat through the running gateway, over real sockets: an upstream on loopback answers with
 * the recording; a client of OpenAI's endpoint must get its vectors, scores, sound and texts, and usage in OpenAI's meaning.
 */
type Json = Record<string, unknown>;

interface Api {
  path: string;
  /** `type` of the provider that spoke it. */
  type: (provider: string) => string;
  body: (exchange: Exchange) => Json;
  faults: (answer: Answer, exchange: Exchange) => string[];
}

interface Answer {
  headers: Headers;
  bytes: Buffer;
  json: Json;
}

const TIMEOUT_MS = 120_000;
const PRICE = { input: '1', output: '2', image: '3', audio_in: '4', audio_out: '5', per_image: '0.01' };
const KNOWN_TYPES = new Set(['openai', 'groq', 'mistral', 'openrouter', 'xai', 'voyage', 'gemini', 'cohere', 'together', 'perplexity', 'llamacpp']);
const typeOf = (provider: string): string => (KNOWN_TYPES.has(provider) ? provider : 'openai-compatible');

const APIS: Readonly<Record<(typeof OPERATION_APIS)[number], Api>> = {
  'openai.embeddings': { path: '/v1/embeddings', type: typeOf, body: (exchange) => ({ ...embeddingsAsked(exchange), ...asked(exchange) }), faults: faultsOfEmbeddings },
  'gemini.batchEmbedContents': { path: '/v1/embeddings', type: () => 'gemini', body: embeddingsAsked, faults: faultsOfEmbeddings },
  'cohere.embed.v2': { path: '/v1/embeddings', type: () => 'cohere', body: embeddingsAsked, faults: faultsOfEmbeddings },
  'openai.rerank': { path: '/v1/rerank', type: typeOf, body: rerankAsked, faults: faultsOfRerank },
  'cohere.rerank.v2': { path: '/v1/rerank', type: () => 'cohere', body: rerankAsked, faults: faultsOfRerank },
  'openai.images.generations': { path: '/v1/images/generations', type: typeOf, body: asked, faults: faultsOfImages },
  'openai.images.edits': { path: '/v1/images/edits', type: typeOf, body: editAsked, faults: faultsOfImages },
  'bedrock.invoke': { path: '/v1/embeddings', type: () => 'bedrock', body: embeddingsAsked, faults: faultsOfEmbeddings },
  'bedrock.rerank': { path: '/v1/rerank', type: () => 'bedrock', body: rerankAsked, faults: faultsOfRerank },
  'cohere.embed.v1': { path: '/v1/embeddings', type: () => 'cohere', body: embeddingsAsked, faults: faultsOfEmbeddings },
  'cohere.rerank.v1': { path: '/v1/rerank', type: () => 'cohere', body: rerankAsked, faults: faultsOfRerank },
  'openai.completions': { path: '/v1/completions', type: () => 'openai-compatible', body: completionAsked, faults: faultsOfCompletion },
  'openai.audio.speech': { path: '/v1/audio/speech', type: typeOf, body: asked, faults: faultsOfSpeech },
  'openai.audio.transcriptions': { path: '/v1/audio/transcriptions', type: typeOf, body: asked, faults: faultsOfTranscription },
};

const corpus = Corpus.find();
const exchanges = corpus === null ? [] : Object.keys(APIS).flatMap((api) => corpus.list(api).map((entry) => corpus.read(entry))).filter((exchange) => !isInvokedChat(exchange));

(corpus === null ? describe.skip : describe)('recorded operations through the running gateway', () => {
  let gateway: GatewayProcess;
  let simulator: UpstreamSimulator;

  beforeAll(async () => {
    simulator = await UpstreamSimulator.start();
    // A form and a path hold the model's name where the simulator does not look: one exchange is asked for at a time.
    gateway = await startGatewayProcess();
    await new Operator(gateway).apply(documentFor(simulator));
  }, TIMEOUT_MS);

  afterAll(async () => {
    await gateway?.remove();
    await simulator?.stop();
  });

  it.each(Object.keys(APIS))(
    '%s',
    async (api) => {
      const missed: string[] = [];
      const list = exchanges.filter((exchange) => exchange.api === api);
      for (const exchange of list) {
        simulator.otherwise(replays(exchange));
        const faults = await replayed(gateway, exchange).catch((error: unknown) => [String(error)]);
        if (faults.length > 0) missed.push(`${exchange.id} (${exchange.provider}): ${faults.join('; ')}`);
      }
      process.stdout.write(`corpus ${api}: ${list.length - missed.length} of ${list.length}\n`);
      expect(missed).toEqual([]);
    },
    TIMEOUT_MS,
  );
});

/** Chat through Bedrock's one door stands in corpus-replay.spec.ts. */
function isInvokedChat(exchange: Exchange): boolean {
  return exchange.api === 'bedrock.invoke' && recorded(exchange)['embedding'] === undefined;
}

function documentFor(simulator: UpstreamSimulator): Json {
  const providers = new Map<string, Json>();
  const models = exchanges.map((exchange) => {
    const type = apiOf(exchange).type(exchange.provider);
    const versioned = exchange.api.endsWith('.v1') || !['gemini', 'cohere', 'bedrock'].includes(type);
    const id = `replay-${type}${versioned ? '-v1' : ''}`;
    providers.set(id, { id, type, base_url: versioned ? `${simulator.origin}/v1` : simulator.origin, credentials: [{ id: 'main', key: 'test-key' }], health: 'off' });
    return { id: `replay/${exchange.id}`, serve: [{ provider: id, model: exchange.id }], price: PRICE };
  });
  return { version: 1, providers: [...providers.values()], models };
}

const apiOf = (exchange: Exchange): Api => APIS[exchange.api as (typeof OPERATION_APIS)[number]];

/** What was recorded of the request, for the gateway's model. */
function asked(exchange: Exchange): Json {
  const body = exchange.request.body;
  return { ...(typeof body === 'object' && body !== null ? (body as Json) : {}), model: `replay/${exchange.id}` };
}

/** Forms were recorded without their bodies. */
function editAsked(exchange: Exchange): Json {
  return { prompt: 'Make it green', images: [{ image_url: 'https://example.com/a.png' }], ...asked(exchange) };
}

/** Two of the three recorded streams were asked for by the client library, not in the body. */
function completionAsked(exchange: Exchange): Json {
  return { ...asked(exchange), stream: exchange.response.wire === 'sse' };
}

/** As many inputs as vectors were recorded. */
function embeddingsAsked(exchange: Exchange): Json {
  const { dimensions } = (exchange.request.body ?? {}) as Json;
  const inputs = Array.from({ length: Math.max(1, vectorsOf(exchange).length) }, (_item, at) => `text ${at}`);
  return { model: `replay/${exchange.id}`, input: inputs, ...(dimensions === undefined ? {} : { dimensions }) };
}

function rerankAsked(exchange: Exchange): Json {
  const documents = Array.from({ length: 1 + Math.max(0, ...resultsOf(exchange).map((result) => result.index)) }, (_item, at) => `document ${at}`);
  return { model: `replay/${exchange.id}`, query: 'what?', documents };
}

async function replayed(gateway: GatewayProcess, exchange: Exchange): Promise<string[]> {
  const api = apiOf(exchange);
  const answer = await post(gateway, api.path, api.body(exchange), exchange);
  const bytes = Buffer.from(await answer.arrayBuffer());
  const json = parsed(bytes.toString('utf8')) as Json;
  if (exchange.response.status >= 400) return faultsOfError(answer.status, json, exchange);
  if (answer.status !== 200) return [`status ${answer.status}: ${bytes.toString('utf8').slice(0, 300)}`];
  if (!exchange.stream && answer.headers.get('x-og-cost-usd') === null) return ['no cost'];
  return api.faults({ headers: answer.headers, bytes, json }, exchange);
}

function post(gateway: GatewayProcess, path: string, body: Json, exchange: Exchange): Promise<Response> {
  const headers: Record<string, string> = { authorization: `Bearer ${gateway.bootstrap.demo_key ?? ''}` };
  const form = exchange.api === 'openai.audio.transcriptions';
  if (!form) headers['content-type'] = 'application/json';
  return fetch(gateway.url + path, { method: 'POST', headers, body: form ? formOf(body) : JSON.stringify(body), signal: AbortSignal.timeout(30_000) });
}

function formOf(body: Json): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(body)) form.set(name, String(value));
  form.set('response_format', 'text');
  form.set('file', new Blob([Buffer.alloc(16_000)], { type: 'audio/mpeg' }), '../../etc/sound.mp3');
  return form;
}

function faultsOfError(status: number, { error }: Json, exchange: Exchange): string[] {
  const faults: string[] = [];
  if (!expectedStatuses(exchange.response.status).includes(status)) faults.push(`status ${status} for the provider's ${exchange.response.status}: ${JSON.stringify(error)}`);
  for (const key of ['message', 'type', 'param', 'code']) if (!(key in ((error ?? {}) as Json))) faults.push(`no error.${key}`);
  return faults;
}

function differs(what: string, got: unknown, expected: unknown): string[] {
  const [seen, wanted] = [JSON.stringify(got) ?? '', JSON.stringify(expected) ?? ''];
  return seen === wanted ? [] : [`${what}: got ${seen.slice(0, 200)}, recorded ${wanted.slice(0, 200)}`];
}

function recorded(exchange: Exchange): Json {
  return typeof exchange.response.body === 'object' && exchange.response.body !== null ? (exchange.response.body as Json) : {};
}

function vectorsOf(exchange: Exchange): unknown[] {
  const body = recorded(exchange);
  const { embeddings, data } = body;
  if (Array.isArray(data)) return data.map((item: Json) => item['embedding']);
  if (Array.isArray(embeddings)) return embeddings.map((item: Json | number[]) => (Array.isArray(item) ? item : item['values']));
  if (body['embedding'] !== undefined) return [body['embedding']];
  return ((embeddings as Json | undefined)?.['float'] as unknown[] | undefined) ?? [];
}

/** Prompt tokens as the provider states them; null when it says nothing. */
function promptOf(exchange: Exchange): unknown {
  const { usage, meta, inputTextTokenCount } = recorded(exchange) as { usage?: Json; meta?: { billed_units?: Json }; inputTextTokenCount?: number };
  return usage?.['prompt_tokens'] ?? usage?.['total_tokens'] ?? meta?.billed_units?.['input_tokens'] ?? inputTextTokenCount ?? null;
}

function faultsOfUsage({ json }: Answer, exchange: Exchange): string[] {
  const usage = (json['usage'] ?? {}) as Json;
  const expected = promptOf(exchange);
  if (expected === null) return differs('estimated', usage['estimated'], true);
  return [...differs('prompt_tokens', usage['prompt_tokens'], expected), ...differs('total_tokens', usage['total_tokens'], expected)];
}

function faultsOfEmbeddings(answer: Answer, exchange: Exchange): string[] {
  const data = answer.json['data'] as Json[];
  return [
    ...differs('object', answer.json['object'], 'list'),
    ...differs('model', answer.json['model'], `replay/${exchange.id}`),
    ...differs('vectors', data.map((item) => item['embedding']), vectorsOf(exchange)),
    ...differs('indexes', data.map((item) => item['index']), data.map((_item, at) => at)),
    ...faultsOfUsage(answer, exchange),
  ];
}

function resultsOf(exchange: Exchange): { index: number; relevance_score: number }[] {
  const { results, data } = recorded(exchange);
  const list = (results ?? data ?? []) as { index: number; relevance_score: number; relevanceScore?: number }[];
  return list.map(({ index, relevance_score, relevanceScore }) => ({ index, relevance_score: relevance_score ?? relevanceScore }));
}

function faultsOfRerank(answer: Answer, exchange: Exchange): string[] {
  return [...differs('results', answer.json['results'], resultsOf(exchange)), ...faultsOfUsage(answer, exchange)];
}

function faultsOfImages({ json }: Answer, exchange: Exchange): string[] {
  const priced = JSON.stringify(json).includes('cost_in_usd_ticks') ? ["the provider's own prices are shown"] : [];
  return [...differs('data', json['data'], recorded(exchange)['data']), ...priced];
}

function faultsOfSpeech({ bytes, headers }: Answer, exchange: Exchange): string[] {
  const wrapped = recorded(exchange)['audio_data'];
  const sound = typeof wrapped === 'string' ? Buffer.from(wrapped, 'base64') : bodyBytes(exchange);
  const type = headers.get('content-type') ?? '';
  return [...(bytes.equals(sound) ? [] : ['the sound differs']), ...(type.startsWith('audio/') ? [] : [`content type ${type}`])];
}

function faultsOfTranscription({ bytes }: Answer, exchange: Exchange): string[] {
  return differs('text', bytes.toString('utf8'), bodyBytes(exchange).toString('utf8'));
}

interface TextChoice {
  index: number;
  text: string;
  finish_reason: string | null;
}

/** Text and finish reason of each choice, of a whole answer or of its chunks. */
function textsOf(chunks: readonly unknown[]): Json {
  const texts: Record<number, { text: string; finish: string | null }> = {};
  for (const choice of chunks.flatMap((chunk) => ((chunk as Json)['choices'] ?? []) as TextChoice[])) {
    const known = (texts[choice.index] ??= { text: '', finish: null });
    known.text += choice.text;
    known.finish = choice.finish_reason ?? known.finish;
  }
  return texts;
}

function framesOf(sse: string): unknown[] {
  const lines = sse.split('\n').filter((line) => line.startsWith('data: ') && line !== 'data: [DONE]');
  return lines.map((line) => parsed(line.slice(6)));
}

function faultsOfCompletion({ bytes, json }: Answer, exchange: Exchange): string[] {
  const { sse } = exchange.response;
  if (sse === undefined) return [...differs('object', json['object'], 'text_completion'), ...differs('texts', textsOf([json]), textsOf([exchange.response.body]))];
  const text = bytes.toString('utf8');
  const end = text.endsWith('data: [DONE]\n\n') ? [] : [`does not end with [DONE]: ${text.slice(-200)}`];
  return [...end, ...differs('texts', textsOf(framesOf(text)), textsOf(framesOf(sse)))];
}
