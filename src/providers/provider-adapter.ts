import type { Deployment } from '../core/catalog/model.js';
import type { ProtocolId, UpstreamProtocol } from '../core/protocols/protocol.js';
import type { InProcessTransport, UpstreamCall, UpstreamTransport } from '../core/upstream/upstream.js';
import { getDefinition } from './definitions/index.js';
import type { CallObserver, OperationObserver, PreparedCall, PreparedOperation, RateLimitFacts, UpstreamExchange, UpstreamOperation } from './exchange.js';
import { OperationCall } from './operation-call.js';
import { prepareCall, type Lane } from './prepare-call.js';
import { prepareOperation } from './prepare-operation.js';
import { publicFields } from './address.js';
import { UpstreamAuth } from './upstream-auth/upstream-auth.js';
import { UpstreamExchangeCall } from './upstream-exchange-call.js';

export interface AdapterParts {
  protocols: Readonly<Record<ProtocolId, UpstreamProtocol>>;
  transport: UpstreamTransport;
  /** For definitions whose upstream lives in this process. */
  inProcess: InProcessTransport | null;
  nowMs(): number;
  /** Told of our own mistakes: what was thrown while an answer was being read or passed on. */
  defect(error: Error): void;
}

/**
 * Calls providers and knows no plan: renders a request for a deployment, sends it, reads the answer into canonical form.
 * An injectable class.
 */
export class ProviderAdapter {
  /** What a deployment is called with lives as long as it does, which is as long as its snapshot. */
  readonly #lanes = new WeakMap<Deployment, Lane>();
  readonly #transports = new WeakMap<Deployment, UpstreamTransport>();
  readonly #parts: AdapterParts;
  readonly #auth: UpstreamAuth;

  constructor(parts: AdapterParts) {
    this.#parts = parts;
    this.#auth = new UpstreamAuth(parts.transport, parts.nowMs);
  }

  /** Renders without sending: for the parameter report and strict checks before money is held, and for explain. */
  prepare(exchange: UpstreamExchange): PreparedCall {
    return prepareCall(exchange, this.#lane(exchange.deployment));
  }

  /** Sends a prepared call. The observer may be told before this returns when the upstream lives in this process. */
  call(prepared: PreparedCall, observer: CallObserver): UpstreamCall {
    const { deployment } = prepared.exchange;
    const lane = this.#lane(deployment);
    const call = new UpstreamExchangeCall(prepared, lane, observer, this.#parts);
    call.start(this.#transportOf(deployment, lane), prepared.request);
    return call;
  }

  /** Renders an operation without sending it. Throws GatewayError 400 for what its wire cannot carry. */
  prepareOperation(operation: UpstreamOperation): PreparedOperation {
    return prepareOperation(operation, this.#lane(operation.deployment));
  }

  callOperation(prepared: PreparedOperation, observer: OperationObserver): UpstreamCall {
    const { deployment } = prepared;
    const lane = this.#lane(deployment);
    const call = new OperationCall(prepared, lane, observer, this.#parts);
    call.start(this.#transportOf(deployment, lane), prepared.request);
    return call;
  }

  /** What an answer's headers say about the credential's limits. */
  rateLimits(deployment: Deployment, headers: Readonly<Record<string, string>>): RateLimitFacts {
    const { headerFacts } = getDefinition(deployment.provider.type);
    const facts: RateLimitFacts = {};
    const requests = count(headers, headerFacts.remainingRequests);
    const tokens = count(headers, headerFacts.remainingTokens);
    if (requests !== undefined) facts.remainingRequests = requests;
    if (tokens !== undefined) facts.remainingTokens = tokens;
    return facts;
  }

  /** The provider's own id of an answer, for the log and for its support. */
  upstreamRequestId(deployment: Deployment, headers: Readonly<Record<string, string>>): string | undefined {
    const name = getDefinition(deployment.provider.type).headerFacts.requestId;
    return name === undefined ? undefined : headers[name]?.slice(0, 200);
  }

  #lane(deployment: Deployment): Lane {
    let lane = this.#lanes.get(deployment);
    if (lane === undefined) {
      lane = { definition: getDefinition(deployment.provider.type), protocol: this.#parts.protocols[deployment.protocol] };
      this.#lanes.set(deployment, lane);
    }
    return lane;
  }

  /** The deployment's transport, which adds its authentication to what is sent. */
  #transportOf(deployment: Deployment, lane: Lane): UpstreamTransport {
    let transport = this.#transports.get(deployment);
    if (transport === undefined) this.#transports.set(deployment, (transport = this.#transportFor(deployment, lane)));
    return transport;
  }

  #transportFor(deployment: Deployment, { definition }: Lane): UpstreamTransport {
    const { credential, provider } = deployment;
    const target = { scheme: definition.auth, baseUrl: provider.baseUrl, credential, fields: publicFields(definition, credential) };
    return this.#auth.over(this.#rawTransportFor(deployment), target);
  }

  #rawTransportFor(deployment: Deployment): UpstreamTransport {
    if (!deployment.provider.inProcess) return this.#parts.transport;
    if (this.#parts.inProcess === null) throw new Error('no in-process transport is bound');
    return this.#parts.inProcess;
  }
}

function count(headers: Readonly<Record<string, string>>, name: string | undefined): number | undefined {
  const text = name === undefined ? undefined : headers[name];
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
