import { Inject, Injectable } from '@nestjs/common';
import { GatewayError } from '../core/errors/gateway-error.js';
import type { Deployment } from '../core/catalog/model.js';
import { NOWHERE } from '../core/collections/roster.js';
import type { ParameterAdjustment } from '../core/chat/parameter-report.js';
import type { AttemptLog } from '../core/request-log/request-log.js';
import type { Candidate, Plan } from '../core/routing/plan.js';
import { ProviderAdapter, type PreparedCall, type PreparedOperation } from '../providers/index.js';
import { MAX_ATTEMPTS, modelClassOf, type Patience } from '../core/routing/index.js';
import { Planner, type CallOutcome } from '../routing/index.js';
import { Answers } from './answers.js';
import { Attempt, type AttemptOutcome } from './attempt.js';
import type { AttemptHost, HostedAttempt } from './attempt-options.js';
import type { AdmittedExchange } from './exchange.js';
import { bulkheadFull, Bulkheads } from './load/bulkheads.js';
import { LoadGate } from './load/load-gate.js';
import { DrainSlots } from './drain-slots.js';
import { nextCandidate } from './next-candidate.js';
import { completionsDeployment } from './operations/legacy-completions.js';
import { PROTOCOLS } from './protocols.js';
import { renderContextFor } from './render-context.js';
import { StreamTicker } from './stream-ticker.js';

/** Abandoned streams that may be read to their end at the same time (`drain_on_abort`). */
const MAX_DRAINS = 32;

/** Anthropic's longer cache, which a request asks for (`cache_control.ttl`). */
const HOUR_MS = 3_600_000;

/** Turns a candidate of the plan into a running attempt, and what became of it into health, log and metrics. */
@Injectable()
export class AttemptRunner implements AttemptHost {
  @Inject(LoadGate)
  private readonly load!: LoadGate;
  @Inject(Bulkheads)
  private readonly bulkheads!: Bulkheads;

  readonly drains = new DrainSlots(MAX_DRAINS);

  constructor(
    private readonly adapter: ProviderAdapter,
    private readonly planner: Planner,
    private readonly answers: Answers,
    private readonly ticker: StreamTicker,
  ) {}

  /**
   * Renders the first candidate's request before any money is held, so that a request that cannot be rendered costs
   * nothing. Passes over candidates that cannot be given this request, or not without an adjustment where those are
   * forbidden; throws the first one's refusal when nobody is left.
   */
  refuseAdjustments(exchange: AdmittedExchange, plan: Plan): void {
    const byPolicy = exchange.parameters;
    if (isStrict(exchange) && byPolicy.some(isAdjustment)) throw adjusted(byPolicy);
    let refusal: GatewayError | undefined;
    for (let first = plan.attempts[0]; first !== undefined; first = plan.attempts[0]) {
      const found = this.refusalOf(exchange, first);
      if (found === null) {
        const { report } = this.prepare(exchange, first);
        if (report.length > 0) exchange.parameters = [...byPolicy, ...report];
        return;
      }
      refusal ??= found;
      plan.attempts.shift();
    }
    throw refusal ?? adjusted([]);
  }

  /** Who is asked after a failure, passing over whoever cannot be given this request; null when it ends here. */
  next(exchange: AdmittedExchange, outcome: Extract<AttemptOutcome, { kind: 'failed' }>): Candidate | null {
    for (;;) {
      const candidate = nextCandidate(exchange, outcome);
      if (candidate === null || this.refusalOf(exchange, candidate) === null) return candidate;
      const attempts = exchange.plan?.attempts ?? [];
      attempts.splice(attempts.indexOf(candidate), 1);
    }
  }

  /** Whether this request can be rendered for it, without an adjustment where those are forbidden. */
  canBeAsked(exchange: AdmittedExchange, candidate: Candidate): boolean {
    return this.refusalOf(exchange, candidate) === null;
  }

