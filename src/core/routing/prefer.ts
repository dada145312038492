import type { Deployment, RouteStrategy } from '../catalog/model.js';
import type { RequestNeeds } from '../chat/request.js';
import { readsCacheCheaper } from './affinity-key.js';
import type { PlannedCandidate } from './candidate.js';
import { isOfArm, type DrawnArm } from './experiment.js';
import type { HealthView } from './plan.js';
import { rendezvousBasis, rendezvousRank, SeededRandom, weightedRank } from './random.js';
import { availabilityBand } from './wilson.js';

export interface PreferQuestion {
  needs: RequestNeeds;
  strategy: RouteStrategy;
  seed: number;
  /** This engine's zone, which breaks ties. */
  zone: string;
  affinityKey: string | null;
  /** The deployment that served this key last, while its cache can be warm. */
  bound: string | null;
  /** The experiment's arm this request belongs to. */
  arm: DrawnArm | null;
}

export const EXPLORATION_SHARE = 0.01;
/** Values this close count as equal, so that noise does not reorder: steps of a quarter. */
const STEP = Math.log(1.25);
const DEFAULT_OUTPUT_TOKENS = 500;

/**
 * Orders by: fallback tier, operator's priority, availability band, affinity, the route's strategy, own zone, weighted draw.
 * Strictly in this order, so that price never outvotes availability. Deterministic for a seed. True when it explored.
 */
export function order(candidates: PlannedCandidate[], question: PreferQuestion): boolean {
  const random = new SeededRandom(question.seed);
  const { strategy } = question;
  const exploring = random.next() < EXPLORATION_SHARE && strategy.kind !== 'balanced' && strategy.kind !== 'weighted' && candidates.length > 1;
  const draws: Draws = { random, exploring, basis: exploring || question.affinityKey === null ? null : rendezvousBasis(question.affinityKey) };
  for (const candidate of candidates) rate(candidate, question, draws);
  if (candidates.length > 1) candidates.sort(compare);
  return exploring;
}

/** What chance decided for the whole request. */
interface Draws {
  random: SeededRandom;
  exploring: boolean;
  /** Of the rendezvous hash; null: chance decides. */
  basis: number | null;
}

function rate(candidate: PlannedCandidate, question: PreferQuestion, { random, exploring, basis }: Draws): void {
  const { deployment } = candidate;
  const { zones } = deployment.provider;
  const { availability, samples, slowStartWeight } = candidate.health ?? UNKNOWN;
  const weight = deployment.weight * deployment.credential.weight * slowStartWeight;
  candidate.band = candidate.canary ? -1 : availabilityBand(availability, samples);
  candidate.affinity = question.bound === deployment.id && readsCacheCheaper(deployment) ? 0 : 1;
  candidate.distance = zones.length === 0 || zones.includes(question.zone) ? 0 : 1;
  candidate.explored = exploring;
  candidate.preference = exploring ? 0 : preferenceOf(candidate, question);
  candidate.rank = basis === null ? weightedRank(random.next(), weight) : rendezvousRank(basis, deployment.id, weight);
}

/** Where no health is kept. */
const UNKNOWN = { availability: 1, samples: 0, slowStartWeight: 1 };

function compare(a: PlannedCandidate, b: PlannedCandidate): number {
  return (
    a.tier - b.tier ||
    a.deployment.priority - b.deployment.priority ||
    a.band - b.band ||
    a.affinity - b.affinity ||
    a.preference - b.preference ||
    a.distance - b.distance ||
    byRank(a.rank, b.rank) ||
    (a.deployment.id < b.deployment.id ? -1 : 1)
  );
}

/** Weight 0 ranks at infinity, and infinity minus infinity is no order. */
const byRank = (a: number, b: number): number => (a === b ? 0 : a - b);

function preferenceOf(candidate: PlannedCandidate, question: PreferQuestion): number {
  const { health, deployment } = candidate;
  switch (question.strategy.kind) {
    case 'balanced':
      return 0;
    case 'weighted':
      return preferArm(candidate, question.arm);
    case 'latency':
      return health === null ? 0 : latencySteps(health, question.needs.streaming);
    case 'throughput':
      return health === null ? 0 : slownessSteps(health.tokensPerS);
    case 'cost':
      return expectedCost(deployment, question.needs);
  }
}

function preferArm(candidate: PlannedCandidate, arm: DrawnArm | null): number {
  if (arm === null || !isOfArm(candidate, arm)) return 1;
  candidate.arm = arm.name;
  return 0;
}

/** Unmeasured comes first: whoever is never asked is never measured. */
function latencySteps(health: HealthView, streaming: boolean): number {
  return steps(streaming ? (health.ttftP95Ms ?? health.totalP95Ms) : health.totalP95Ms);
}

function slownessSteps(tokensPerS: number | undefined): number {
  return tokensPerS === undefined ? 0 : Math.max(0, 1_000 - steps(tokensPerS));
}

function steps(value: number | undefined): number {
  return value === undefined || value <= 1 ? 0 : Math.round(Math.log(value) / STEP);
}

/** Nano-USD × a million, of what the provider takes: exact enough to order by, never to charge by. */
function expectedCost(deployment: Deployment, needs: RequestNeeds): number {
  const price = deployment.cost ?? deployment.price;
  if (price === null || price.free) return 0;
  const output = needs.maxOutputTokens ?? DEFAULT_OUTPUT_TOKENS;
  return (
    Number(price.tokens.input ?? 0n) * needs.promptTokensEstimate +
    Number(price.tokens.output ?? 0n) * output * needs.choices +
    Number(price.perRequestNanoUsd) * 1e6
  );
}
