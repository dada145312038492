import { Inject, Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { SnapshotSource } from '../core/catalog/model.js';
import type { Caller } from '../core/policy/caller.js';
import type { ClientProtocolId } from '../core/protocols/protocol.js';
import { RequestLogs } from '../core/request-log/request-log.js';
import { Config } from '../platform/config/index.js';
import { ClientReply } from './client-reply.js';
import type { Exchange } from './exchange.js';
import { GatewayMetrics } from './gateway.metrics.js';
import { parseGatewayOptions } from './gateway-options.js';
import { Idempotency } from './idempotency/idempotency.service.js';
import { LoadGate } from './load/load-gate.js';
import { PROTOCOLS } from './protocols.js';
import { requestLogOf } from './request-log-of.js';
import { tokensUsed } from './tokens-used.js';

/** What the guards leave on a Fastify request of `/v1`. */
export interface InferenceRequest {
  caller?: Caller;
  /** Monotonic: when authentication began. */
  receivedMs?: number;
  exchange?: Exchange;
}

/**
 * A handler that takes the reply tells Nest that the answer is written by itself; otherwise Nest sends a second one, and
 * Fastify makes an error with a stack of it for every request.
 */
export interface InferenceReply {
  request: InferenceRequest;
}

/** Opens and closes exchanges: whatever way a request ends, it gives back its slot and is logged and counted once. */
@Injectable()
export class Exchanges {
  @Inject(Idempotency)
  private readonly idempotency!: Idempotency;

  @Inject(LoadGate)
  private readonly load!: LoadGate;

  private readonly opened = new WeakSet<Exchange>();

  constructor(
    private readonly config: Config,
    private readonly snapshots: SnapshotSource,
    private readonly logs: RequestLogs,
    private readonly metrics: GatewayMetrics,
  ) {}

  /** From here on the answer is written raw, past Fastify, by this exchange's reply. */
  open(request: FastifyRequest & InferenceRequest, reply: FastifyReply, protocol: ClientProtocolId): Exchange {
    const nowMs = performance.now();
    const startedMs = request.receivedMs ?? nowMs;
    const exchange: Exchange = {
      requestId: request.id,
      receivedAtMs: Math.round(Date.now() - (nowMs - startedMs)),
      startedMs,
      endpoint: request.routeOptions.url ?? request.url,
      protocol: PROTOCOLS[protocol],
      caller: request.caller as Caller,
      options: parseGatewayOptions(request.raw.headers, request.ip),
      timings: { authMs: nowMs - startedMs, totalMs: 0 },
      attempts: [],
      tried: [],
      parameters: [],
      reply: new ClientReply(reply.raw),
    };
    reply.hijack();
    request.exchange = exchange;
    this.opened.add(exchange);
    this.load.opened();
    this.metrics.opened(exchange);
    return exchange;
  }

  close(exchange: Exchange): void {
    if (!this.opened.delete(exchange)) return;
    this.load.closed(exchange);
    this.idempotency.abandon(exchange);
    if (exchange.tried.length === 0) exchange.admission?.cancel();
    else exchange.admission?.release(exchange.settlement === undefined ? 0 : tokensUsed(exchange.settlement.usage));
    const log = requestLogOf(exchange, { zone: this.config.zone, configHash: this.snapshots.current().hash, endedMs: performance.now() });
    this.logs.record(log);
    this.metrics.closed(exchange, log);
  }
}
