import { deadlinesOf, type Deployment } from '../core/catalog/model.js';
import type { ParameterAdjustment } from '../core/chat/parameter-report.js';
import { spliceBody, type ScannedBody } from '../core/json/index.js';
import type { ResponseDialect } from '../core/protocols/dialect.js';
import type { ChatProtocol, UpstreamProtocol, UpstreamRenderContext } from '../core/protocols/protocol.js';
import { callUrl } from './address.js';
import type { ProtocolVariant, ProviderDefinition } from './definitions/index.js';
import { applyModelParameters, applyWords, DialectReport, type Wire } from './dialect/index.js';
import type { PreparedCall, UpstreamExchange } from './exchange.js';

const VIA = '1.1 opengateway';
export const USER_AGENT = 'OpenGateway';
const NO_DIALECT: ResponseDialect = {};

/** What one deployment is called with: its definition and its protocol. */
export interface Lane {
  readonly definition: ProviderDefinition;
  readonly protocol: UpstreamProtocol;
}

/** The definition's words state deviations from its own protocol; an instance asked to speak another one has none. */
export function speaksOwnProtocol({ definition, protocol }: Lane): boolean {
  return definition.protocol === protocol.id;
}

/** The words for the protocol that is spoken: the definition's own, or those of one of its variants. */
function dialectFor(lane: Lane): Pick<ProtocolVariant, 'request' | 'response'> | undefined {
  return speaksOwnProtocol(lane) ? lane.definition : lane.definition.variants?.find((variant) => variant.protocol === lane.protocol.id);
}

export function responseDialectOf(exchange: UpstreamExchange, lane: Lane): ResponseDialect {
  return speaksOwnProtocol(lane) ? exchange.deployment.provider.responseDialect : (dialectFor(lane)?.response ?? NO_DIALECT);
}

/** A protocol that a client speaks renders natively too. */
const speaksNatively = (exchange: UpstreamExchange, { protocol }: Lane): boolean =>
  exchange.clientProtocol === protocol.id && protocol.renderNativeRequest !== undefined;

/** Renders without sending: protocol → dialect → model parameters → bytes. Pure. Throws GatewayError for what no rendering can carry. */
export function prepareCall(exchange: UpstreamExchange, lane: Lane): PreparedCall {
  const { deployment, request } = exchange;
  const native = exchange.body !== undefined && speaksNatively(exchange, lane);
  const { wire, report } = render(exchange, lane, native);
  const url = endpointOf(deployment, lane, request.stream);
  const own = ownHeadersOf(exchange, lane);
  return {
    exchange,
    report,
    native,
    request: {
      method: 'POST',
      url,
      headers: own ?? usualHeadersOf(deployment, lane, request.stream),
      headersRecur: own === null,
      body: native ? spliceBody(exchange.body as ScannedBody, wire) : JSON.stringify(wire),
      deadlines: deadlinesOf(deployment),
    },
  };
}

function render(exchange: UpstreamExchange, lane: Lane, native: boolean): { wire: Wire; report: readonly ParameterAdjustment[] } {
  const { deployment, request, body } = exchange;
  const context: UpstreamRenderContext = {
    upstreamModel: deployment.upstreamModel,
    maxOutputTokens: deployment.capabilities.maxOutput,
    reasons: deployment.capabilities.reasoning !== false,
    modelFacts: deployment.modelFacts,
  };
  const rendered =
    native && body !== undefined
      ? (lane.protocol as ChatProtocol).renderNativeRequest(body.value, request, context)
      : lane.protocol.renderRequest(request, context);
  const words = dialectFor(lane)?.request ?? [];
  if (words.length === 0 && isEmpty(deployment.parameters) && isEmpty(deployment.modelFacts)) return rendered;
  const report = new DialectReport(request, native, rendered.report);
  const wire = applyModelParameters(applyWords(rendered.wire, words, report), deployment, report);
  return { wire, report: report.adjustments };
}

/** The headers of a call that differ from its deployment's usual ones; null for almost every call. */
function ownHeadersOf(exchange: UpstreamExchange, lane: Lane): Record<string, string> | null {
  const { definition, protocol } = lane;
  const hopCount = exchange.hopCount ?? 0;
  const { passThrough } = exchange;
  let own = hopCount === 0 ? null : headersFor(lane, exchange.request.stream, hopCount);
  if (passThrough === undefined || definition.forwardHeaders === undefined || exchange.clientProtocol !== protocol.id) return own;
  for (const name of definition.forwardHeaders) {
    const value = passThrough[name];
    if (value !== undefined) (own ??= headersFor(lane, exchange.request.stream, hopCount))[name] = value;
  }
  return own;
}

/** Nothing of the client's headers goes on but what the definition lists; the answer must come uncompressed (performance, F57). */
function headersFor({ definition, protocol }: Lane, stream: boolean, hopCount: number): Record<string, string> {
  return {
    accept: stream ? (protocol.streamMediaType ?? 'text/event-stream') : 'application/json',
    'accept-encoding': 'identity',
    'content-type': 'application/json',
    'user-agent': USER_AGENT,
    via: viaOf(hopCount),
    ...protocol.headers,
    ...definition.headers,
  };
}

/** A deployment lives as long as its snapshot, so what is the same for all of its calls is built once: for whole answers and for streams. */
type Kept<Value> = readonly [WeakMap<Deployment, Value>, WeakMap<Deployment, Value>];
const ENDPOINTS: Kept<string> = [new WeakMap(), new WeakMap()];
const USUAL_HEADERS: Kept<Readonly<Record<string, string>>> = [new WeakMap(), new WeakMap()];

function usualHeadersOf(deployment: Deployment, lane: Lane, stream: boolean): Readonly<Record<string, string>> {
  const known = USUAL_HEADERS[stream ? 1 : 0];
  let headers = known.get(deployment);
  if (headers === undefined) known.set(deployment, (headers = headersFor(lane, stream, 0)));
  return headers;
}

function endpointOf(deployment: Deployment, { definition, protocol }: Lane, stream: boolean): string {
  const known = ENDPOINTS[stream ? 1 : 0];
  let url = known.get(deployment);
  if (url === undefined) {
    url = callUrl(deployment, definition, protocol, stream);
    known.set(deployment, url);
  }
  return url;
}

/** Ours and what passed before us: a loop is seen by it. */
export function viaOf(hopCount: number): string {
  return hopCount === 0 ? VIA : Array.from({ length: hopCount + 1 }, () => VIA).join(', ');
}

function isEmpty(record: Readonly<Record<string, unknown>>): boolean {
  for (const _name in record) return false;
  return true;
}
