import type { EndpointTarget } from '../protocol.js';

/** CONTRACT section 3: `/model/{id}/…`. The id is one path segment whatever it is: a model's, an inference profile's, an ARN. */
export function endpoint({ baseUrl, upstreamModel, stream }: EndpointTarget): string {
  return `${baseUrl.replace(/\/+$/, '')}/model/${encodeURIComponent(upstreamModel)}/${stream ? 'converse-stream' : 'converse'}`;
}
