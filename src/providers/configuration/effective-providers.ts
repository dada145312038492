import { DEFINITIONS } from '../definitions/index.js';
import type { ProviderDocument } from './document.js';

type Environment = Readonly<Record<string, string | undefined>>;

const PLAIN = { baseUrl: null, zones: [], timeouts: {}, health: true, drainOnAbort: false, billPartial: true } as const;

/** What is there without any document: the sandbox, and every provider whose usual key variable is set. */
export function builtInProviders(environment: Environment): ProviderDocument[] {
  const providers: ProviderDocument[] = [];
  for (const { id, env, inProcess } of DEFINITIONS) {
    const key = env.map((name) => environment[name]?.trim()).find((value) => value !== undefined && value !== '');
    if (key !== undefined) providers.push({ ...PLAIN, id, type: id, credentials: [{ id: 'env', weight: 1, secrets: { key } }] });
    else if (inProcess === true) providers.push({ ...PLAIN, id, type: id, credentials: [] });
  }
  return providers;
}

/** The document's providers win by id. */
export function effectiveProviders(written: readonly ProviderDocument[], environment: Environment): ProviderDocument[] {
  const named = new Set(written.map((provider) => provider.id));
  return [...written, ...builtInProviders(environment).filter((provider) => !named.has(provider.id))];
}
