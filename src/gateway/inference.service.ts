import { Inject, Injectable } from '@nestjs/common';
import { KeyDirectory, Limits, type Admission } from '../auth/index.js';
import { requestNeeds } from '../core/chat/request-needs.js';
import type { ChatRequest, RequestNeeds } from '../core/chat/request.js';
import { SnapshotSource } from '../core/catalog/model.js';
import { scanBody } from '../core/json/index.js';
import type { OperationKind } from '../core/operations/index.js';
import { decide, denialError } from '../core/policy/index.js';
import { findModel } from '../core/routing/index.js';
import { Config } from '../platform/config/index.js';
import { failpoint } from '../platform/failpoint/index.js';
import { CompleteChat } from './complete-chat.service.js';
import type { AdmittedExchange, Exchange } from './exchange.js';
import { Exchanges, type Arrival } from './exchanges.js';
import { maxOutputTokensOf } from './hold-request.js';
import { BODY_DEADLINE_MS, readJsonBody } from './http/request-body.js';
import { Idempotency } from './idempotency/idempotency.service.js';
import type { InferenceRoute } from './inference-routes.js';
import { LoadGate } from './load/load-gate.js';
import { readOperation } from './operations/read-operation.js';
import { Refusals } from './refusals.js';
import { ResponseHistories } from './responses/response-histories.js';

/**
 * One inference request from its headers to its last byte: whose it is (headers only, the body unread), what it asks, whether
 * it may, then the spine. In this order, so that a refused request consumes nothing; a repeat under an idempotency key ends
 * before the limits. Plain calls in sequence: guards and interceptors would cost a third of the request (ADR 0007).
 */
@Injectable()
export class Inference {
  @Inject(Config)
  private readonly config!: Config;
  @Inject(SnapshotSource)
  private readonly snapshots!: SnapshotSource;
  @Inject(ResponseHistories)
  private readonly histories!: ResponseHistories;
  @Inject(Idempotency)
  private readonly idempotency!: Idempotency;
  @Inject(LoadGate)
  private readonly load!: LoadGate;
  @Inject(Refusals)
  private readonly refusals!: Refusals;

  constructor(
    private readonly keys: KeyDirectory,
    private readonly exchanges: Exchanges,
    private readonly limits: Limits,
    private readonly completeChat: CompleteChat,
  ) {}

  /** Never rejects: what goes wrong is answered here, in the words of the route's protocol. */
  async serve(arrival: Arrival, route: InferenceRoute): Promise<void> {
    let exchange: Exchange | undefined;
    try {
      this.load.refuseWhenFull();
      const caller = this.keys.authenticate(arrival.message);
      exchange = this.exchanges.open(arrival, route, caller instanceof Promise ? await caller : caller);
      // Awaited is only what is not there yet: an await costs half a microsecond even when it waits for nothing.
      const reading = route.operation === undefined ? this.readChat(exchange, arrival) : this.readOther(exchange, arrival, route.operation);
      if (reading !== undefined) await reading;
      const admission = this.admit(exchange, arrival);
      if (admission !== undefined) await admission;
      await this.completeChat.complete(exchange as AdmittedExchange);
    } catch (error) {
      if (exchange !== undefined) this.exchanges.giveBack(exchange);
      const told = this.limits.told();
      if (told !== undefined) await told;
      this.refusals.answer(error, { arrival, route, exchange });
    }
    if (exchange === undefined) return;
    this.exchanges.close(exchange);
    if (route.protocol === 'openai-responses') this.histories.keep(exchange as AdmittedExchange);
  }

  private readChat(exchange: Exchange, { message }: Arrival): Promise<void> | undefined {
    const body = readJsonBody(message, { maxBytes: this.config.bodyLimitBytes, deadlineMs: BODY_DEADLINE_MS });
    return body instanceof Promise ? body.then((bytes) => this.read(exchange, bytes)) : this.read(exchange, body);
  }

