import { createHash } from 'node:crypto';
import { Secrets } from '../../platform/secrets/index.js';
import { MASK } from './document.js';
import type { RenderSecret } from './render-document.js';

const SEALED = 'sealed:';

/** What is bound to a sealed key: copied to another provider or credential it does not open. */
const ownerOf = (provider: string, credential: string): string => `provider:${provider}:${credential}`;

/** The forms in which a secret may stand in a rendered document. */
export function secretForms(secrets: Secrets): Record<'sealed' | 'masked' | 'digested', RenderSecret> {
  return {
    sealed: (plain, { provider, credential }) => SEALED + secrets.seal(plain, ownerOf(provider, credential)),
    masked: () => MASK,
    digested: (plain) => secrets.digest('configuration', plain).slice(0, 32),
  };
}

/** Opens every sealed key of a stored document. Throws when one was sealed by another master key or moved. */
export function openSecrets(stored: unknown, secrets: Secrets): unknown {
  const providers = (stored as { providers?: unknown } | null)?.providers;
  if (!Array.isArray(providers)) return stored;
  return { ...(stored as object), providers: providers.map((provider: unknown) => openProvider(provider, secrets)) };
}

function openProvider(provider: unknown, secrets: Secrets): unknown {
  const { id, credentials } = provider as { id?: unknown; credentials?: unknown };
  if (typeof id !== 'string' || !Array.isArray(credentials)) return provider;
  return { ...(provider as object), credentials: credentials.map((credential: unknown) => openCredential(credential, id, secrets)) };
}

function openCredential(credential: unknown, provider: string, secrets: Secrets): unknown {
  const fields = credential as Record<string, unknown>;
  const open = (value: unknown): unknown =>
    typeof value === 'string' && value.startsWith(SEALED) ? secrets.open(value.slice(SEALED.length), ownerOf(provider, String(fields['id']))) : value;
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, open(value)]));
}

/** Digest of a document without its secrets in the clear: equal documents have equal hashes on every engine. */
export function hashOf(rendered: unknown): string {
  return createHash('sha256').update(JSON.stringify(rendered)).digest('hex').slice(0, 16);
}
