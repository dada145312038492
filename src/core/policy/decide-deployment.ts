import { promptUpperBound, type Price, type TokenPrices } from '../pricing/index.js';
import type { Caller } from './caller.js';
import { compiledCallerOf, type CompiledLayer } from './compile.js';
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
  for (const layer of compiledCallerOf(caller).ofDeployments) {
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
  if (layer.maxInputNanoUsd === null && layer.maxOutputNanoUsd === null) return null;
  const rule = brokenBy(layer, question);
  return rule === null ? null : deny(layer, { code: 'price_not_allowed', rule, subject: `The price of the provider ${question.providerId}` });
}

/** The part of the rule that the price breaks, in the tiers that a prompt of this size may fall into. */
function brokenBy(layer: CompiledLayer, { price, promptTokensEstimate }: DeploymentQuestion): string | null {
  if (price === null) return 'max_price';
  if (price.free) return null;
  let rule = aboveMaximum(layer, price.tokens);
  if (rule !== null || price.tiers.length === 0) return rule;
  const bound = promptUpperBound(promptTokensEstimate);
  for (const { minPromptTokens, tokens } of price.tiers) {
    if (minPromptTokens <= bound) rule ??= aboveMaximum(layer, tokens);
  }
  return rule;
}

function aboveMaximum({ maxInputNanoUsd, maxOutputNanoUsd }: CompiledLayer, tokens: TokenPrices): string | null {
  if (isAbove(tokens.input, maxInputNanoUsd)) return 'max_price.input';
  return isAbove(largest(tokens.output, tokens.reasoning), maxOutputNanoUsd) ? 'max_price.output' : null;
}

function largest(left: bigint | undefined, right: bigint | undefined): bigint | undefined {
  if (left === undefined || right === undefined) return left ?? right;
  return left > right ? left : right;
}

function isAbove(price: bigint | undefined, maximum: bigint | null): boolean {
  return maximum !== null && price !== undefined && price > maximum;
}