  private async readOther(exchange: Exchange, { message }: Arrival, operation: OperationKind): Promise<void> {
    await readOperation(exchange, operation, { message, maxBytes: this.config.bodyLimitBytes });
    this.load.begin(exchange);
  }

  /** A promise only where the chain of a conversation must be fetched. */
  private read(exchange: Exchange, bytes: Buffer): Promise<void> | undefined {
    this.load.begin(exchange);
    const parseMs = performance.now();
    exchange.body = scanBody(bytes);
    exchange.request = exchange.protocol.parseRequest(exchange.body.value);
    const { id } = exchange.protocol;
    if (id === 'openai-completions') exchange.options.endpoint = 'completions';
    if (id === 'openai-responses') return this.histories.resolve(exchange).then(() => this.understand(exchange, parseMs));
    this.understand(exchange, parseMs);
    return undefined;
  }

  private understand(exchange: Exchange, parseMs: number): void {
    const request = exchange.request as ChatRequest;
    exchange.needs = requestNeeds(request);
    if (request.adjustments !== undefined) exchange.parameters.push(...request.adjustments);
    exchange.timings.parseMs = performance.now() - parseMs;
    failpoint('body-parsed');
  }

  /** Policy, idempotency key, limits. */
  private admit(exchange: Exchange, { message }: Arrival): Promise<void> | undefined {
    this.judge(exchange);
    const claim = this.idempotency.begin(exchange, message);
    if (claim === undefined) return this.limit(exchange);
    return claim.then(() => (exchange.stored === undefined ? this.limit(exchange) : undefined));
  }

  private judge(exchange: Exchange): void {
    const policyMs = performance.now();
    const { caller, options, operation } = exchange;
    const request = exchange.request as ChatRequest;
    const needs = exchange.needs as RequestNeeds;
    const decision = decide(caller, {
      nowMs: exchange.receivedAtMs,
      clientIp: options.clientIp,
      model: findModel(this.snapshots.current(), request.model) ?? undefined,
      streaming: request.stream,
      needs,
      output: operation === undefined ? outputOf(request) : undefined,
    });
    if (!decision.allowed) throw denialError(decision);
    // How much an operation writes is not for its client to say: what it can write at most stands already.
    if (operation === undefined) request.maxOutputTokens = needs.maxOutputTokens = decision.maxOutputTokens;
    if (decision.adjustments.length > 0) exchange.parameters.push(...decision.adjustments);
    exchange.timings.policyMs = performance.now() - policyMs;
  }

  private limit(exchange: Exchange): Promise<void> | undefined {
    const limitsMs = performance.now();
    const { promptTokensEstimate, maxOutputTokens, choices } = exchange.needs as RequestNeeds;
    const asked = promptTokensEstimate + (maxOutputTokens ?? 0) * choices;
    const admission = this.limits.admit(exchange.caller, asked, Math.max(asked, promptTokensEstimate + this.mostOutput(exchange)));
    if (admission instanceof Promise) return admission.then((late) => this.admitted(exchange, late, limitsMs));
    this.admitted(exchange, admission, limitsMs);
    return undefined;
  }

  private admitted(exchange: Exchange, admission: Admission, limitsMs: number): void {
    exchange.admission = admission;
    exchange.timings.limitsMs = performance.now() - limitsMs;
    failpoint('limits-taken');
  }

  /** An answer without a maximum of its own may become as long as the model's: many at once must not add up beyond a limit. */
  private mostOutput({ operation, request, needs }: Exchange): number {
    const model = operation === undefined && request !== undefined ? findModel(this.snapshots.current(), request.model) : null;
    return model === null || needs === undefined ? 0 : maxOutputTokensOf(needs, model) * needs.choices;
  }
}

function outputOf({ maxOutputTokens, wireNames }: ChatRequest): { maxTokens: number | undefined; parameter: string } {
  return { maxTokens: maxOutputTokens, parameter: wireNames['maxOutputTokens'] ?? 'max_tokens' };
}
