import { Fields, invalid, suggestion } from '../../core/catalog/fields.js';
import type { FallbackReason, Route, RouteArm, RouteFallback, RouteHedge, RouteMatch, RouteShadow, RouteStrategy } from '../../core/catalog/model.js';
import { parseSchedule } from '../../core/policy/index.js';
import { InvalidAmountError, parseUsd } from '../../core/pricing/index.js';
import { parseDurationMs } from '../../platform/config/index.js';

const ROUTE_FIELDS = ['name', 'match', 'strategy', 'fallbacks', 'max_attempts', 'fallback_on', 'affinity', 'limits', 'shadow', 'hedge'];
const MATCH_FIELDS = ['model', 'organization', 'tag', 'zone', 'prompt_tokens', 'time'];
const STRATEGIES = ['balanced', 'latency', 'cost', 'throughput'] as const;
const FALLBACK_CLASSES = ['same-model', 'equivalent', 'degraded'] as const;
const FALLBACK_REASONS: readonly FallbackReason[] = ['context_length', 'content_filter', 'timeout'];
const MAX_ROUTES = 1_000;
const MAX_ATTEMPTS = 3;
const MAX_ARMS = 20;
const MAX_TOKENS = 100_000_000;
const SHADOW_CONCURRENCY = 4;

export function parseRoutes(list: readonly unknown[]): Route[] {
  if (list.length > MAX_ROUTES) throw invalid('routes', `must have at most ${MAX_ROUTES} items`);
  const seen = new Set<string>();
  return list.map((item, index) => {
    const route = parseRoute(item, `routes[${index}]`);
    if (seen.has(route.name)) throw invalid(`routes[${index}].name`, `is ${JSON.stringify(route.name)} a second time`);
    seen.add(route.name);
    return route;
  });
}

/** One route as `routes[]` of the document writes it; every field but the name has a default. */
export function parseRoute(value: unknown, path: string): Route {
  const fields = new Fields(value, path, ROUTE_FIELDS);
  const shadow = parseShadow(fields);
  return {
    name: fields.required('name'),
    match: parseMatch(fields),
    strategy: parseStrategy(fields),
    fallbacks: fields.list('fallbacks', 10).map((item, index) => parseFallback(item, `${fields.at('fallbacks')}[${index}]`)),
    maxAttempts: fields.integer('max_attempts', { min: 1, max: 10 }) ?? MAX_ATTEMPTS,
    fallbackOn: parseFallbackOn(fields),
    affinity: parseAffinity(fields),
    limits: parseRouteLimits(fields),
    ...(shadow !== null && { shadow }),
    ...(fields.has('hedge') && { hedge: parseHedge(fields) }),
  };
}

const MIN_HEDGE_MS = 10;
const MAX_HEDGE_MS = 600_000;

function parseHedge(fields: Fields): RouteHedge {
  const inner = new Fields(fields.raw('hedge'), fields.at('hedge'), ['after']);
  const after = inner.required('after');
  if (after === 'p95') return { after };
  const afterMs = parseDurationMs(after);
  if (!(afterMs >= MIN_HEDGE_MS && afterMs <= MAX_HEDGE_MS)) throw invalid(inner.at('after'), 'must be p95 or a duration from 10ms to 600s');
  return { after: afterMs };
}

function parseMatch(fields: Fields): RouteMatch {
  const match = new Fields(fields.raw('match') ?? {}, fields.at('match'), MATCH_FIELDS);
  const glob = (name: string) => match.string(name) ?? '*';
  const promptTokens = parseSize(match);
  return {
    model: glob('model'),
    organization: glob('organization'),
    tag: glob('tag'),
    zone: glob('zone'),
    ...(promptTokens !== null && { promptTokens }),
    ...(match.has('time') && { time: parseSchedule(match.raw('time'), match.at('time')) }),
  };
}

/** Both ends belong to it. */
function parseSize(match: Fields): NonNullable<RouteMatch['promptTokens']> | null {
  if (!match.has('prompt_tokens')) return null;
  const size = new Fields(match.raw('prompt_tokens'), match.at('prompt_tokens'), ['min', 'max']);
  const min = size.integer('min', { min: 0, max: MAX_TOKENS });
  const max = size.integer('max', { min: 0, max: MAX_TOKENS });
  if (min === undefined && max === undefined) throw invalid(match.at('prompt_tokens'), 'must have min, max or both');
  if (min !== undefined && max !== undefined && max < min) throw invalid(size.at('max'), `must not be less than min, ${min}`);
  return { ...(min !== undefined && { min }), ...(max !== undefined && { max }) };
}

