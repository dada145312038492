import type { Credential } from '../catalog/model.js';
import type { UpstreamFailure } from '../errors/upstream-failure.js';
import { Circuit, type CircuitState } from './circuit.js';
import { RateLimitPause, type RejectedCredential } from './credential-health.js';
import { DecayingCount } from './decaying-window.js';
import type { HealthNews } from './health-news.js';
import { LatencyDigest } from './latency-digest.js';
import type { HealthView } from './plan.js';
import type { ObservedTails } from './patience.js';
import { TailWindow } from './tail-window.js';
import { MIN_SAMPLES, wilsonLowerBound } from './wilson.js';

/** What one call told about a deployment. */
export interface CallFacts {
  nowMs: number;
  /** The client left: says nothing about the provider. */
  canceled?: boolean;
  /** Canceled because another deployment answered first: it would have taken at least so long. */
  outrun?: boolean;
  /** Until the headers of a stream. */
  firstByteMs?: number | undefined;
  /** The longest pause of a stream from then on. */
  gapMs?: number | undefined;
  /** Time to the first token; undefined without a stream. */
  ttftMs?: number;
  totalMs: number;
  /** Output tokens of the answer, for throughput. */
  outputTokens?: number;
  /** [0, 1), spreads the circuit's next probe. */
  jitter: number;
}

/** Whoever opened the circuit probes first: its news travels within a second or two. */
const FOLLOW_MIN_MS = 2_500;
const FOLLOW_SPREAD_MS = 2_500;

export type CallEffect = 'none' | 'opened' | 'closed';

/** Percentiles are read by two strategies only, so they are not worked out for every plan. */
class MeasuredView implements HealthView {
  circuit: HealthView['circuit'] = 'closed';
  retryAtMs: number | undefined = undefined;
  availability = 1;
  samples = 0;
  slowStartWeight = 1;
  credential: HealthView['credential'] = 'ok';
  credentialUntilMs: number | undefined = undefined;
  credentialExhausted = false;
  lastError: string | undefined = undefined;

  constructor(
    private readonly ttft: LatencyDigest,
    private readonly total: LatencyDigest,
    private readonly speed: LatencyDigest,
  ) {}

  get ttftP95Ms(): number | undefined {
    return this.ttft.quantile(0.95);
  }

  get totalP95Ms(): number | undefined {
    return this.total.quantile(0.95);
  }

  get tokensPerS(): number | undefined {
    return this.speed.quantile(0.5);
  }
}

/** Everything remembered about one deployment. Constant memory; the clock is an argument. */
export class DeploymentHealth {
  private readonly successes = new DecayingCount();
  private readonly failures = new DecayingCount();
  private readonly rateLimited = new DecayingCount();
  private readonly ttft = new LatencyDigest();
  private readonly total = new LatencyDigest();
  private readonly speed = new LatencyDigest();
  private readonly tailWindow = new TailWindow();
  private readonly pause = new RateLimitPause();
  private readonly circuit = new Circuit();
  private lastErrorText: string | undefined;
  private lastErrorMs: number | undefined;

  constructor(private readonly rejected: RejectedCredential) {}

  record(credential: Credential, failure: UpstreamFailure | null, facts: CallFacts): CallEffect {
    if (failure === null) return facts.canceled === true ? this.stopped(facts) : this.succeed(facts);
    if (failure.health !== 'none') this.remember(failure, facts.nowMs);
    switch (failure.health) {
      case 'failure':
        return this.fail(facts);
      case 'rate-limit':
        this.rateLimited.add(facts.nowMs);
        this.pause.limit(facts.nowMs, failure.retryAfterMs);
        return this.saysNothing();
      case 'credential':
        this.rejected.reject(credential, facts.nowMs, failure.status === 402 || failure.status === 429);
        return this.saysNothing();
      case 'drift':
      case 'none':
        return this.saysNothing();
    }
  }

  /**
   * What another replica saw of the same deployment. Its calls count like ours; its circuit's openings and closings are
   * followed, a little later than it acts itself, so that one replica's canary asks for all. `jitter` in [0, 1).
   */
  absorb(news: HealthNews, { nowMs, jitter, credential }: { nowMs: number; jitter: number; credential: Credential }): CallEffect {
    if (news.failures > 0) this.failures.add(nowMs, news.failures);
    if (news.rateLimited > 0) this.rateLimited.add(nowMs, news.rateLimited);
    for (const ms of news.ttftMs) this.ttft.add(ms, nowMs);
    for (const ms of news.totalMs) this.total.add(ms, nowMs);
    if (news.pausedForMs !== undefined) this.pause.limit(nowMs, news.pausedForMs);
    if (news.rejectedSecret !== undefined) this.rejected.adopt(credential, news.rejectedSecret, nowMs);
    const effect = this.follow(news, nowMs, jitter);
    if (news.successes > 0) this.successes.add(nowMs, news.successes);
    return effect;
  }

  /** What the other replicas should know of the circuit right after it changed. */
  circuitNews(nowMs: number): NonNullable<HealthNews['opened']> {
    return { forMs: Math.max(0, Math.round((this.circuit.retryAtMs(nowMs) ?? nowMs) - nowMs)), openings: this.circuit.openingCount };
  }

  claimCanary(nowMs: number): boolean {
    return this.circuit.claimCanary(nowMs);
  }

