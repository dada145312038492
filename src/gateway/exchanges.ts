import { Inject, Injectable } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { SnapshotSource } from '../core/catalog/model.js';
import type { Caller } from '../core/policy/caller.js';
import { RequestLogs, type StageTimings } from '../core/request-log/request-log.js';
import { Config } from '../platform/config/index.js';
import { NodeMessage, NodeReply, type InboundMessage, type OutboundReply } from '../platform/inbound/index.js';
import { AFTERWARDS, TurnBatch } from '../platform/turn/index.js';
import { ClientReply } from './client-reply.js';
import type { Exchange } from './exchange.js';
import { GatewayMetrics } from './gateway.metrics.js';
import { parseGatewayOptions } from './gateway-options.js';
import { Idempotency } from './idempotency/idempotency.service.js';
import type { InferenceRoute } from './inference-routes.js';
import { LoadGate } from './load/load-gate.js';
import { PROTOCOLS } from './protocols.js';
import { requestLogOf } from './request-log-of.js';
import { ShadowTraffic } from './shadow/shadow-traffic.js';
import { tokensUsed } from './tokens-used.js';

/** One request as it came, whichever server read it and whichever door it came through. */
export interface Arrival {
  readonly requestId: string;
  /** Monotonic. */
  readonly receivedMs: number;
  readonly message: InboundMessage;
  readonly reply: OutboundReply;
  readonly clientIp: string;
}

/** Of a request that Nest has routed. From here on the answer is written raw, past Fastify. */
export function arrivalOf(reply: FastifyReply): Arrival {
  reply.hijack();
  const { request, raw } = reply;
  return { requestId: request.id, receivedMs: performance.now(), message: new NodeMessage(request.raw), reply: new NodeReply(raw), clientIp: request.ip };
}

/** Opens and closes exchanges: whatever way a request ends, it gives back its slot and is logged and counted once. */
@Injectable()
export class Exchanges {
  @Inject(Idempotency)
  private readonly idempotency!: Idempotency;

  @Inject(ShadowTraffic)
  private readonly shadows!: ShadowTraffic;

  @Inject(LoadGate)
  private readonly load!: LoadGate;

  private readonly closed: TurnBatch<Exchange>;

  constructor(
    private readonly config: Config,
    private readonly snapshots: SnapshotSource,
    private readonly logs: RequestLogs,
    private readonly metrics: GatewayMetrics,
  ) {
    this.closed = new TurnBatch(AFTERWARDS, (exchange) => this.record(exchange));
  }

  open({ requestId, receivedMs, message, reply, clientIp }: Arrival, route: InferenceRoute, caller: Caller): Exchange {
    const nowMs = performance.now();
    const exchange: Exchange = {
      requestId,
      receivedAtMs: Math.round(Date.now() - (nowMs - receivedMs)),
      startedMs: receivedMs,
      endpoint: route.path,
      protocol: PROTOCOLS[route.protocol],
      caller,
      options: parseGatewayOptions(message.headers, clientIp),
      timings: timingsFrom(nowMs - receivedMs),
      attempts: [],
      tried: [],
      // From here on what the stages find out: named at once, so that all exchanges have one hidden class and none grows.
      body: undefined,
      request: undefined,
      operation: undefined,
      needs: undefined,
      admission: undefined,
      plan: undefined,
      parameters: [],
      hold: undefined,
      settlement: undefined,
      served: undefined,
      fallback: undefined,
      meter: undefined,
      reply: new ClientReply(reply),
      error: undefined,
      isWorkedOn: undefined,
      stored: undefined,
      replayed: undefined,
      responseBody: undefined,
      prepared: undefined,
      responseState: undefined,
    };
    this.load.opened();
    this.metrics.opened(exchange);
    return exchange;
  }

  /** Its slots and what it did not use; once, however often it is called. */
  giveBack(exchange: Exchange): void {
    if (exchange.tried.length === 0) exchange.admission?.cancel();
    else exchange.admission?.release(exchange.settlement === undefined ? 0 : tokensUsed(exchange.settlement.usage));
  }

  close(exchange: Exchange): void {
    this.load.closed(exchange);
    this.idempotency.abandon(exchange);
    this.giveBack(exchange);
    exchange.timings.totalMs = performance.now() - exchange.startedMs;
    this.closed.add(exchange);
  }

  /** Behind the answers of its turn. */
  private record(exchange: Exchange): void {
    const log = requestLogOf(exchange, { zone: this.config.zone, configHash: this.snapshots.current().hash });
    this.logs.record(log);
    this.metrics.closed(exchange, log);
    this.shadows.consider(exchange);
  }
}

/** All stages, so that each timing has its place; they take their values in this order. */
function timingsFrom(authMs: number): StageTimings {
  return {
    authMs,
    totalMs: 0,
    parseMs: undefined,
    policyMs: undefined,
    limitsMs: undefined,
    routingMs: undefined,
    holdMs: undefined,
    connectMs: undefined,
    ttftMs: undefined,
    generationMs: undefined,
    settleMs: undefined,
  };
}
