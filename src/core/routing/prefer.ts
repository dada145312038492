import type { Deployment, RouteStrategy } from '../catalog/model.js';
import type { RequestNeeds } from '../chat/request.js';
import type { PlannedCandidate } from './candidate.js';
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
  const exploring = random.next() < EXPLORATION_SHARE && question.strategy.kind !== 'balanced' && question.strategy.kind !== 'weighted';
  const arm = question.strategy.kind === 'weighted' ? drawArm(question.strategy.arms, question, random) : null;
  for (const candidate of candidates) {
    const { deployment, health } = candidate;
    const weight = deployment.weight * deployment.credential.weight * (health?.slowStartWeight ?? 1);
    candidate.band = candidate.canary ? -1 : availabilityBand(health?.availability ?? 1, health?.samples ?? 0);
    candidate.affinity = question.bound === deployment.id ? 0 : 1;
    candidate.distance = deployment.provider.zones.length === 0 || deployment.provider.zones.includes(question.zone) ? 0 : 1;
    candidate.explored = exploring && candidates.length > 1;
    candidate.preference = exploring ? 0 : preferenceOf(candidate, question, arm);
    candidate.rank = question.affinityKey === null || exploring ? weightedRank(random.next(), weight) : rendezvousRank(question.affinityKey, deployment.id, weight);
  }
  candidates.sort(compare);
}

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
      // Unmeasured comes first: whoever is never asked is never measured.
      return steps(question.needs.streaming ? (health?.ttftP95Ms ?? health?.totalP95Ms) : health?.totalP95Ms);
    case 'throughput':
      return health?.tokensPerS === undefined ? 0 : Math.max(0, 1_000 - steps(health.tokensPerS));
    case 'cost':
      return expectedCost(deployment, question.needs);
  }
}

function steps(value: number | undefined): number {
  return value === undefined || value <= 1 ? 0 : Math.round(Math.log(value) / STEP);
}

/** Nano-USD × a million, of what the provider takes: exact enough to order by, never to charge by. */
function expectedCost(deployment: Deployment, needs: RequestNeeds): number {
  const price = deployment.cost ?? deployment.price;
  if (price === null || price.free) return 0;
  const output = needs.maxOutputTokens ?? DEFAULT_OUTPUT_TOKENS;
  return Number(price.tokens.input ?? 0n) * needs.promptTokensEstimate + Number(price.tokens.output ?? 0n) * output * needs.choices + Number(price.perRequestNanoUsd) * 1e6;
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
  return arm === deployment.provider.id || arm === model.id || arm === deployment.upstreamModel || arm === deployment.id || arm === `${deployment.provider.id}/${deployment.upstreamModel}`;
}
