import type { AttemptLog, RequestLog } from '../core/request-log/request-log.js';
import type { CounterSeries, HistogramSeries } from '../platform/metrics/index.js';

/** What a request's series depend on besides its log, bounded. */
export interface Names {
  readonly model: string;
  readonly provider: string;
}

/** The series of all requests that look alike, found together by one look-up. */
export interface RequestSeries {
  readonly of: Pick<RequestLog, 'endpoint' | 'status' | 'stream' | 'state' | 'errorCode'>;
  readonly requests: CounterSeries;
  readonly duration: HistogramSeries;
  readonly firstToken: HistogramSeries | null;
  readonly terminations: CounterSeries | null;
  /** By token class, made when the first such token is counted. */
  readonly tokens: (CounterSeries | undefined)[];
  charged: CounterSeries | undefined;
  upstream: CounterSeries | undefined;
}

export interface AttemptSeries {
  readonly of: Pick<AttemptLog, 'outcome' | 'errorCode' | 'kind' | 'credential'> & Pick<RequestLog, 'endpoint'>;
  readonly attempts: CounterSeries;
  readonly duration: HistogramSeries;
}

/** Of one model at one provider: few, the usual ones first, as they were seen first. */
export interface PairSeries {
  readonly requests: RequestSeries[];
  readonly attempts: AttemptSeries[];
}

/**
 * Series by model and provider. These names live as long as the configuration, so that their hashes are known; a key made of all
 * that a series depends on would be a new string each time, which costs ten times as much to make and to hash as to compare with few.
 */
export class SeriesByPair {
  readonly #models = new Map<string, Map<string, PairSeries>>();

  of(model: string, provider: string): PairSeries {
    let providers = this.#models.get(model);
    if (providers === undefined) this.#models.set(model, (providers = new Map()));
    let pair = providers.get(provider);
    if (pair === undefined) providers.set(provider, (pair = { requests: [], attempts: [] }));
    return pair;
  }
}

export function findRequestSeries({ requests }: PairSeries, { endpoint, status, stream, state, errorCode }: RequestLog): RequestSeries | undefined {
  for (const series of requests) {
    const { of } = series;
    if (of.status === status && of.endpoint === endpoint && of.stream === stream && of.state === state && of.errorCode === errorCode) return series;
  }
  return undefined;
}

export function findAttemptSeries({ attempts }: PairSeries, attempt: AttemptLog, { endpoint }: RequestLog): AttemptSeries | undefined {
  for (const series of attempts) {
    const { of } = series;
    const isSame = of.outcome === attempt.outcome && of.errorCode === attempt.errorCode && of.kind === attempt.kind && of.credential === attempt.credential;
    if (isSame && of.endpoint === endpoint) return series;
  }
  return undefined;
}