  /**
   * Everything but the sending: that the candidate is asked stands in the journal first. Counts as tried from here on.
   * `hedges`: beside an attempt that runs already.
   */
  open(exchange: AdmittedExchange, candidate: Candidate, hedges = false): Attempt {
    exchange.served = candidate;
    exchange.tried.push(candidate);
    const { report } = this.prepare(exchange, candidate);
    if (report.length > 0) exchange.parameters = [...exchange.parameters.filter((item) => !report.some((other) => other.parameter === item.parameter)), ...report];
    // Another model than was asked for is never served in silence; names of routes may hold what a header cannot.
    exchange.fallback = candidate.fallback?.replace(/[^\x20-\x7e]/g, '?');
    const { provider, protocol, upstreamModel } = candidate.deployment;
    const attempt = new Attempt(exchange, {
      candidate,
      number: exchange.tried.length,
      hedges,
      patience: this.patienceWith(exchange, candidate),
      renderer: exchange.request.stream ? PROTOCOLS[exchange.protocol.id].createStreamRenderer(renderContextFor(exchange)) : undefined,
      sameProtocol: protocol === exchange.protocol.id,
      host: this,
    });
    if (!this.bulkheads.take(provider)) {
      attempt.onFailure(bulkheadFull(provider));
      return attempt;
    }
    exchange.hold?.forwarded({ provider: provider.id, upstreamModel, number: attempt.number, atMs: attempt.startedAtMs });
    this.ticker.add(attempt);
    return attempt;
  }

  get shutdown(): AbortSignal {
    return this.ticker.shutdown;
  }

  headersOf(exchange: AdmittedExchange): Record<string, string> {
    return this.answers.headers(exchange);
  }

  /** One without a place at its provider never came onto the ticker. */
  ended(attempt: HostedAttempt): void {
    if (attempt.place === NOWHERE) return;
    this.ticker.remove(attempt);
    this.bulkheads.give(attempt.candidate.deployment.provider);
  }

  /** Nothing when it has ended already: no room at the provider, or the client left. */
  send(exchange: AdmittedExchange, attempt: Attempt): void {
    this.load.forwarded(exchange);
    if (attempt.ended) return;
    const call = this.prepare(exchange, attempt.candidate);
    attempt.start('wire' in call ? this.adapter.callOperation(call, attempt) : this.adapter.call(call, attempt));
  }

  /** After every attempt, before the next: what happened is health's and the log's. `outrun`: another one, asked beside it, answered first. */
  report(exchange: AdmittedExchange, attempt: Attempt, outcome: AttemptOutcome, outrun = false): void {
    const { candidate } = attempt;
    exchange.attempts.push(attemptLogOf(exchange, attempt, outcome));
    if (outcome.kind === 'failed' && outcome.failure.drift !== undefined) attempt.meter.drift.push(`denied:${outcome.failure.drift}`);
    noteTimings(exchange, attempt);
    const failure = outcome.kind === 'failed' ? outcome.failure : null;
    this.planner.report(exchange.plan as Plan, candidate.deployment, failure, factsOf(exchange, attempt, { canceled: outcome.kind === 'canceled', outrun }));
  }

  /** Only where somebody else may be asked then, and only for streams: whole answers take as long as they are long. */
  private patienceWith({ plan, request, tried }: AdmittedExchange, candidate: Candidate): Patience | null {
    if (plan === undefined || !request.stream) return null;
    const isLast = tried.length >= MAX_ATTEMPTS || plan.attempts.every((other) => tried.includes(other));
    return isLast ? null : this.planner.patience(candidate);
  }

  private refusalOf(exchange: AdmittedExchange, candidate: Candidate): GatewayError | null {
    try {
      const { report } = this.prepare(exchange, candidate);
      return isStrict(exchange) && report.some(isAdjustment) ? adjusted(report) : null;
    } catch (error) {
      if (error instanceof GatewayError) return error;
      throw error;
    }
  }

  private prepare(exchange: AdmittedExchange, candidate: Candidate): PreparedCall | PreparedOperation {
    const known = exchange.prepared;
    if (known?.candidate === candidate) return known.call;
    const call = this.render(exchange, candidate);
    exchange.prepared = { candidate, call };
    return call;
  }

