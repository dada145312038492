import { Fields, invalid, suggestion } from '../../core/catalog/fields.js';
import { parseDurationMs } from '../../platform/config/index.js';
import { DEFINITIONS, findDefinition, type ProviderDefinition } from '../definitions/index.js';
import type { ProviderDocument } from './document.js';
import { parseCredentials, type KeepSecret, type Masking } from './parse-credentials.js';
import { parseName } from './parse-name.js';

const PROVIDER_FIELDS = ['id', 'type', 'base_url', 'zones', 'credentials', 'timeouts', 'health', 'drain_on_abort', 'bill_partial', 'max_concurrency', 'zero_completion_insurance', 'charge_canceled_prompt'];
const MAX_PROVIDERS = 1_000;

/** Field of the document → field of ours, with the longest sensible value. */
const TIMEOUTS = [
  { name: 'connect', field: 'connectMs', maxMs: 60_000 },
  { name: 'first_byte', field: 'firstByteMs', maxMs: 3_600_000 },
  { name: 'idle', field: 'idleMs', maxMs: 3_600_000 },
  { name: 'first_byte_min', field: 'firstByteMinMs', maxMs: 3_600_000 },
  { name: 'idle_min', field: 'idleMinMs', maxMs: 3_600_000 },
  { name: 'total', field: 'totalMs', maxMs: 86_400_000 },
] as const;

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

function parseProvider(value: unknown, path: string, masking: Masking): ProviderDocument {
  const fields = new Fields(value, path, PROVIDER_FIELDS);
  const id = parseName(fields, 'id');
  const definition = parseType(fields);
  const baseUrl = parseBaseUrl(fields.string('base_url'), fields.at('base_url'));
  if (baseUrl === null && definition.baseUrl === null) throw invalid(fields.at('base_url'), `is missing: ${definition.id} has no address of its own`);
  const provider = { id, type: definition.id, baseUrl };
  const credentials = parseCredentials(fields, { definition, provider, masking });
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
    settlement: parseSettlement(fields),
    maxConcurrency: fields.integer('max_concurrency', { min: 1, max: 100_000 }),
  };
}

function parseSettlement(fields: Fields): ProviderDocument['settlement'] {
  return {
    zeroCompletionInsurance: fields.switch('zero_completion_insurance') ?? true,
    chargeCanceledPrompt: fields.switch('charge_canceled_prompt') ?? true,
  };
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
