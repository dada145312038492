import { NO_USAGE } from '../chat/usage.js';
import { GatewayError } from '../errors/gateway-error.js';
import { UnreadableAnswer } from '../protocols/protocol.js';
import { OPERATIONS, findWireId, type OperationKind, type WireId } from './index.js';

type Json = Record<string, unknown>;

const TARGET = { baseUrl: 'http://127.0.0.1:9001/v1', upstreamModel: 'up' };

/** Request of a client → what goes upstream in that wire. */
function rendered(kind: OperationKind, wire: WireId, body: Json): { url: string; wire: Json; dropped: string[] } {
  const operation = OPERATIONS[kind];
  const found = operation.wires[wire];
  if (found === undefined) throw new Error(`no ${wire}`);
  const result = found.render(operation.parse(body), TARGET);
  return { url: found.endpoint(TARGET), wire: JSON.parse(String(result.body)) as Json, dropped: result.report.map(({ parameter }) => parameter) };
}

/** Answer of an upstream → what the client gets, with the usage that is charged when nothing is estimated. */
function answered(kind: OperationKind, wire: WireId, { asked, answer }: { asked: Json; answer: unknown }): { body: Json; usage: unknown; requests: unknown } {
  const operation = OPERATIONS[kind];
  const result = operation.wires[wire]?.parse({ contentType: 'application/json', bytes: Buffer.from(JSON.stringify(answer)) }, operation.parse(asked));
  if (result === undefined) throw new Error(`no ${wire}`);
  const summary = { usage: result.usage ?? { ...NO_USAGE, input: 1 }, estimated: result.usage === undefined };
  const reply = result.render({ requestId: 'req_1', createdS: 1, model: 'public/name', summary });
  return { body: JSON.parse(String(reply.body)) as Json, usage: result.usage, requests: result.requests };
}

function refusedParam(kind: OperationKind, body: Json): string | null {
  try {
    OPERATIONS[kind].parse(body);
  } catch (error) {
    if (error instanceof GatewayError) return error.param;
    throw error;
  }
  return 'accepted';
}

describe('embeddings', () => {
  it('go upstream in the words of each wire', () => {
    const asked = { model: 'm', input: ['a', 'b'], dimensions: 8, encoding_format: 'base64', input_type: 'search_query', user: 'u' };
    expect(rendered('embeddings', 'openai', asked)).toEqual({
      url: 'http://127.0.0.1:9001/v1/embeddings',
      wire: { model: 'up', input: ['a', 'b'], dimensions: 8, encoding_format: 'base64', input_type: 'search_query', user: 'u' },
      dropped: [],
    });
    expect(rendered('embeddings', 'cohere', asked).wire).toEqual({
      model: 'up', texts: ['a', 'b'], input_type: 'search_query', embedding_types: ['float'], output_dimension: 8,
    });
    expect(rendered('embeddings', 'voyage', asked).wire).toEqual({ model: 'up', input: ['a', 'b'], output_dimension: 8, input_type: 'query' });
    expect(rendered('embeddings', 'jina', asked).wire).toEqual({ model: 'up', input: ['a', 'b'], dimensions: 8, task: 'retrieval.query' });
    const gemini = rendered('embeddings', 'gemini', asked);
    expect(gemini.url).toBe('http://127.0.0.1:9001/v1/models/up:batchEmbedContents');
    expect(gemini.wire['requests']).toHaveLength(2);
    expect(gemini.dropped).toEqual(['user']);
  });

  it('come back in the form the client asked for, whatever the provider knows', () => {
    const vector = [0.5, -1, 2];
    const base64 = Buffer.from(new Float32Array(vector).buffer).toString('base64');
    const as = (format: string | undefined, embedding: unknown): unknown => {
      const asked = { model: 'm', input: 'a', ...(format === undefined ? {} : { encoding_format: format }) };
      const { body } = answered('embeddings', 'openai', { asked, answer: { data: [{ index: 0, embedding }], usage: { prompt_tokens: 3, total_tokens: 3 } } });
      return ((body['data'] as Json[])[0] as Json)['embedding'];
    };
    expect(as('base64', vector)).toBe(base64);
    expect(as('float', base64)).toEqual(vector);
    expect(as(undefined, base64)).toBe(base64);
    expect(as(undefined, vector)).toEqual(vector);
  });

  it('are put in order, and refused when some are missing', () => {
    const asked = { model: 'm', input: ['a', 'b'] };
    const item = (index: number): Json => ({ index, embedding: [index] });
    const { body, usage } = answered('embeddings', 'voyage', { asked, answer: { data: [item(1), item(0)], usage: { total_tokens: 7 } } });
    expect((body['data'] as Json[]).map((entry) => entry['embedding'])).toEqual([[0], [1]]);
    expect(usage).toEqual({ ...NO_USAGE, input: 7 });
    expect(() => answered('embeddings', 'openai', { asked, answer: { data: [item(0)] } })).toThrow(UnreadableAnswer);
  });

  it('name what is wrong with a request', () => {
    expect(refusedParam('embeddings', { input: 'a' })).toBe('model');
    expect(refusedParam('embeddings', { model: 'm' })).toBe('input');
    expect(refusedParam('embeddings', { model: 'm', input: [] })).toBe('input');
    expect(refusedParam('embeddings', { model: 'm', input: ['a', ''] })).toBe('input[1]');
    expect(refusedParam('embeddings', { model: 'm', input: [[1, 'x']] })).toBe('input[0]');
    expect(refusedParam('embeddings', { model: 'm', input: Array.from({ length: 2_049 }, () => 'a') })).toBe('input');
    expect(refusedParam('embeddings', { model: 'm', input: 'a', encoding_format: 'int8' })).toBe('encoding_format');
    expect(() => rendered('embeddings', 'cohere', { model: 'm', input: [1, 2] })).toThrow(GatewayError);
  });
});

