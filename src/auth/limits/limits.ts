import { Injectable } from '@nestjs/common';
import { GatewayError } from '../../core/errors/gateway-error.js';
import type { Caller, CallerLayer, Limits as LayerLimits } from '../../core/policy/index.js';
import { Clock } from '../../platform/clock/index.js';
import { AuthMetrics } from '../auth-metrics.js';
import { LimitStore, type Demand, type LimitName, type LimitSubject, type Outcome, type Refusal, type Reservation } from './limit-store.js';
import { addAnthropicRateLimitHeaders, addRateLimitHeaders, tightest } from './rate-limit-headers.js';

/** A request that was let in. Give it back on every ending; a second call does nothing. */
export abstract class Admission {
  /** The request ended: its slot is free, its tokens become what it used (0 when it failed). */
  abstract release(actualTokens: number): void;
  /** It was refused after all, before any provider was asked: it counts as if it had never come. */
  abstract cancel(): void;
  /** `x-ratelimit-*` of the tightest windows; none without limits. After `release` they count what was really used. */
  abstract addHeaders(headers: Record<string, string>): void;
  /** The same as `anthropic-ratelimit-*`. */
  abstract addAnthropicHeaders(headers: Record<string, string>): void;
}

/** One limit, for `GET /v1/key`. */
export interface LimitUsage {
  readonly layer: string;
  readonly id: string;
  readonly limit: LimitName;
  readonly limit_count: number;
  readonly used: number;
  readonly remaining: number;
  readonly reset_seconds: number;
}

/** What a route may limit all its requests to, whoever sends them. */
type RouteLimits = Pick<LayerLimits, 'rpm' | 'concurrency'>;

const UNLIMITED: Admission = Object.freeze({
  release: () => undefined,
  cancel: () => undefined,
  addHeaders: () => undefined,
  addAnthropicHeaders: () => undefined,
});

const LIMIT_WORDS: Readonly<Record<LimitName, string>> = {
  rpm: 'requests per minute',
  rpd: 'requests per day',
  tpm: 'tokens per minute',
  concurrency: 'requests at a time',
};

/** Rates and slots of key, project and organization, taken together in one step or not at all. */
@Injectable()
export class Limits {
  readonly #subjects = new WeakMap<Caller, readonly LimitSubject[]>();
  /** Callers share their organization's and project's layers, and so what is remembered of them. */
  readonly #layerSubjects = new WeakMap<CallerLayer, LimitSubject>();

  readonly #routeSubjects = new WeakMap<RouteLimits, readonly LimitSubject[]>();

  constructor(
    private readonly store: LimitStore,
    private readonly clock: Clock,
    private readonly metrics: AuthMetrics,
  ) {}

