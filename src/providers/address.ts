import type { Credential, Deployment } from '../core/catalog/model.js';
import type { ProtocolId, UpstreamProtocol } from '../core/protocols/protocol.js';
import type { ProviderDefinition } from './definitions/index.js';

type Values = Readonly<Record<string, string | undefined>>;

/** What of a credential is part of an address: its public fields, with their defaults, and the project of a service account. */
export function publicFields(definition: ProviderDefinition, credential: Credential): Values {
  const fields = (definition.credentialFields ?? []).filter((field) => !field.secret);
  const values: Record<string, string | undefined> = {};
  for (const { name, default: otherwise } of fields) values[name] = credential.secrets[name] ?? otherwise;
  const account = credential.secrets['service_account'];
  if (account !== undefined && values['project'] === undefined) values['project'] = projectOf(account);
  const { location } = values;
  return location === undefined ? values : { ...values, 'location-': location === 'global' ? '' : `${location}-` };
}

function projectOf(account: string): string | undefined {
  try {
    const { project_id: project } = JSON.parse(account) as { project_id?: unknown };
    return typeof project === 'string' ? project : undefined;
  } catch {
    return undefined;
  }
}

/** The address of one deployment: the configured one or the definition's, with everything put in that it leaves open. */
export function baseUrlOf(configured: string, definition: ProviderDefinition, deployment: { credential: Credential; upstreamModel: string }): string {
  const pathed = definition.basePath === undefined || configured === '' ? configured : withPath(configured, definition.basePath);
  if (!pathed.includes('{')) return pathed;
  return fill(pathed, { ...publicFields(definition, deployment.credential), model: deployment.upstreamModel });
}

function withPath(configured: string, path: NonNullable<ProviderDefinition['basePath']>): string {
  const url = new URL(configured);
  if (url.pathname !== '/' && url.pathname !== '/openai') return configured;
  const chosen = url.searchParams.has('api-version') ? path.versioned : path.plain;
  return `${url.origin}${chosen}${url.search}`;
}

/** The full URL of one call. */
export function callUrl(deployment: Deployment, definition: ProviderDefinition, protocol: UpstreamProtocol, stream: boolean): string {
  const { provider, upstreamModel, credential } = deployment;
  const template = definition.paths?.[protocol.id as ProtocolId];
  if (template === undefined) return protocol.endpoint({ baseUrl: provider.baseUrl, upstreamModel, stream });
  const path = fill(stream ? template.stream : template.whole, { ...publicFields(definition, credential), model: upstreamModel });
  const base = provider.baseUrl.replace(/\/+$/, '');
  // A version at the end of the base is not doubled (CONTRACT section 3).
  const version = /\/v\d+(?:beta\d*)?$/.exec(base)?.[0] ?? '';
  return base + (version !== '' && path.startsWith(`${version}/`) ? path.slice(version.length) : path);
}

function fill(template: string, values: Values): string {
  const kept = template.replace(/\[([^\]]*)\]/g, (_, part: string) => (namesIn(part).every((name) => values[name] !== undefined) ? part : ''));
  return kept.replace(/\{([a-z-]+)\}/g, (_, name: string) => encodeURIComponent(values[name] ?? ''));
}

const namesIn = (part: string): string[] => [...part.matchAll(/\{([a-z-]+)\}/g)].map((match) => match[1] as string);