describe('rerank', () => {
  it('goes upstream in the words of each wire', () => {
    const asked = { model: 'm', query: 'q', documents: ['a', { text: 'b' }], top_n: 1 };
    expect(rendered('rerank', 'openai', asked).wire).toEqual({ model: 'up', query: 'q', documents: ['a', { text: 'b' }], top_n: 1 });
    expect(rendered('rerank', 'voyage', asked).wire).toEqual({ model: 'up', query: 'q', documents: ['a', 'b'], top_k: 1 });
    expect(rendered('rerank', 'cohere', asked).wire).toEqual({ model: 'up', query: 'q', documents: ['a', 'b'], top_n: 1 });
  });

  it('counts searches where the provider bills them', () => {
    const asked = { model: 'm', query: 'q', documents: ['a', 'b'], return_documents: true };
    const answer = { results: [{ index: 1, relevance_score: 0.5 }], meta: { billed_units: { search_units: 2 } } };
    const { body, usage, requests } = answered('rerank', 'cohere', { asked, answer });
    expect(body['results']).toEqual([{ index: 1, relevance_score: 0.5, document: { text: 'b' } }]);
    expect({ usage, requests }).toEqual({ usage: undefined, requests: 2 });
  });

  it('does not believe a result for a document that was not sent', () => {
    const asked = { model: 'm', query: 'q', documents: ['a'] };
    expect(() => answered('rerank', 'openai', { asked, answer: { results: [{ index: 1, relevance_score: 1 }] } })).toThrow(UnreadableAnswer);
  });
});

describe('images', () => {
  it('are counted, and tokens of what was made are image tokens', () => {
    const asked = { model: 'm', prompt: 'p', n: 2 };
    const answer = { data: [{ b64_json: 'x' }, { b64_json: 'y' }], usage: { input_tokens: 5, output_tokens: 300, total_tokens: 305, cost_in_usd_ticks: 1 } };
    const { body, usage } = answered('images', 'openai', { asked, answer });
    expect(usage).toEqual({ ...NO_USAGE, input: 5, image: 300 });
    expect(body['usage']).toEqual({ input_tokens: 5, output_tokens: 300, total_tokens: 305 });
    expect(OPERATIONS.images.parse(asked).bounds).toMatchObject({ imageOutput: true, units: { images: 2 } });
    expect(refusedParam('images', { ...asked, n: 11 })).toBe('n');
  });
});

