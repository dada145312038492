import type { UpstreamErrorFacts } from '../core/errors/upstream-failure.js';
import type { UpstreamProtocol } from '../core/protocols/protocol.js';
import { parseError as parseAnyShape } from '../core/protocols/shared-openai/index.js';

/** A body that is, or may be, an error. `body`: the JSON in it; undefined when it is none. */
export interface SaidBody {
  text: string;
  body: unknown;
  headers: Readonly<Record<string, string>>;
}

/**
 * What an error body says. Proxies, load balancers and API managers stand before every provider and answer in shapes of their own: when the
 * status says error (`refused`) and the protocol's own shapes do not fit, all known ones are tried, plain text and pages too. Inside a 200
 * only the protocol's own count, or an answer could be taken for an error.
 */
export function statedError({ text, body, headers }: SaidBody, protocol: UpstreamProtocol, refused: boolean): UpstreamErrorFacts | null {
  const own = body === undefined ? null : protocol.parseError(body, headers);
  if (!refused) return own;
  const other = parseAnyShape(body === undefined ? text : body);
  if (other === null || own === null) return own ?? other;
  // Where both read it, the one that found more of the words behind (OpenRouter's `metadata.raw`) is kept.
  return own.message !== '' && !other.message.startsWith(own.message) ? own : { ...other, ...own, message: other.message };
}
