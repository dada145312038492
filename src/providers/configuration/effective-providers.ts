import { DEFAULT_POLICY } from '../../core/ledger/index.js';
import { DEFINITIONS, type ProviderDefinition } from '../definitions/index.js';
import type { ProviderDocument } from './document.js';

type Environment = Readonly<Record<string, string | undefined>>;

const PLAIN = { baseUrl: null, zones: [], timeouts: {}, health: true, drainOnAbort: false, billPartial: true, settlement: DEFAULT_POLICY } as const;

/** What is there without any document: the sandbox, and every provider whose usual key variable is set. */
export function builtInProviders(environment: Environment): ProviderDocument[] {
  const providers: ProviderDocument[] = [];
  for (const definition of DEFINITIONS) {
    const { id, inProcess } = definition;
    const baseUrl = firstSet(definition.baseUrlEnv ?? [], environment) ?? null;
    const secrets = secretsIn(definition, environment);
    // One without an address of its own waits for a document that gives it.
    const addressed = definition.baseUrl !== null || (baseUrl !== null && URL.canParse(baseUrl));
    if (secrets !== null && addressed) providers.push({ ...PLAIN, baseUrl, id, type: id, credentials: [{ id: 'env', weight: 1, secrets }] });
    else if (inProcess === true) providers.push({ ...PLAIN, id, type: id, credentials: [] });
  }
  return providers;
}

function firstSet(names: readonly string[], environment: Environment): string | undefined {
  return names.map((name) => environment[name]?.trim()).find((value) => value !== undefined && value !== '');
}

/** Null unless some set of fields that suffices is complete. */
function secretsIn({ env, credentialFields = [], credentialSets = [['key']] }: ProviderDefinition, environment: Environment): Record<string, string> | null {
  const values = [{ name: 'key', env }, ...credentialFields].flatMap((field): [string, string][] => {
    const value = firstSet(field.env, environment);
    return value === undefined ? [] : [[field.name, value]];
  });
  const secrets = Object.fromEntries(values);
  return credentialSets.some((set) => set.every((name) => secrets[name] !== undefined)) ? secrets : null;
}

/** The document's providers win by id. */
export function effectiveProviders(written: readonly ProviderDocument[], environment: Environment): ProviderDocument[] {
  const named = new Set(written.map((provider) => provider.id));
  return [...written, ...builtInProviders(environment).filter((provider) => !named.has(provider.id))];
}
