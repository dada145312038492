export type { AuthScheme, CredentialField, EndpointKind, Evidence, HeaderFacts, ProtocolVariant, ProviderDefinition } from './definition.js';
export { DEFINITIONS, findDefinition, getDefinition } from './registry.js';