  view(credential: Credential, nowMs: number): HealthView {
    const good = this.successes.at(nowMs);
    const samples = good + this.failures.at(nowMs);
    const rejectedUntilMs = this.rejected.rejectedUntilMs(credential, nowMs);
    const limitedUntilMs = this.pause.limitedUntilMs(nowMs);
    const view = new MeasuredView(this.ttft, this.total, this.speed);
    view.circuit = this.circuit.state(nowMs);
    view.retryAtMs = this.circuit.retryAtMs(nowMs);
    view.availability = samples < MIN_SAMPLES ? 1 : wilsonLowerBound(good, samples);
    view.samples = samples;
    view.slowStartWeight = this.circuit.slowStartWeight(nowMs);
    view.credential = rejectedUntilMs !== undefined ? 'rejected' : limitedUntilMs !== undefined ? 'rate-limited' : 'ok';
    view.credentialUntilMs = rejectedUntilMs ?? limitedUntilMs;
    view.credentialExhausted = rejectedUntilMs !== undefined && this.rejected.exhausted;
    view.lastError = this.lastErrorText;
    return view;
  }

  /** @param otherwise where this deployment has answered too little */
  tails(nowMs: number, otherwise: ObservedTails): ObservedTails {
    return this.tailWindow.tails(nowMs, otherwise);
  }

  /** The 95th percentile of whole answers; undefined with fewer than twenty of late. */
  slowestUsualMs(nowMs: number): number | undefined {
    return this.total.countAt(nowMs) < MIN_SAMPLES ? undefined : this.total.quantile(0.95);
  }

  /** For people: what the view leaves out. */
  details(nowMs: number): DeploymentHealthDetails {
    const good = this.successes.at(nowMs);
    const bad = this.failures.at(nowMs);
    const limited = this.rateLimited.at(nowMs);
    const all = good + bad;
    return {
      circuit: this.circuit.state(nowMs),
      successRate: all < 0.01 ? null : good / all,
      rateLimitedShare: all + limited < 0.01 ? 0 : limited / (all + limited),
      consecutiveFailures: this.circuit.consecutiveFailures,
      ttftP50Ms: this.ttft.quantile(0.5) ?? null,
      ttftP95Ms: this.ttft.quantile(0.95) ?? null,
      totalP50Ms: this.total.quantile(0.5) ?? null,
      totalP95Ms: this.total.quantile(0.95) ?? null,
      lastError: this.lastErrorText ?? null,
      lastErrorAtMs: this.lastErrorMs ?? null,
    };
  }

  private succeed(facts: CallFacts): CallEffect {
    if (facts.ttftMs !== undefined) this.ttft.add(facts.ttftMs, facts.nowMs);
    this.total.add(facts.totalMs, facts.nowMs);
    this.tailWindow.add(facts, facts.nowMs);
    if (facts.outputTokens !== undefined && facts.totalMs > 0) this.speed.add((facts.outputTokens * 1_000) / facts.totalMs, facts.nowMs);
    this.pause.succeed(facts.nowMs);
    this.rejected.clear();
    const closed = this.circuit.succeed(facts.nowMs, facts.nowMs - facts.totalMs);
    if (closed) {
      this.successes.clear();
      this.failures.clear();
    }
    this.successes.add(facts.nowMs);
    return closed ? 'closed' : 'none';
  }

  private fail(facts: CallFacts): CallEffect {
    this.failures.add(facts.nowMs);
    const failures = this.failures.at(facts.nowMs);
    const samples = failures + this.successes.at(facts.nowMs);
    const opened = this.circuit.fail({ nowMs: facts.nowMs, startedAtMs: facts.nowMs - facts.totalMs, samples, failures, jitter: facts.jitter });
    return opened ? 'opened' : 'none';
  }

  private follow({ opened, closed }: HealthNews, nowMs: number, jitter: number): CallEffect {
    if (closed === true && this.circuit.adoptClosed(nowMs)) {
      this.successes.clear();
      this.failures.clear();
      return 'closed';
    }
    if (opened === undefined || opened.forMs <= 0) return 'none';
    const laterMs = FOLLOW_MIN_MS + jitter * FOLLOW_SPREAD_MS;
    return this.circuit.adoptOpen(nowMs + opened.forMs + laterMs, opened.openings) ? 'opened' : 'none';
  }

  /** Without the answers that were outrun the slowest would be missing, and a hedge would come earlier and earlier. */
  private stopped({ outrun, totalMs, nowMs }: CallFacts): CallEffect {
    if (outrun === true) this.total.add(totalMs, nowMs);
    return this.saysNothing();
  }

  private saysNothing(): CallEffect {
    this.circuit.releaseCanary();
    return 'none';
  }

  private remember(failure: UpstreamFailure, nowMs: number): void {
    this.lastErrorText = `${failure.status ?? failure.kind} ${failure.code}: ${failure.message.slice(0, 200)}`;
    this.lastErrorMs = nowMs;
  }
}

export interface DeploymentHealthDetails {
  circuit: CircuitState;
  /** Of late, 0–1; null without samples. */
  successRate: number | null;
  rateLimitedShare: number;
  consecutiveFailures: number;
  ttftP50Ms: number | null;
  ttftP95Ms: number | null;
  totalP50Ms: number | null;
  totalP95Ms: number | null;
  lastError: string | null;
  lastErrorAtMs: number | null;
}
