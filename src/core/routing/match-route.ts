import type { Route, Snapshot } from '../catalog/model.js';
import { compileGlob } from '../policy/glob.js';

export interface RouteQuestion {
  model: string;
  organization: string;
  tags: readonly string[];
  zone: string;
}

/** Patterns are compiled once per snapshot: a new snapshot brings new route objects. */
const COMPILED = new WeakMap<Route, (question: RouteQuestion) => boolean>();

/** The first route that matches rules (CONTRACT section 3); null when none does. */
export function matchRoute(snapshot: Snapshot, question: RouteQuestion): Route | null {
  for (const route of snapshot.routes) {
    let matches = COMPILED.get(route);
    if (matches === undefined) COMPILED.set(route, (matches = compile(route)));
    if (matches(question)) return route;
  }
  return null;
}

function compile(route: Route): (question: RouteQuestion) => boolean {
  const model = compileGlob(route.match.model);
  const organization = compileGlob(route.match.organization);
  const zone = compileGlob(route.match.zone);
  const tag = route.match.tag === '*' ? null : compileGlob(route.match.tag);
  return (question) =>
    model.matches(question.model) &&
    organization.matches(question.organization) &&
    zone.matches(question.zone) &&
    (tag === null || question.tags.some((name) => tag.matches(name)));
}
