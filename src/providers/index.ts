export { ConfigurationService, type ApplyOptions, type ApplyResult, type Change, type RouteVersion } from './configuration/index.js';
export type { ProviderDefinition } from './definitions/index.js';
export type { CallObserver, OperationObserver, PreparedCall, PreparedOperation, RateLimitFacts, UpstreamExchange } from './exchange.js';
export { ProviderAdapter, type AdapterParts } from './provider-adapter.js';
export { RouteDrafts, type RouteDraft, type RouteProblem, type RouteValidation } from './routes/index.js';
export { ProvidersModule } from './providers.module.js';
