import type { Deployment, Model, SubstitutionClass } from '../catalog/model.js';
import type { ErrorCode } from '../errors/catalogue.js';
import type { Denial } from '../policy/decision.js';
import type { Candidate, ExclusionReason, HealthView } from './plan.js';
import type { ResolvedModel } from './resolve-model.js';
import { availabilityWords, priorityWords, weightWords, type UsualPlace } from './usual-place.js';

/** Why a candidate stands where it stands: numbers on the hot path, words only when somebody reads them. */
export class PlannedCandidate implements Candidate {
  // Given a value from the start, so that all candidates keep one hidden class.
  place: number | undefined = undefined;
  excluded: ExclusionReason | undefined = undefined;
  code: ErrorCode | undefined = undefined;
  /** Detail of the exclusion: a policy's message, a missing capability, a time. */
  detail: string | undefined = undefined;
  /** The wire parameter that a missing capability concerns. */
  param: string | undefined = undefined;
  waitMs: number | undefined = undefined;
  denial: Denial | undefined = undefined;
  band = 0;
  /** 0 for the remembered deployment of this session, 1 otherwise. */
  affinity = 1;
  /** What the route's strategy prefers, smaller first, in coarse steps. */
  preference = 0;
  /** 0 when it processes in this engine's own zone. */
  distance = 0;
  /** The weighted draw among equals. */
  rank = 0;
  explored = false;
  /** The experiment's drawn arm, when this is of it. */
  arm: string | undefined = undefined;
  canary = false;

  readonly model: Model;
  /** 0: what was asked for; later ones are fallbacks, −1 is an experiment's other model. */
  readonly tier: number;
  readonly fallback: string | undefined;
  readonly substitution: SubstitutionClass | undefined;

  constructor(
    readonly deployment: Deployment,
    place: ResolvedModel,
    readonly health: HealthView | null,
  ) {
    this.model = place.model;
    this.tier = place.tier;
    this.fallback = place.fallback;
    this.substitution = place.substitution;
  }

  exclude(reason: ExclusionReason, detail?: string, code?: ErrorCode): void {
    this.excluded = reason;
    if (detail !== undefined) this.detail = detail;
    if (code !== undefined) this.code = code;
  }

  /** A layer's policy refuses it. */
  deny(reason: ExclusionReason, denial: Denial): void {
    this.exclude(reason, denial.message, denial.code);
    this.denial = denial;
  }

  get reasons(): string[] {
    return this.excluded === undefined || this.excluded === 'attempts_exhausted' || this.excluded === 'no_fallback'
      ? this.placeReasons()
      : [this.detail ?? EXCLUSION_WORDS[this.excluded]];
  }

  private placeReasons(): string[] {
    const reasons: string[] = [];
    if (this.excluded !== undefined) reasons.push(this.detail ?? EXCLUSION_WORDS[this.excluded]);
    if (this.fallback !== undefined) reasons.push(`fallback: ${this.fallback}`);
    reasons.push(priorityWords(this.deployment.priority), this.healthWords());
    if (this.canary) reasons.push('canary of a half-open circuit');
    if (this.affinity === 0) reasons.push('served this session before and its cache can be warm');
    if (this.arm !== undefined) reasons.push(`arm ${this.arm} of the experiment`);
    else if (this.preference > 0) reasons.push(`strategy step ${this.preference}`);
    if (this.explored) reasons.push('exploration (1 % of requests)');
    reasons.push(weightWords(this.weight) + this.slowStartWords());
    return reasons;
  }

  /** Instead of `reasons`; null when something unusual has a part in its place. */
  get usualPlace(): UsualPlace | null {
    const { health } = this;
    if (health === null || health.slowStartWeight < 1 || this.canary || this.explored || !this.isUsual()) return null;
    return [this.deployment.priority, this.band, Math.round(health.availability * 100), Math.round(health.samples), this.weight];
  }

  private isUsual(): boolean {
    return this.excluded === undefined && this.fallback === undefined && this.affinity !== 0 && this.arm === undefined && this.preference <= 0;
  }

  private get weight(): number {
    return this.deployment.weight * this.deployment.credential.weight;
  }

  private slowStartWords(): string {
    const weight = this.health?.slowStartWeight ?? 1;
    return weight < 1 ? ` × ${weight.toFixed(2)} (slow start)` : '';
  }

  private healthWords(): string {
    if (this.health === null) return 'health is not kept';
    return availabilityWords(this.band, Math.round(this.health.availability * 100), Math.round(this.health.samples));
  }
}

const EXCLUSION_WORDS: Readonly<Record<ExclusionReason, string>> = {
  policy: 'a policy does not allow it',
  zone: 'it processes outside the zone of the project',
  capability: 'it lacks a capability this request needs',
  context_window: 'the prompt is longer than its context window',
  max_output: 'it cannot write as many tokens as asked for',
  price_ceiling: 'it is dearer than the policy allows',
  unpriced: 'it has no price',
  retired: 'it is retired',
  circuit_open: 'its circuit is open',
  credential: 'its credential was refused by the provider',
  rate_limited: 'the provider limits its credential',
  provider_bound: 'it cannot read the signed reasoning in the history',
  no_fallback: 'the request forbids a fallback',
  substitution: 'it is further from what was asked for than the request and its key allow',
  attempts_exhausted: 'it stands behind the last attempt allowed',
};