  /**
   * Lets a request in, or throws (rejects with) GatewayError 429 `rate_limit_exceeded`, which consumed nothing.
   * @param minimumTokens what it will use at least and must fit: prompt, and the client's own maximum where it gave one
   * @param reserveTokens what it may use at most; reserved as far as there is room, so that open-ended requests do not add up
   */
  admit(caller: Caller, minimumTokens: number, reserveTokens = minimumTokens): Admission | Promise<Admission> {
    const subjects = this.#subjectsOf(caller);
    if (subjects.length === 0) return UNLIMITED;
    const demand: Demand = { subjects, minimumTokens, reserveTokens: Math.min(Math.max(minimumTokens, reserveTokens), Number.MAX_SAFE_INTEGER) };
    const outcome = this.store.admit(demand);
    return outcome instanceof Promise ? outcome.then((late) => this.#conclude(late)) : this.#conclude(outcome);
  }

  /**
   * Lets a request that its caller's own limits let in pass its route's, too. Throws (rejects with) GatewayError 429, which
   * consumed nothing of the route's; `first` stays the caller's to give back.
   */
  admitByRoute(route: { name: string; limits: RouteLimits }, first: Admission): Admission | Promise<Admission> {
    const outcome = this.store.admit({ subjects: this.#routeSubjectsOf(route), minimumTokens: 0, reserveTokens: 0 });
    const join = (late: Outcome): Admission => new JoinedAdmission(first, this.#conclude(late));
    return outcome instanceof Promise ? outcome.then(join) : join(outcome);
  }

  /** As `LimitStore.told`: before an answer leaves, after its request was given back. */
  told(): Promise<void> | undefined {
    return this.store.told();
  }

  async usage(caller: Caller): Promise<LimitUsage[]> {
    const windows = await this.store.observe(this.#subjectsOf(caller));
    return windows.map((window) => ({
      layer: window.scope,
      id: window.id,
      limit: window.limit,
      limit_count: window.limitCount,
      used: window.usedCount,
      remaining: Math.max(0, window.limitCount - window.usedCount),
      reset_seconds: Math.ceil(window.resetMs / 1_000),
    }));
  }

  #subjectsOf(caller: Caller): readonly LimitSubject[] {
    let subjects = this.#subjects.get(caller);
    if (subjects === undefined) {
      subjects = caller.layers
        .filter(({ limits }) => Object.values(limits).some((limit) => limit !== undefined))
        .map((layer) => this.#subjectOf(layer));
      this.#subjects.set(caller, subjects);
    }
    return subjects;
  }

  #subjectOf(layer: CallerLayer): LimitSubject {
    let subject = this.#layerSubjects.get(layer);
    if (subject === undefined) {
      subject = { scope: layer.layer, id: layer.id, limits: layer.limits };
      this.#layerSubjects.set(layer, subject);
    }
    return subject;
  }

  /** The configuration's own object is the key: it lives as long as the snapshot. */
  #routeSubjectsOf({ name, limits }: { name: string; limits: RouteLimits }): readonly LimitSubject[] {
    let subjects = this.#routeSubjects.get(limits);
    if (subjects === undefined) this.#routeSubjects.set(limits, (subjects = [{ scope: 'route', id: name, limits }]));
    return subjects;
  }

  #conclude(outcome: Outcome): Admission {
    if (outcome.admitted) return new LimitedAdmission(outcome.reservation, this.clock);
    this.metrics.limited(outcome.binding.scope, outcome.binding.limit);
    throw refusalError(outcome);
  }
}

class LimitedAdmission extends Admission {
  readonly #reservation: Reservation;
  readonly #clock: Clock;

  constructor(reservation: Reservation, clock: Clock) {
    super();
    this.#reservation = reservation;
    this.#clock = clock;
  }

  override release(actualTokens: number): void {
    this.#reservation.settle(actualTokens);
  }

  override cancel(): void {
    this.#reservation.cancel();
  }

  override addHeaders(headers: Record<string, string>): void {
    addRateLimitHeaders(headers, tightest(this.#reservation.windows()));
  }

  override addAnthropicHeaders(headers: Record<string, string>): void {
    addAnthropicRateLimitHeaders(headers, tightest(this.#reservation.windows()), this.#clock.nowMs());
  }
}

/** Both are given back together; the client is told where its own limits stand. */
class JoinedAdmission extends Admission {
  constructor(
    private readonly own: Admission,
    private readonly routes: Admission,
  ) {
    super();
  }

  override release(actualTokens: number): void {
    this.own.release(actualTokens);
    this.routes.release(0);
  }

  override cancel(): void {
    this.own.cancel();
    this.routes.cancel();
  }

  override addHeaders(headers: Record<string, string>): void {
    this.own.addHeaders(headers);
  }

  override addAnthropicHeaders(headers: Record<string, string>): void {
    this.own.addAnthropicHeaders(headers);
  }
}

function refusalError({ binding, retryAfterMs, windows }: Refusal): GatewayError {
  const { scope, id, limit, limitCount } = binding;
  const rule = `${scope} ${id} is limited to ${limitCount} ${LIMIT_WORDS[limit]}`;
  const headers: Record<string, string> = {};
  addRateLimitHeaders(headers, tightest(windows));
  const metadata = { layer: scope, layer_id: id, limit, limit_count: limitCount, used: binding.usedCount };
  if (retryAfterMs === null) {
    const message = `Rate limit: ${rule}, and this request alone asks for more. Ask for fewer tokens; waiting does not help.`;
    return new GatewayError('rate_limit_exceeded', message, { headers: { ...headers, 'x-should-retry': 'false' }, metadata });
  }
  const message = `Rate limit: ${rule}. Please try again in ${(retryAfterMs / 1_000).toFixed(2)}s.`;
  return new GatewayError('rate_limit_exceeded', message, { retryAfterMs, headers, metadata });
}