  private render(exchange: AdmittedExchange, candidate: Candidate): PreparedCall | PreparedOperation {
    const { operation } = exchange;
    if (operation !== undefined) return this.adapter.prepareOperation({ ...operation, deployment: candidate.deployment, hopCount: exchange.options.hopCount });
    if (exchange.protocol.id !== 'openai-completions') return this.renderChat(exchange, candidate.deployment);
    const { deployment, dropped } = completionsDeployment(exchange, candidate);
    const call = this.renderChat(exchange, deployment);
    return { ...call, report: [...call.report, ...dropped] };
  }

  private renderChat(exchange: AdmittedExchange, deployment: Deployment): PreparedCall {
    return this.adapter.prepare({
      deployment,
      request: exchange.request,
      clientProtocol: exchange.protocol.id,
      body: exchange.body,
      passThrough: exchange.options.passThrough,
      hopCount: exchange.options.hopCount,
    });
  }
}

function isStrict({ options, caller }: AdmittedExchange): boolean {
  return options.strict || caller.strictParams;
}

/** A value for what the client left open, or another name for what it said, takes nothing away. */
function isAdjustment(item: ParameterAdjustment): boolean {
  return item.action !== 'defaulted' && item.action !== 'renamed';
}

function adjusted(report: readonly ParameterAdjustment[]): GatewayError {
  const adjustments = report.filter(isAdjustment);
  const [first] = adjustments;
  const words = adjustments.map((item) => `${item.parameter} would be ${item.action}${item.detail === undefined ? '' : ` (${item.detail})`}`).join(', ');
  return new GatewayError('unsupported_parameter', `Strict parameters: ${words}.`, { param: first?.parameter ?? null });
}

function noteTimings({ timings, request, startedMs }: AdmittedExchange, { connectMs, meter }: Attempt): void {
  timings.connectMs = connectMs;
  if (!request.stream || meter.firstContentAtMs === undefined) return;
  timings.ttftMs = meter.firstContentAtMs - startedMs;
  timings.generationMs = performance.now() - meter.firstContentAtMs;
}

/** What the call tells about its deployment. */
function factsOf({ request: { stream } }: AdmittedExchange, attempt: Attempt, { canceled, outrun }: Pick<CallOutcome, 'canceled' | 'outrun'>): CallOutcome {
  const { meter, candidate } = attempt;
  return {
    canceled,
    outrun,
    ttftMs: stream ? attempt.ttftMs : undefined,
    firstByteMs: stream ? attempt.firstByteMs : undefined,
    gapMs: stream ? attempt.pauses.longestMs : undefined,
    totalMs: attempt.totalMs,
    outputTokens: meter.estimatedOutputTokens,
    cachedForMs: (meter.usage?.cacheWrite1h ?? 0) > 0 ? HOUR_MS : undefined,
    modelClass: modelClassOf(candidate.model),
  };
}

function zonesOf({ provider: { zones } }: Deployment): string | undefined {
  return zones.length === 0 ? undefined : zones.join(',');
}

function kindOf({ tried }: AdmittedExchange, { number, candidate, hedges }: Attempt): AttemptLog['kind'] {
  if (number === 1) return 'first';
  if (hedges) return 'hedge';
  return tried[number - 2] === candidate ? 'retry' : 'fallback';
}

function attemptLogOf(exchange: AdmittedExchange, attempt: Attempt, outcome: AttemptOutcome): AttemptLog {
  const { candidate, number } = attempt;
  const { deployment } = candidate;
  const failure = outcome.kind === 'failed' ? outcome.failure : undefined;
  return {
    number,
    provider: deployment.provider.id,
    upstreamModel: deployment.upstreamModel,
    deployment: deployment.id,
    credential: deployment.credential.id,
    zone: zonesOf(deployment),
    kind: kindOf(exchange, attempt),
    outcome: failure === undefined ? (outcome.kind === 'canceled' ? 'canceled' : 'ok') : failure.kind === 'timeout' ? 'timeout' : 'error',
    status: attempt.status,
    errorCode: failure?.code,
    errorMessage: failure?.message,
    startedAtMs: attempt.startedAtMs,
    connectMs: attempt.connectMs,
    firstByteMs: attempt.firstByteMs,
    totalMs: attempt.totalMs,
  };
}
