import type { EndpointTarget } from '../protocol.js';

/** CONTRACT section 3: `/model/{id}/…`. The id is one path segment whatever it is: a model's, an inference profile's, an ARN. */
export function modelEndpoint({ baseUrl, upstreamModel, stream }: EndpointTarget, actions: { whole: string; stream: string }): string {
  return `${baseUrl.replace(/\/+$/, '')}/model/${encodeURIComponent(upstreamModel)}/${stream ? actions.stream : actions.whole}`;
}
