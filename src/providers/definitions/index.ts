export type { AuthScheme, EndpointKind, Evidence, HeaderFacts, ProviderDefinition } from './definition.js';
export { DEFINITIONS, findDefinition, getDefinition } from './registry.js';
