import type { ErrorCode } from '../errors/catalogue.js';
import type { Deployment, FallbackReason, Model, Route, RouteHedge, RouteShadow, SubstitutionClass } from '../catalog/model.js';
import type { Denial } from '../policy/decision.js';
import type { AffinityKey } from './affinity-key.js';
import type { UsualPlace } from './usual-place.js';

export type ExclusionReason =
  | 'policy'
  | 'zone'
  | 'capability'
  | 'context_window'
  | 'max_output'
  | 'price_ceiling'
  | 'unpriced'
  | 'retired'
  | 'circuit_open'
  | 'credential'
  | 'rate_limited'
  | 'provider_bound'
  | 'no_fallback'
  | 'substitution'
  | 'attempts_exhausted';

/** What became of one deployment that was considered. */
export interface Candidate {
  deployment: Deployment;
  model: Model;
  /** 1-based place in the plan; undefined when excluded. */
  place?: number;
  excluded?: ExclusionReason;
  /** What a person can follow: `priority 0`, `availability band 1 (0.98 over 40 samples)`, `vision is not supported`. Worded when read. */
  readonly reasons: string[];
  /** The same as numbers; null when it is not all there is to say. */
  readonly usualPlace: UsualPlace | null;
  /** Set when this is not the model that was asked for first: where the substitution comes from. */
  readonly fallback?: string;
  /** How far it is from what was asked for, where a route put it here. */
  readonly substitution?: SubstitutionClass;
  /** Until what excludes it has passed; circuit and credential only. */
  readonly waitMs?: number;
  /** Error code a client gets when every candidate is excluded for this reason. */
  code?: ErrorCode;
  /** The layer and rule that refused it. */
  denial?: Denial;
}

/** An ordered plan with a reason for every deployment considered. */
export interface Plan {
  /** The public model the request resolved to first. */
  model: Model;
  attempts: Candidate[];
  candidates: Candidate[];
  route?: string;
  strategy: string;
  seed: number;
  /** What the request's prompt cache is kept together by; undefined when nothing is. */
  affinityKey?: string;
  /** The same with its source; set, too, where it only drew the experiment's arm. */
  affinity?: AffinityKey;
  /** The protocol whose signed reasoning the history carries; undefined when there is none, or when nobody had to ask. */
  historyOrigin?: string;
  /** The arm of the route's experiment that was drawn for this request. */
  arm?: string;
  /** One of the hundred that look at somebody else than the strategy's first. */
  explored?: boolean;
  /** The route sends copies of some requests elsewhere. */
  shadow?: RouteShadow;
  /** What the route limits all its requests to. */
  limits?: Route['limits'];
  /** What the route allows another deployment to be asked for. */
  fallbackOn: readonly FallbackReason[];
  /** A second deployment is asked beside the first when it takes so long. */
  hedge?: RouteHedge;
  /** The first attempt is the one probe that an open or half-open circuit admits. */
  probe?: string;
}

/** How often and how quickly a deployment answered lately: what the planner needs of the health store. */
export interface HealthView {
  circuit: 'closed' | 'open' | 'half-open';
  /** When an open circuit admits its next canary. */
  retryAtMs?: number;
  /** Lower Wilson bound of the success rate, 0–1; 1 with fewer than 20 samples. */
  availability: number;
  samples: number;
  ttftP95Ms?: number;
  totalP95Ms?: number;
  /** Output tokens per second of its answers, for the strategy `throughput`. */
  tokensPerS?: number;
  /** 0–1 while a recovered deployment is slow-started. */
  slowStartWeight: number;
  credential: 'ok' | 'rejected' | 'rate-limited';
  credentialUntilMs?: number;
  /** Rejected for want of money, not for a wrong key. */
  credentialExhausted?: boolean;
  lastError?: string;
}
