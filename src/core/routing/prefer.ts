import type { Deployment, RouteStrategy } from '../catalog/model.js';
import type { RequestNeeds } from '../chat/request.js';
import type { PlannedCandidate } from './candidate.js';
import type { HealthView } from './plan.js';
import { hash32, rendezvousRank, SeededRandom, weightedRank } from './random.js';
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
}

export const EXPLORATION_SHARE = 0.01;
/** Values this close count as equal, so that noise does not reorder: steps of a quarter. */
const STEP = Math.log(1.25);
const DEFAULT_OUTPUT_TOKENS = 500;

/**
 * Orders by: fallback tier, operator's priority, availability band, affinity, the route's strategy, own zone, weighted draw.
 * Strictly in this order, so that price never outvotes availability. Deterministic for a seed.
 */
export function order(candidates: PlannedCandidate[], question: PreferQuestion): void {
  const random = new SeededRandom(question.seed);
  const { strategy } = question;
  const exploring = random.next() < EXPLORATION_SHARE && strategy.kind !== 'balanced' && strategy.kind !== 'weighted' && candidates.length > 1;
  const arm = strategy.kind === 'weighted' ? drawArm(strategy.arms, question, random) : null;
  const draws: Draws = { random, exploring, arm, key: exploring ? null : question.affinityKey };
  for (const candidate of candidates) rate(candidate, question, draws);
  candidates.sort(compare);
}

/** What chance decided for the whole request. */
interface Draws {
  random: SeededRandom;
  exploring: boolean;
  arm: string | null;
  key: string | null;
}

function rate(candidate: PlannedCandidate, question: PreferQuestion, { random, exploring, arm, key }: Draws): void {
  const { deployment } = candidate;
  const { zones } = deployment.provider;
  const { availability, samples, slowStartWeight } = candidate.health ?? UNKNOWN;
  const weight = deployment.weight * deployment.credential.weight * slowStartWeight;
  candidate.band = candidate.canary ? -1 : availabilityBand(availability, samples);
  candidate.affinity = question.bound === deployment.id ? 0 : 1;
  candidate.distance = zones.length === 0 || zones.includes(question.zone) ? 0 : 1;
  candidate.explored = exploring;
  candidate.preference = exploring ? 0 : preferenceOf(candidate, question, arm);
  candidate.rank = key === null ? weightedRank(random.next(), weight) : rendezvousRank(key, deployment.id, weight);
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

function preferenceOf(candidate: PlannedCandidate, question: PreferQuestion, arm: string | null): number {
  const { health, deployment } = candidate;
  switch (question.strategy.kind) {
    case 'balanced':
      return 0;
    case 'weighted':
      return arm !== null && isOfArm(candidate, arm) ? 0 : 1;
    case 'latency':
      return health === null ? 0 : latencySteps(health, question.needs.streaming);
    case 'throughput':
      return health === null ? 0 : slownessSteps(health.tokensPerS);
    case 'cost':
      return expectedCost(deployment, question.needs);
  }
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

/** One arm of an experiment: sticky by affinity key, else by seed. */
function drawArm(arms: Readonly<Record<string, number>>, question: PreferQuestion, random: SeededRandom): string | null {
  const names = Object.keys(arms).filter((name) => (arms[name] ?? 0) > 0);
  const total = names.reduce((sum, name) => sum + (arms[name] ?? 0), 0);
  const drawn = question.affinityKey === null ? random.next() : (hash32(`arm|${question.affinityKey}`) + 0.5) / 4_294_967_296;
  let left = drawn * total;
  for (const name of names) {
    left -= arms[name] ?? 0;
    if (left < 0) return name;
  }
  return names.at(-1) ?? null;
}

/** An arm is named by what it stands for: a provider instance, a model, an upstream model or a deployment. */
function isOfArm({ deployment, model }: PlannedCandidate, arm: string): boolean {
  return (
    arm === deployment.provider.id ||
    arm === model.id ||
    arm === deployment.upstreamModel ||
    arm === deployment.id ||
    arm === `${deployment.provider.id}/${deployment.upstreamModel}`
  );
}