function parseFallbackOn(fields: Fields): FallbackReason[] {
  const words = fields.strings('fallback_on', FALLBACK_REASONS.length).map((word, index) => {
    const found = FALLBACK_REASONS.find((reason) => reason === word);
    if (found === undefined) throw invalid(`${fields.at('fallback_on')}[${index}]`, `is ${JSON.stringify(word)}; it must be one of ${FALLBACK_REASONS.join(', ')}${suggestion(word, FALLBACK_REASONS)}`);
    return found;
  });
  return FALLBACK_REASONS.filter((reason) => words.includes(reason));
}

/** `off`, or which members of `metadata` (or `user`) name a session. */
function parseAffinity(fields: Fields): readonly string[] | null {
  const value = fields.raw('affinity');
  if (value === 'off' || value === false) return null;
  if (value === undefined || value === 'on' || value === true) return [];
  return new Fields(value, fields.at('affinity'), ['metadata']).strings('metadata', 8);
}

function parseRouteLimits(fields: Fields): Route['limits'] {
  const limits = new Fields(fields.raw('limits') ?? {}, fields.at('limits'), ['rpm', 'concurrency']);
  const rpm = limits.integer('rpm', { min: 1, max: 10_000_000 });
  const concurrency = limits.integer('concurrency', { min: 1, max: 1_000_000 });
  return { ...(rpm !== undefined && { rpm }), ...(concurrency !== undefined && { concurrency }) };
}

function parseStrategy(fields: Fields): RouteStrategy {
  const value = fields.raw('strategy');
  if (value === undefined) return { kind: 'balanced' };
  if (typeof value === 'string') return { kind: fields.oneOf('strategy', STRATEGIES) ?? 'balanced' };
  return { kind: 'weighted', arms: parseArms(new Fields(value, fields.at('strategy'), ['weighted'])) };
}

function parseArms(inner: Fields): Readonly<Record<string, RouteArm>> {
  const arms = inner.raw('weighted');
  if (typeof arms !== 'object' || arms === null || Array.isArray(arms)) throw invalid(inner.at('weighted'), 'must be an object of arms and weights');
  const parsed = Object.entries(arms).map(([name, value]): [string, RouteArm] => [name, parseArm(name, value, `${inner.at('weighted')}.${name}`)]);
  if (parsed.length > MAX_ARMS) throw invalid(inner.at('weighted'), `must have at most ${MAX_ARMS} arms`);
  // In one order, whichever way the store gives them back.
  return Object.fromEntries(parsed.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** `90`, of an arm that is called what it stands for, or `{weight: 90, to: openai/gpt-5}`. */
function parseArm(name: string, value: unknown, path: string): RouteArm {
  if (typeof value !== 'object' || value === null) return { weight: parseWeight(value, path), to: name };
  const arm = new Fields(value, path, ['weight', 'to']);
  return { weight: parseWeight(arm.raw('weight'), arm.at('weight')), to: arm.string('to') ?? name };
}

function parseWeight(weight: unknown, path: string): number {
  if (typeof weight === 'number' && weight >= 0 && weight <= 1_000_000) return weight;
  throw invalid(path, 'must be a number from 0 to 1000000');
}

function parseShadow(fields: Fields): RouteShadow | null {
  if (!fields.has('shadow')) return null;
  const shadow = new Fields(fields.raw('shadow'), fields.at('shadow'), ['to', 'share', 'budget_usd', 'concurrency']);
  const share = shadow.raw('share');
  if (typeof share !== 'number' || !(share > 0 && share <= 1)) throw invalid(shadow.at('share'), 'must be a number above 0 and up to 1');
  return {
    to: shadow.required('to'),
    share,
    budgetNanoUsd: parseBudget(shadow),
    concurrency: shadow.integer('concurrency', { min: 1, max: 64 }) ?? SHADOW_CONCURRENCY,
  };
}

/** Without a budget of its own nothing is copied: a forgotten experiment must not run up a bill. */
function parseBudget(shadow: Fields): bigint {
  try {
    return parseUsd(shadow.required('budget_usd'));
  } catch (error) {
    throw error instanceof InvalidAmountError ? invalid(shadow.at('budget_usd'), error.message) : error;
  }
}

function parseFallback(value: unknown, path: string): RouteFallback {
  const fields = new Fields(value, path, ['model', 'class']);
  return { model: fields.required('model'), class: fields.oneOf('class', FALLBACK_CLASSES) ?? 'equivalent' };
}
