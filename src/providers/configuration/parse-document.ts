import { Fields, invalid } from '../../core/catalog/fields.js';
import { MASK, SECTIONS, type ConfigurationDocument } from './document.js';
import { parseModels } from './parse-models.js';
import type { KeepSecret } from './parse-credentials.js';
import { parseProviders } from './parse-providers.js';
import { parseRoutes } from './parse-routes.js';

const NOTHING_TO_KEEP: KeepSecret = () => undefined;

/** JSON → document. Throws GatewayError 400 whose `param` is the path. What refers to other sections is checked by `checkReferences`. */
export function parseConfiguration(value: unknown, keep: KeepSecret = NOTHING_TO_KEEP): ConfigurationDocument {
  const fields = new Fields(value, '', ['version', ...SECTIONS]);
  if (fields.raw('version') !== 1) throw invalid('version', fields.has('version') ? 'must be 1' : 'is missing: version: 1');
  const document: ConfigurationDocument = {};
  if (isNamed(value, 'providers')) document.providers = parseProviders(fields.list('providers', Infinity), keep, MASK);
  if (isNamed(value, 'models')) document.models = parseModels(fields.list('models', Infinity));
  if (isNamed(value, 'routes')) document.routes = parseRoutes(fields.list('routes', Infinity));
  if (isNamed(value, 'ledger')) {
    const ledger = new Fields(fields.raw('ledger') ?? {}, 'ledger', ['lease']);
    document.ledger = { lease: ledger.switch('lease') ?? true };
  }
  return document;
}

/** A section that is there but empty (`models:`) is named: it is emptied. */
function isNamed(value: unknown, section: string): boolean {
  return Object.hasOwn(value as object, section);
}
