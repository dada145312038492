import { promptUpperBound, type Price, type TokenPrices } from '../pricing/index.js';
import type { Caller } from './caller.js';
import { compiledLayersOf, type CompiledLayer } from './compile.js';
import { deny, refusedBy, type Denial } from './decision.js';

/** One deployment the planner considers. */
export interface DeploymentQuestion {
  /** The instance's name in the configuration. */
  readonly providerId: string;
  /** Its definition. */
  readonly providerType: string;
  /** Where it processes what it is sent; empty = anywhere. */
  readonly zones: readonly string[];
  /** What the customer pays; null = unpriced. */
  readonly price: Price | null;
  /** Decides which price tiers can apply. */
  readonly promptTokensEstimate: number;
}

/** Null when every layer allows the deployment. For the planner, which excludes what is denied and shows the message as its reason. */
export function denyDeployment(caller: Caller, question: DeploymentQuestion): Denial | null {
  for (const layer of compiledLayersOf(caller)) {
    const denial = judgeProvider(layer, question) ?? judgeZones(layer, question) ?? judgePrice(layer, question);
    if (denial !== null) return denial;
  }
  return null;
}

/**
 * `allow` names instances: another instance of an allowed definition may stand anywhere. `deny` also names definitions,
 * because who refuses a vendor means all of its instances.
 */
function judgeProvider(layer: CompiledLayer, { providerId, providerType }: DeploymentQuestion): Denial | null {
  if (layer.providers === null) return null;
  const refused = refusedBy(layer.providers, [providerId], [providerId, providerType]);
  if (refused === null) return null;
  return deny(layer, { code: 'provider_not_allowed', rule: `providers.${refused}`, subject: `The provider ${providerId}` });
}

/** Fails closed: a provider that may process elsewhere, or does not say where, is not in the zone. */
function judgeZones(layer: CompiledLayer, { providerId, zones }: DeploymentQuestion): Denial | null {
  const allowed = layer.zones;
  if (allowed === null) return null;
  if (zones.length > 0 && zones.every((zone) => allowed.has(zone))) return null;
  const where = zones.length === 0 ? 'in no stated zone' : `in ${zones.join(', ')}`;
  const detail = `it allows ${allowed.size === 0 ? 'none' : [...allowed].join(', ')}`;
  return deny(layer, { code: 'zone_not_allowed', rule: 'zones', subject: `The provider ${providerId}, which processes ${where},`, detail });
}

function judgePrice(layer: CompiledLayer, question: DeploymentQuestion): Denial | null {
  const { maxInputNanoUsd, maxOutputNanoUsd } = layer;
  if (maxInputNanoUsd === null && maxOutputNanoUsd === null) return null;
  const subject = `The price of the provider ${question.providerId}`;
  if (question.price === null) return deny(layer, { code: 'price_not_allowed', rule: 'max_price', subject });
  if (question.price.free) return null;
  for (const tokens of applicable(question.price, question.promptTokensEstimate)) {
    const output = largest(tokens.output, tokens.reasoning);
    if (isAbove(tokens.input, maxInputNanoUsd)) return deny(layer, { code: 'price_not_allowed', rule: 'max_price.input', subject });
    if (isAbove(output, maxOutputNanoUsd)) return deny(layer, { code: 'price_not_allowed', rule: 'max_price.output', subject });
  }
  return null;
}

function applicable(price: Price, promptTokensEstimate: number): TokenPrices[] {
  const bound = promptUpperBound(promptTokensEstimate);
  return [price.tokens, ...price.tiers.filter((tier) => tier.minPromptTokens <= bound).map((tier) => tier.tokens)];
}

function largest(left: bigint | undefined, right: bigint | undefined): bigint | undefined {
  if (left === undefined || right === undefined) return left ?? right;
  return left > right ? left : right;
}

function isAbove(price: bigint | undefined, maximum: bigint | null): boolean {
  return maximum !== null && price !== undefined && price > maximum;
}
