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
  return {
    exchange,
    report,
    native,
    request: {
      method: 'POST',
      url,
      headers: headersFor(exchange, lane),
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

/** Nothing of the client's headers goes on but what the definition lists; the answer must come uncompressed (performance, F57). */
function headersFor(exchange: UpstreamExchange, { definition, protocol }: Lane): Record<string, string> {
  const headers: Record<string, string> = {
    accept: exchange.request.stream ? (protocol.streamMediaType ?? 'text/event-stream') : 'application/json',
    'accept-encoding': 'identity',
    'content-type': 'application/json',
    'user-agent': USER_AGENT,
    via: viaOf(exchange.hopCount ?? 0),
    ...protocol.headers,
    ...definition.headers,
  };
  if (exchange.clientProtocol !== protocol.id || exchange.passThrough === undefined) return headers;
  for (const name of definition.forwardHeaders ?? []) {
    const value = exchange.passThrough[name];
    if (value !== undefined) headers[name] = value;
  }
  return headers;
}

/** A deployment lives as long as its snapshot, so its two addresses are built once. */
const ENDPOINTS: readonly [WeakMap<Deployment, string>, WeakMap<Deployment, string>] = [new WeakMap(), new WeakMap()];

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
