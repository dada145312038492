import type { EndpointTarget } from '../protocol.js';

const DEFAULT_VERSION = 'v1beta';

/**
 * CONTRACT section 3: `/v1beta/models/{model}:…`. A version segment anywhere in the configured path is kept and none added
 * (Vertex: `/v1/projects/…/publishers/google`); a final slash, a final `/models` and a `models/` before the name are not doubled.
 */
export function endpoint(target: EndpointTarget): string {
  const base = new URL(target.baseUrl);
  const path = base.pathname.replace(/\/+$/, '').replace(/\/models$/, '');
  const versioned = /\/v\d+(?:(?:alpha|beta)\d*)?(?:\/|$)/.test(path) ? path : `${path}/${DEFAULT_VERSION}`;
  const verb = target.stream ? 'streamGenerateContent?alt=sse' : 'generateContent';
  return `${base.protocol}//${base.host}${versioned}/${resource(target.upstreamModel)}:${verb}`;
}

/** The name is one path segment, whatever is in it; tuned models are another collection. */
function resource(model: string): string {
  const tuned = /^tunedModels\/([^/]+)$/.exec(model)?.[1];
  if (tuned !== undefined) return `tunedModels/${encodeURIComponent(tuned)}`;
  return `models/${encodeURIComponent(model.replace(/^models\//, ''))}`;
}
