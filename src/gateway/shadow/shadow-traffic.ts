import { randomInt } from 'node:crypto';
import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import type { Deployment, RouteShadow } from '../../core/catalog/model.js';
import { completionTokens, NO_USAGE, promptTokens, type Usage } from '../../core/chat/usage.js';
import { holdAmount, isBelievable, totalFor } from '../../core/pricing/index.js';
import { hash32 } from '../../core/routing/index.js';
import type { Candidate } from '../../core/routing/plan.js';
import type { UpstreamCall } from '../../core/upstream/upstream.js';
import { ShadowRecords, type ShadowRecord, type ShadowReservation } from '../../logs/index.js';
import { ProviderAdapter } from '../../providers/index.js';
import { Planner } from '../../routing/index.js';
import type { AdmittedExchange, Exchange } from '../exchange.js';
import { maxOutputTokensOf } from '../hold-request.js';
import { ShadowCall, type ShadowEnd } from './shadow-call.js';
import { ShadowMetrics } from './shadow.metrics.js';

/** Copies under way in this process, of all routes. */
const MAX_COPIES = 128;

interface Copied {
  exchange: AdmittedExchange;
  shadow: RouteShadow;
  route: string;
}

/**
 * Sends a share of a route's answered requests a second time, to somebody whose answer is discarded: what it would have cost
 * and how it would have gone. After the client has its answer, within a budget and a concurrency of its own, under the
 * caller's own policy; no account, no limit and no health ever hears of it.
 */
@Injectable()
export class ShadowTraffic implements OnApplicationShutdown {
  private readonly logger = new Logger('Shadow');
  private readonly underway = new Map<string, number>();
  private readonly calls = new Set<UpstreamCall>();
  private copyCount = 0;

  constructor(
    private readonly planner: Planner,
    private readonly adapter: ProviderAdapter,
    private readonly records: ShadowRecords,
    private readonly metrics: ShadowMetrics,
  ) {}

  /** Of every request that has ended; almost always returns at once. Never throws, never waits. */
  consider(exchange: Exchange): void {
    const { plan } = exchange;
    if (plan?.shadow === undefined || !isChatAnswered(exchange)) return;
    const { shadow, route = '' } = plan;
    if (hash32(`shadow|${exchange.requestId}`) / 4_294_967_296 >= shadow.share) return;
    const running = this.underway.get(route) ?? 0;
    if (running >= shadow.concurrency || this.copyCount >= MAX_COPIES) return this.metrics.left(route, 'concurrency');
    this.count(route, 1);
    void this.copy({ exchange: exchange as AdmittedExchange, shadow, route })
      .catch((error: unknown) => {
        this.metrics.left(route, 'failed');
        this.logger.warn({ message: 'A copy could not be made or recorded', route }, String(error));
      })
      .finally(() => this.count(route, -1));
  }

  onApplicationShutdown(): void {
    for (const call of this.calls) call.abort();
  }

  private count(route: string, by: 1 | -1): void {
    this.copyCount += by;
    const running = (this.underway.get(route) ?? 0) + by;
    if (running > 0) this.underway.set(route, running);
    else this.underway.delete(route);
  }

  private async copy(copied: Copied): Promise<void> {
    const { route, shadow } = copied;
    const candidate = this.candidateFor(copied);
    if (candidate === null) return this.metrics.left(route, 'nobody');
    const nowMs = Date.now();
    const reservation = await this.records.reserve(route, reserveFor(copied.exchange, candidate), { budgetNanoUsd: shadow.budgetNanoUsd, nowMs });
    if (reservation === null) return this.metrics.left(route, 'budget');
    const { end, call } = await this.send(copied, candidate);
    const record = recordOf(copied, candidate, { end, call, atMs: nowMs });
    this.metrics.made(route, record);
    await this.records.finish(reservation, record);
  }

  /** Planned like any request of this caller, so that a copy goes nowhere the customer's data may not. */
  private candidateFor({ exchange, shadow }: Copied): Candidate | null {
    const { needs, caller, options } = exchange;
    const request = { ...exchange.request, model: shadow.to, models: undefined };
    const question = { request, needs, caller, options: { noFallback: true, endpoint: options.endpoint, tags: options.tags } };
    const { plan } = this.planner.explain(question, { seed: randomInt(0, 2 ** 32) });
    const [candidate] = plan.attempts;
    // A recovering deployment's one probe belongs to a request that somebody waits for.
    return candidate === undefined || plan.probe !== undefined ? null : candidate;
  }

  private async send({ exchange }: Copied, { deployment }: Candidate): Promise<{ end: ShadowEnd; call: ShadowCall }> {
    const observer = new ShadowCall(exchange.needs.promptTokensEstimate);
    const prepared = this.adapter.prepare({
      deployment,
      request: exchange.request,
      clientProtocol: exchange.protocol.id,
      body: exchange.body,
      passThrough: exchange.options.passThrough,
      hopCount: exchange.options.hopCount,
    });
    const call = this.adapter.call(prepared, observer);
    this.calls.add(call);
    try {
      return { end: await observer.end, call: observer };
    } finally {
      this.calls.delete(call);
      call.abort();
    }
  }
}

function isChatAnswered({ settlement, operation, request, protocol }: Exchange): boolean {
  return settlement?.state === 'completed' && operation === undefined && request !== undefined && protocol.id !== 'openai-completions';
}

/** The most this copy can cost at its provider. */
function reserveFor({ needs }: AdmittedExchange, { deployment }: Candidate): ShadowReservation['nanoUsd'] {
  const price = deployment.cost ?? deployment.price;
  if (price === null) return 0n;
  const { promptTokensEstimate: promptTokensCount, choices, audioInput, audioOutput, imageOutput } = needs;
  const estimate = { promptTokens: promptTokensCount, maxOutputTokens: maxOutputTokensOf(needs, deployment), choices, audioInput, audioOutput, imageOutput };
  return holdAmount(estimate, price);
}

interface Seen {
  end: ShadowEnd;
  call: ShadowCall;
  atMs: number;
}

function recordOf({ exchange, shadow, route }: Copied, { deployment, model }: Candidate, { end, call, atMs }: Seen): ShadowRecord {
  const usage = usageOf(call, end);
  return {
    requestId: exchange.requestId,
    atMs,
    route,
    target: shadow.to,
    model: model.id,
    provider: deployment.provider.id,
    outcome: end.failure === null ? 'ok' : 'error',
    ...(end.failure !== null && { errorCode: end.failure.code }),
    stream: exchange.request.stream,
    ...(exchange.request.stream && end.ttftMs !== undefined && { ttftMs: end.ttftMs }),
    totalMs: end.totalMs,
    promptTokens: promptTokens(usage),
    completionTokens: completionTokens(usage),
    cachedTokens: usage.cacheRead,
    costNanoUsd: costOf(usage, deployment, end),
  };
}

/** The provider's word, else our own estimate; nothing of a failure that told nothing. */
function usageOf({ meter }: ShadowCall, { failure }: ShadowEnd): Usage {
  if (meter.usage !== undefined && isBelievable(meter.usage)) return meter.usage;
  return failure === null ? meter.delivered(1) : NO_USAGE;
}

function costOf(usage: Usage, { cost, price }: Deployment, { failure }: ShadowEnd): bigint {
  const rates = cost ?? price;
  return rates === null ? 0n : totalFor(usage, rates, { requests: failure === null ? 1 : 0, images: 0, seconds: 0 });
}
