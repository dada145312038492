import proxyAddress, { compile } from '@fastify/proxy-addr';
import { Injectable } from '@nestjs/common';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { GatewayError } from '../../core/errors/gateway-error.js';
import { Config } from '../../platform/config/index.js';
import { Drain } from '../../platform/health/index.js';
import { newRequestId } from '../../platform/ids/index.js';
import { NodeMessage, NodeReply, type InboundMessage, type LeanService, type OutboundReply } from '../../platform/inbound/index.js';
import { TURN_STAGES, TurnBatch } from '../../platform/turn/index.js';
import type { Arrival } from '../exchanges.js';
import { INFERENCE_ROUTES, type InferenceRoute } from '../inference-routes.js';
import { Inference } from '../inference.service.js';
import { Refusals } from '../refusals.js';
import { refuseTwoHosts } from './two-hosts.js';

/**
 * Serves inference requests before the framework sees them: its routing, hooks and body parsers cost as much as the whole rest of a
 * request (ADR 7). It takes a POST to exactly a known path, from the lean server (ADR 16) or from node's; everything else, another
 * spelling of such a path included, goes to Nest, whose controllers lead to the same service.
 */
@Injectable()
export class InferenceDoor implements LeanService {
  private readonly routes = new Map<string, InferenceRoute>(Object.values(INFERENCE_ROUTES).map((route) => [route.path, route]));
  private readonly addressOf: (message: InboundMessage) => string;
  private readonly arrived: TurnBatch<{ arrival: Arrival; route: InferenceRoute }>;

  constructor(
    config: Config,
    private readonly drain: Drain,
    inference: Inference,
    private readonly refusals: Refusals,
  ) {
    this.arrived = new TurnBatch(TURN_STAGES.arrived, ({ arrival, route }) => void inference.serve(arrival, route));
    const trusts = config.trustedProxies.length === 0 ? null : compile([...config.trustedProxies]);
    this.addressOf = (message) => (trusts === null ? (message.socket.remoteAddress ?? '') : proxyAddress(message as unknown as IncomingMessage, trusts));
  }

  serves(path: string): boolean {
    return this.routes.has(path);
  }

  serve(path: string, message: InboundMessage, reply: OutboundReply): void {
    const route = this.routes.get(path) as InferenceRoute;
    const arrival = { requestId: newRequestId(), receivedMs: performance.now(), message, reply, clientIp: this.addressOf(message) };
    const refusal = this.refusalOf(message);
    if (refusal === null) this.arrived.add({ arrival, route });
    else this.refusals.answer(refusal, { arrival, route, exchange: undefined });
  }

  /** Of node's own server. False when the request is none of these. */
  take(message: IncomingMessage, response: ServerResponse): boolean {
    const path = message.url ?? '';
    if (message.method !== 'POST' || !this.serves(path)) return false;
    this.serve(path, new NodeMessage(message), new NodeReply(response));
    return true;
  }

  private refusalOf({ rawHeaders }: Arrival['message']): GatewayError | null {
    if (this.drain.begun.aborted) return new GatewayError('server_shutdown', 'This server is shutting down; send the request again.', { retryAfterMs: 1_000 });
    return refuseTwoHosts(rawHeaders);
  }
}
