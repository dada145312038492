import { parseUsd } from '../pricing/index.js';
import type { AllowDeny, Caller, CallerLayer, Policy, Schedule } from './caller.js';
import { parseAddressRange, rangeContains, type AddressRange } from './cidr.js';
import { globCovers } from './glob.js';
import { substitutionOf } from './substitution.js';

export type StoreLevel = 'none' | 'metadata' | 'full';

const STORE_ORDER: readonly StoreLevel[] = ['none', 'metadata', 'full'];

/** The narrowest level a layer names; `metadata` when none does. */
export function effectiveStore(layers: readonly CallerLayer[]): StoreLevel {
  let level: StoreLevel | null = null;
  for (const { policy } of layers) {
    if (policy.store !== undefined) level = level === null ? policy.store : narrowStore(level, policy.store);
  }
  return level ?? 'metadata';
}

/** A request (`x-og-store`) can narrow what its key stores, never widen it. */
export function narrowStore(level: StoreLevel, wish: StoreLevel): StoreLevel {
  return STORE_ORDER[Math.min(STORE_ORDER.indexOf(level), STORE_ORDER.indexOf(wish))] ?? 'none';
}

/** Strict as soon as one layer says so. */
export function effectiveStrictParams(layers: readonly CallerLayer[]): boolean {
  return layers.some(({ policy }) => policy.params === 'strict');
}

/** Shortening an answer to what credit is left must be wanted by a layer and forbidden by none. */
export function effectiveFitToCredit(layers: readonly CallerLayer[]): boolean {
  const said = layers.map(({ policy }) => policy.fit_to_credit).filter((word) => word !== undefined);
  return said.length > 0 && said.every(Boolean);
}

/** Hours in several layers (each in its own timezone) have no single schedule: all of them must allow. */
export type EffectivePolicy = Policy & { schedules?: readonly Schedule[] };

/**
 * All layers as one policy, for `GET /v1/key`. It is a view: `decide` asks the layers themselves. Two allow lists become
 * their intersection; patterns that overlap without one covering the other are shown as `a* & *b`.
 */
export function effectivePolicy(caller: Caller): EffectivePolicy {
  const policies = caller.layers.map(({ policy }) => policy);
  const zones = policies.map((policy) => policy.zones);
  const view: EffectivePolicy = {
    models: mergeRules(policies.map((policy) => policy.models)),
    classes: mergeRules(policies.map((policy) => policy.classes)),
    providers: mergeRules(policies.map((policy) => policy.providers)),
    zones: intersect(caller.zone === undefined ? zones : [...zones, [caller.zone]]),
    max_price: cheapest(policies),
    capabilities: Object.assign({}, ...policies.map((policy) => onlyFalse(policy.capabilities))) as Policy['capabilities'],
    streaming: policies.every((policy) => policy.streaming !== false),
    max_output_tokens: smallest(policies.map((policy) => policy.max_output_tokens)),
    params: effectiveStrictParams(caller.layers) ? 'strict' : 'lenient',
    store: caller.store,
    ips: intersectRanges(policies.map((policy) => policy.ips)),
    ...schedules(policies),
    fit_to_credit: effectiveFitToCredit(caller.layers),
    substitution: substitutionOf(caller).level,
  };
  return Object.fromEntries(Object.entries(view).filter(([, member]) => member !== undefined)) as EffectivePolicy;
}

function schedules(policies: readonly Policy[]): Pick<EffectivePolicy, 'schedule' | 'schedules'> {
  const named = policies.map(({ schedule }) => schedule).filter((schedule) => schedule !== undefined);
  const [only] = named;
  if (only === undefined) return {};
  return named.length === 1 ? { schedule: only } : { schedules: named };
}

function mergeRules(rules: readonly (AllowDeny | undefined)[]): AllowDeny | undefined {
  const present = rules.filter((rule) => rule !== undefined);
  if (present.length === 0) return undefined;
  const allows = present.map((rule) => rule.allow).filter((list) => list !== undefined);
  const deny = [...new Set(present.flatMap((rule) => rule.deny ?? []))];
  const merged: AllowDeny = {};
  if (allows.length > 0) merged.allow = allows.reduce(intersectGlobs);
  if (deny.length > 0) merged.deny = deny;
  return merged;
}

function intersectGlobs(left: readonly string[], right: readonly string[]): string[] {
  return [...new Set(left.flatMap((one) => right.map((other) => intersectPair(one, other)).filter((glob) => glob !== null)))];
}

function intersectPair(left: string, right: string): string | null {
  if (globCovers(left, right)) return right;
  if (globCovers(right, left)) return left;
  const mayOverlap = /[*?]/.test(left) && /[*?]/.test(right);
  return mayOverlap && !startsDiffer(left, right) ? `${left} & ${right}` : null;
}

function startsDiffer(left: string, right: string): boolean {
  const one = left.split(/[*?]/, 1)[0]?.toLowerCase() ?? '';
  const other = right.split(/[*?]/, 1)[0]?.toLowerCase() ?? '';
  const length = Math.min(one.length, other.length);
  return one.slice(0, length) !== other.slice(0, length);
}

function intersect(lists: readonly (readonly string[] | undefined)[]): string[] | undefined {
  const present = lists.filter((list) => list !== undefined);
  if (present.length === 0) return undefined;
  return [...new Set(present[0])].filter((entry) => present.every((list) => list.includes(entry)));
}

/** Of two ranges one contains the other, or they have nothing in common. */
function intersectRanges(lists: readonly (readonly string[] | undefined)[]): string[] | undefined {
  const present = lists.filter((list) => list !== undefined);
  if (present.length === 0) return undefined;
  const ranges = present.map((list) => list.map(parseAddressRange).filter((range) => range !== null));
  const both = ranges.reduce((left, right) => left.flatMap((one) => right.map((other) => inner(one, other)).filter((range) => range !== null)));
  return [...new Set(both.map((range) => range.text))];
}

function inner(left: AddressRange, right: AddressRange): AddressRange | null {
  const [wide, narrow] = left.prefixBits <= right.prefixBits ? [left, right] : [right, left];
  return rangeContains(wide, narrow.bytes) ? narrow : null;
}

function onlyFalse(rules: Policy['capabilities']): Policy['capabilities'] {
  return Object.fromEntries(Object.entries(rules ?? {}).filter(([, allowed]) => !allowed)) as Policy['capabilities'];
}

function smallest(values: readonly (number | undefined)[]): number | undefined {
  const present = values.filter((value) => value !== undefined);
  return present.length === 0 ? undefined : Math.min(...present);
}

function cheapest(policies: readonly Policy[]): Policy['max_price'] {
  const input = lowest(policies.map((policy) => policy.max_price?.input));
  const output = lowest(policies.map((policy) => policy.max_price?.output));
  if (input === undefined && output === undefined) return undefined;
  return { ...(input === undefined ? {} : { input }), ...(output === undefined ? {} : { output }) };
}

function lowest(prices: readonly (string | undefined)[]): string | undefined {
  const present = prices.filter((price) => price !== undefined);
  return present.toSorted((left, right) => (parseUsd(left) < parseUsd(right) ? -1 : 1))[0];
}
