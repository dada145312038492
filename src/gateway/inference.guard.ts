import { Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { requestNeeds } from '../core/chat/request-needs.js';
import type { ChatRequest } from '../core/chat/request.js';
import { SnapshotSource } from '../core/catalog/model.js';
import { scanBody } from '../core/json/index.js';
import type { OperationKind } from '../core/operations/index.js';
import { decide, denialError } from '../core/policy/index.js';
import type { ClientProtocolId } from '../core/protocols/protocol.js';
import { findModel } from '../core/routing/index.js';
import { Limits } from '../auth/index.js';
import { Config } from '../platform/config/index.js';
import type { Exchange } from './exchange.js';
import { Exchanges, type InferenceRequest } from './exchanges.js';
import { maxOutputTokensOf } from './hold-request.js';
import { BODY_DEADLINE_MS, readJsonBody } from './http/request-body.js';
import { Idempotency } from './idempotency/idempotency.service.js';
import { LoadGate } from './load/load-gate.js';
import { INFERENCE_OPERATION, INFERENCE_PROTOCOL } from './inference.js';
import { readOperation } from './operations/read-operation.js';
import { ResponseHistories } from './responses/response-histories.js';

/**
 * Everything between a known caller and the spine: the body read and parsed once, the policy judged, then the limits
 * taken, in this order, so that a refused request consumes nothing. A repeat under an idempotency key ends before the limits.
 */
@Injectable()
export class InferenceGuard implements CanActivate {
  @Inject(Config)
  private readonly config!: Config;

  @Inject(Idempotency)
  private readonly idempotency!: Idempotency;

  @Inject(LoadGate)
  private readonly load!: LoadGate;

  @Inject(ResponseHistories)
  private readonly histories!: ResponseHistories;

  constructor(
    private readonly reflector: Reflector,
    private readonly exchanges: Exchanges,
    private readonly snapshots: SnapshotSource,
    private readonly limits: Limits,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const http = context.switchToHttp();
    const request = http.getRequest<FastifyRequest & InferenceRequest>();
    const protocol = this.reflector.getAllAndOverride<ClientProtocolId>(INFERENCE_PROTOCOL, [context.getHandler(), context.getClass()]);
    const exchange = this.exchanges.open(request, http.getResponse<FastifyReply>(), protocol);
    const operation = this.reflector.getAllAndOverride<OperationKind | undefined>(INFERENCE_OPERATION, [context.getHandler()]);
    if (operation === undefined) await this.read(exchange, request);
    else await this.readOperation(exchange, operation, request);
    this.judge(exchange);
    await this.idempotency.begin(exchange, request.raw);
    if (!this.idempotency.replays(exchange)) await this.limit(exchange);
    return true;
  }

  private async limit(exchange: Exchange): Promise<void> {
    const limitsMs = performance.now();
    const { promptTokensEstimate, maxOutputTokens, choices } = exchange.needs as NonNullable<Exchange['needs']>;
    const asked = promptTokensEstimate + (maxOutputTokens ?? 0) * choices;
    exchange.admission = await this.limits.admit(exchange.caller, asked, Math.max(asked, promptTokensEstimate + this.mostOutput(exchange)));
    exchange.timings.limitsMs = performance.now() - limitsMs;
  }

  /** An answer without a maximum of its own may become as long as the model's: many at once must not add up beyond a limit. */
  private mostOutput({ operation, request, needs }: Exchange): number {
    const model = operation === undefined && request !== undefined ? findModel(this.snapshots.current(), request.model) : null;
    return model === null || needs === undefined ? 0 : maxOutputTokensOf(needs, model) * needs.choices;
  }

  private async readOperation(exchange: Exchange, operation: OperationKind, request: FastifyRequest): Promise<void> {
    await readOperation(exchange, operation, { message: request.raw, maxBytes: this.config.bodyLimitBytes });
    this.load.begin(exchange);
  }

  private async read(exchange: Exchange, request: FastifyRequest): Promise<void> {
    const bytes = await readJsonBody(request.raw, { maxBytes: this.config.bodyLimitBytes, deadlineMs: BODY_DEADLINE_MS });
    this.load.begin(exchange);
    const parseMs = performance.now();
    exchange.body = scanBody(bytes);
    exchange.request = exchange.protocol.parseRequest(exchange.body.value);
    if (exchange.protocol.id === 'openai-completions') exchange.options.endpoint = 'completions';
    await this.histories.resolve(exchange);
    exchange.needs = requestNeeds(exchange.request);
    exchange.parameters.push(...(exchange.request.adjustments ?? []));
    exchange.timings.parseMs = performance.now() - parseMs;
  }

  private judge(exchange: Exchange): void {
    const policyMs = performance.now();
    const { caller, request, needs } = exchange as Required<Pick<Exchange, 'request' | 'needs'>> & Exchange;
    const model = findModel(this.snapshots.current(), request.model);
    const decision = decide(caller, {
      nowMs: exchange.receivedAtMs,
      clientIp: exchange.options.clientIp,
      model: model ?? undefined,
      streaming: request.stream,
      needs,
      output: exchange.operation === undefined ? outputOf(request) : undefined,
    });
    if (!decision.allowed) throw denialError(decision);
    // How much an operation writes is not for its client to say: what it can write at most stands already.
    if (exchange.operation === undefined) request.maxOutputTokens = needs.maxOutputTokens = decision.maxOutputTokens;
    exchange.parameters.push(...decision.adjustments);
    exchange.timings.policyMs = performance.now() - policyMs;
  }
}

function outputOf({ maxOutputTokens, wireNames }: ChatRequest): { maxTokens: number | undefined; parameter: string } {
  return { maxTokens: maxOutputTokens, parameter: wireNames['maxOutputTokens'] ?? 'max_tokens' };
}