describe('image edits', () => {
  const asked = { model: 'm', prompt: 'p', images: [{ image_url: 'https://example.com/a.png' }, { file_id: 'f' }], n: 2, size: '1024x1024' };

  it('go upstream as they came, the images they start from held as prompt', () => {
    expect(rendered('image-edits', 'openai', asked)).toMatchObject({ url: 'http://127.0.0.1:9001/v1/images/edits', wire: { ...asked, model: 'up' } });
    expect(OPERATIONS['image-edits'].parse(asked).bounds).toMatchObject({ promptTokens: 2 * 6_300 + 1, outputTokens: 2 * 6_300, imageOutput: true, units: { images: 2 } });
    const xai = { model: 'm', prompt: 'p', image: { type: 'image_url', url: 'data:image/png;base64,AAAA' } };
    expect(rendered('image-edits', 'openai', xai).wire).toEqual({ ...xai, model: 'up' });
  });

  it('name what is wrong', () => {
    expect(refusedParam('image-edits', { ...asked, prompt: undefined })).toBe('prompt');
    expect(refusedParam('image-edits', { model: 'm', prompt: 'p' })).toBe('images');
    expect(refusedParam('image-edits', { ...asked, images: [] })).toBe('images');
    expect(refusedParam('image-edits', { ...asked, images: Array.from({ length: 17 }, () => ({ file_id: 'f' })) })).toBe('image');
    expect(refusedParam('image-edits', { ...asked, n: 11 })).toBe('n');
    expect(refusedParam('image-edits', { ...asked, stream: true })).toBe('stream');
  });
});

describe('Bedrock', () => {
  const target = (upstreamModel: string) => ({ baseUrl: 'http://127.0.0.1:9001', upstreamModel });
  const wireOf = (upstreamModel: string, body: Json): unknown => JSON.parse(String(OPERATIONS.embeddings.wires.bedrock?.render(OPERATIONS.embeddings.parse(body), target(upstreamModel)).body));

  it('embeds through InvokeModel, each model in its words', () => {
    expect(OPERATIONS.embeddings.wires.bedrock?.endpoint(target('amazon.titan-embed-text-v2:0'))).toBe('http://127.0.0.1:9001/model/amazon.titan-embed-text-v2%3A0/invoke');
    expect(wireOf('amazon.titan-embed-text-v2:0', { model: 'm', input: 'a', dimensions: 256, normalize: true })).toEqual({ inputText: 'a', dimensions: 256, normalize: true });
    expect(wireOf('us.cohere.embed-v4:0', { model: 'm', input: ['a', 'b'], input_type: 'search_query' })).toEqual({ texts: ['a', 'b'], input_type: 'search_query', embedding_types: ['float'] });
    expect(() => wireOf('amazon.titan-embed-text-v2:0', { model: 'm', input: ['a', 'b'] })).toThrow('one text per request');
  });

  it('reads each model’s vectors', () => {
    const vectors = (asked: Json, answer: unknown) => (answered('embeddings', 'bedrock', { asked, answer }).body['data'] as Json[]).map((item) => item['embedding']);
    expect(answered('embeddings', 'bedrock', { asked: { model: 'm', input: 'a' }, answer: { embedding: [1], inputTextTokenCount: 3 } }).usage).toEqual({ ...NO_USAGE, input: 3 });
    expect(vectors({ model: 'm', input: 'a' }, { embeddingsByType: { float: [2] }, inputTextTokenCount: 3 })).toEqual([[2]]);
    expect(vectors({ model: 'm', input: ['a', 'b'] }, { embeddings: [[1], [2]] })).toEqual([[1], [2]]);
    expect(vectors({ model: 'm', input: ['a', 'b'] }, { embeddings: { float: [[1], [2]] } })).toEqual([[1], [2]]);
  });

  it('reranks', () => {
    const asked = { model: 'm', query: 'q', documents: ['a', 'b'], top_n: 1 };
    expect(rendered('rerank', 'bedrock', asked).wire).toEqual({ query: 'q', documents: ['a', 'b'], top_n: 1, api_version: 2 });
    for (const score of ['relevance_score', 'relevanceScore'])
      expect(answered('rerank', 'bedrock', { asked, answer: { results: [{ index: 1, [score]: 0.5 }] } }).body['results']).toEqual([{ index: 1, relevance_score: 0.5 }]);
  });
});

describe('wires', () => {
  it('follow the definition before the protocol', () => {
    expect([findWireId('voyage', 'openai-chat'), findWireId('vertex', 'gemini-generate'), findWireId('cohere', 'cohere-chat'), findWireId('x', 'openai-chat'), findWireId('x', 'anthropic-messages')]).toEqual([
      'voyage', 'gemini', 'cohere', 'openai', null,
    ]);
  });
});
