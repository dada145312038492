export { RouteDrafts, type RouteDraft } from './route-drafts.js';
export type { RouteProblem, RouteValidation } from './validate-routes.js';
