import { Fields, invalid, suggestion } from '../../core/catalog/fields.js';
import { parseDurationMs } from '../../platform/config/index.js';
import { DEFINITIONS, findDefinition, type ProviderDefinition } from '../definitions/index.js';
import type { CredentialDocument, ProviderDocument } from './document.js';

const PROVIDER_FIELDS = ['id', 'type', 'base_url', 'zones', 'credentials', 'timeouts', 'health', 'drain_on_abort', 'bill_partial'];
const CREDENTIAL_FIELDS = ['id', 'key', 'weight'];
const MAX_PROVIDERS = 1_000;
const MAX_CREDENTIALS = 100;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const VISIBLE_ASCII = /^[\x21-\x7e]+$/;

/** Field of the document → field of ours, with the longest sensible value. */
const TIMEOUTS = [
  { name: 'connect', field: 'connectMs', maxMs: 60_000 },
  { name: 'first_byte', field: 'firstByteMs', maxMs: 3_600_000 },
  { name: 'idle', field: 'idleMs', maxMs: 3_600_000 },
  { name: 'total', field: 'totalMs', maxMs: 86_400_000 },
] as const;

/** The secret a credential had before, when the document shows it masked; undefined when there is none to keep. */
export type KeepSecret = (provider: { id: string; type: string; baseUrl: string | null }, credentialId: string) => Readonly<Record<string, string>> | undefined;

export function parseProviders(list: readonly unknown[], keep: KeepSecret, mask: string): ProviderDocument[] {
  if (list.length > MAX_PROVIDERS) throw invalid('providers', `must have at most ${MAX_PROVIDERS} items`);
  const seen = new Set<string>();
  return list.map((item, index) => {
    const provider = parseProvider(item, `providers[${index}]`, { keep, mask });
    if (seen.has(provider.id)) throw invalid(`providers[${index}].id`, `is ${JSON.stringify(provider.id)} a second time`);
    seen.add(provider.id);
    return provider;
  });
}

interface Masking {
  keep: KeepSecret;
  mask: string;
}

function parseProvider(value: unknown, path: string, masking: Masking): ProviderDocument {
  const fields = new Fields(value, path, PROVIDER_FIELDS);
  const id = parseName(fields, 'id');
  const definition = parseType(fields);
  const baseUrl = parseBaseUrl(fields.string('base_url'), fields.at('base_url'));
  if (baseUrl === null && definition.baseUrl === null) throw invalid(fields.at('base_url'), `is missing: ${definition.id} has no address of its own`);
  const provider = { id, type: definition.id, baseUrl };
  const credentials = parseCredentials(fields, provider, masking);
  if (credentials.length === 0 && definition.anonymous !== true && baseUrl === null) {
    const [variable] = definition.env;
    throw invalid(fields.at('credentials'), `is missing; for instance [{id: main, key: "\${env:${variable ?? 'KEY'}}"}]`);
  }
  return {
    ...provider,
    zones: parseZones(fields),
    credentials,
    timeouts: parseTimeouts(fields),
    health: fields.switch('health') ?? true,
    drainOnAbort: fields.switch('drain_on_abort') ?? false,
    billPartial: fields.switch('bill_partial') ?? true,
  };
}

function parseName(fields: Fields, name: string): string {
  const text = fields.required(name);
  if (NAME.test(text)) return text;
  throw invalid(fields.at(name), 'must be up to 64 letters, digits, dots, dashes or underscores, and begin with a letter or digit');
}

function parseType(fields: Fields): ProviderDefinition {
  const type = fields.required('type');
  const definition = findDefinition(type);
  if (definition !== null) return definition;
  const ids = DEFINITIONS.map((known) => known.id);
  throw invalid(fields.at('type'), `is ${JSON.stringify(type)}, which is no provider type (${ids.join(', ')})${suggestion(type, ids)}`);
}

/** Scheme, host, port and path, without a final slash; a query stays (Azure's `api-version`). Private addresses are the operator's right (CONTRACT section 3). */
function parseBaseUrl(text: string | undefined, path: string): string | null {
  if (text === undefined) return null;
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) throw invalid(path, 'must be an http or https URL');
  if (url.username !== '' || url.password !== '') throw invalid(path, 'must not contain a user or password; use credentials');
  if (url.hash !== '') throw invalid(path, 'must not contain a fragment');
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}${url.search}`;
}

function parseZones(fields: Fields): string[] {
  return fields.strings('zones', 50).map((zone, index) => {
    if (/^[a-z0-9][a-z0-9-]{0,31}$/.test(zone)) return zone;
    throw invalid(`${fields.at('zones')}[${index}]`, 'must be lower-case letters, digits and dashes');
  });
}

function parseTimeouts(fields: Fields): ProviderDocument['timeouts'] {
  const timeouts: ProviderDocument['timeouts'] = {};
  if (!fields.has('timeouts')) return timeouts;
  const inner = new Fields(
    fields.raw('timeouts'),
    fields.at('timeouts'),
    TIMEOUTS.map(({ name }) => name),
  );
  for (const { name, field, maxMs } of TIMEOUTS) {
    const text = inner.raw(name);
    if (text === undefined) continue;
    const value = typeof text === 'string' ? parseDurationMs(text) : Number.NaN;
    if (!(value >= 1 && value <= maxMs)) throw invalid(inner.at(name), `must be a duration like 500ms, 30s or 5m, at most ${maxMs / 1_000}s`);
    timeouts[field] = value;
  }
  return timeouts;
}

function parseCredentials(fields: Fields, provider: Parameters<KeepSecret>[0], masking: Masking): CredentialDocument[] {
  const seen = new Set<string>();
  return fields.list('credentials', MAX_CREDENTIALS).map((item, index) => {
    const path = `${fields.at('credentials')}[${index}]`;
    const inner = new Fields(item, path, CREDENTIAL_FIELDS);
    const id = inner.has('id') ? parseName(inner, 'id') : index === 0 ? 'main' : `credential-${index + 1}`;
    if (seen.has(id)) throw invalid(inner.at('id'), `is ${JSON.stringify(id)} a second time`);
    seen.add(id);
    return { id, weight: inner.integer('weight', { min: 0, max: 1_000_000 }) ?? 1, secrets: parseSecrets(inner, { provider, id, masking }) };
  });
}

function parseSecrets(fields: Fields, credential: { provider: Parameters<KeepSecret>[0]; id: string; masking: Masking }): Readonly<Record<string, string>> {
  const key = fields.string('key');
  if (key === undefined) return {};
  const { masking } = credential;
  if (key === masking.mask) {
    const kept = masking.keep(credential.provider, credential.id);
    if (kept === undefined) throw invalid(fields.at('key'), 'is masked, but there is no such secret for this type and address to keep; write it out');
    return kept;
  }
  if (!VISIBLE_ASCII.test(key)) throw invalid(fields.at('key'), 'must be visible ASCII characters without spaces or line breaks');
  return { key };
}
