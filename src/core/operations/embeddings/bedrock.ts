import { isObject, type JsonObject } from '../../json/index.js';
import { GatewayError } from '../../errors/gateway-error.js';
import { modelEndpoint } from '../../protocols/shared-bedrock/index.js';
import type { OperationWire, RenderedOperation } from '../operation.js';
import { jsonOf, promptUsage } from '../read-answer.js';
import { dropped, jsonBody } from '../read-request.js';
import { cohereFloats, cohereMembers } from './cohere.js';
import type { EmbeddingsRequest } from './embeddings.js';
import { resultOf, textsOf, vectorOf } from './vectors.js';

const TITAN_MEMBERS = ['normalize'];

/**
 * Bedrock's InvokeModel: Titan takes one text, Cohere's models what they take at Cohere without a model's name
 * (https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html, read 2026-11-29).
 */
export const bedrockEmbeddings: OperationWire<EmbeddingsRequest> = {
  endpoint: ({ baseUrl, upstreamModel }) => modelEndpoint({ baseUrl, upstreamModel, stream: false }, { whole: 'invoke', stream: 'invoke' }),
  render(request, { upstreamModel }) {
    if (!/(?:^|[./])cohere\./.test(upstreamModel)) return titan(request);
    const { wire, unknown } = cohereMembers(request);
    return jsonBody(wire, dropped(unknown));
  },
  parse(answer, request) {
    const body = jsonOf(answer);
    const usage = promptUsage(body['inputTextTokenCount']);
    return resultOf(('embeddings' in body ? cohereFloats(body['embeddings']) : [titanVector(body)]).map(vectorOf), request, usage);
  },
};

function titan({ inputs, dimensions, extra, user, inputType }: EmbeddingsRequest): RenderedOperation {
  const [text, ...others] = textsOf(inputs);
  if (others.length > 0) throw new GatewayError('unsupported_parameter', 'This model embeds one text per request; send the texts one by one.', { param: 'input' });
  const passed = Object.fromEntries(Object.entries(extra).filter(([name]) => TITAN_MEMBERS.includes(name)));
  const unknown = Object.keys(extra).filter((name) => !TITAN_MEMBERS.includes(name));
  const wire: JsonObject = { ...passed, inputText: text, ...(dimensions === undefined ? {} : { dimensions }) };
  return jsonBody(wire, dropped([...unknown, user !== undefined && 'user', inputType !== undefined && 'input_type']));
}

/** Version 2 sorts by type besides. */
function titanVector(body: JsonObject): unknown {
  const byType = body['embeddingsByType'];
  return body['embedding'] ?? (isObject(byType) ? byType['float'] : undefined);
}
