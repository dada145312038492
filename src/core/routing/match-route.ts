import type { Route, Snapshot } from '../catalog/model.js';
import { compileGlob } from '../policy/glob.js';
import { compileSchedule } from '../policy/schedule.js';

export interface RouteQuestion {
  model: string;
  organization: string;
  tags: readonly string[];
  zone: string;
  promptTokens: number;
  nowMs: number;
}

type Matches = (question: RouteQuestion) => boolean;

/** Patterns are compiled once per snapshot: a new snapshot brings new route objects. */
const COMPILED = new WeakMap<Route, Matches>();

/** The first route that matches rules (CONTRACT section 3); null when none does. */
export function matchRoute(snapshot: Pick<Snapshot, 'routes'>, question: RouteQuestion): Route | null {
  for (const route of snapshot.routes) {
    let matches = COMPILED.get(route);
    if (matches === undefined) COMPILED.set(route, (matches = compile(route)));
    if (matches(question)) return route;
  }
  return null;
}

/** Only what the route names is asked, the cheap things first. */
function compile({ match }: Route): Matches {
  const conditions: Matches[] = [];
  const { promptTokens, time } = match;
  if (promptTokens !== undefined) {
    const { min = 0, max = Infinity } = promptTokens;
    conditions.push((question) => question.promptTokens >= min && question.promptTokens <= max);
  }
  for (const name of ['model', 'organization', 'zone'] as const) {
    if (match[name] === '*') continue;
    const glob = compileGlob(match[name]);
    conditions.push((question) => glob.matches(question[name]));
  }
  if (match.tag !== '*') {
    const tag = compileGlob(match.tag);
    conditions.push(({ tags }) => tags.some((name) => tag.matches(name)));
  }
  if (time !== undefined) {
    const schedule = compileSchedule(time);
    conditions.push(({ nowMs }) => schedule.allows(nowMs, 'UTC'));
  }
  return (question) => conditions.every((holds) => holds(question));
}

export const MAX_ATTEMPTS = 3;
/** What rules where the configuration says nothing. */
export const NO_ROUTE: Route = {
  name: '',
  match: { model: '*', organization: '*', tag: '*', zone: '*' },
  strategy: { kind: 'balanced' },
  fallbacks: [],
  maxAttempts: MAX_ATTEMPTS,
  fallbackOn: [],
  affinity: [],
  limits: {},
};
