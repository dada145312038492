import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { invalid } from '../../core/catalog/fields.js';

const MAX_FILE_BYTES = 65_536;
const REFERENCE = /\$\{(env|file):([^}]*)\}/g;
/** Secrets of our own: a document must not be a way to read them back (`GET config` shows base URLs). */
const OURS = /^(OG_|DATABASE_|REDIS_|PG)/;

export interface SubstitutionSource {
  environment: Readonly<Record<string, string | undefined>>;
}

type Json = unknown;

/**
 * Replaces `${env:NAME}` and `${file:/path}` where a provider's address and credentials stand, and nowhere else: in any other
 * place such a text is an error, so that nobody believes it to be replaced.
 */
export function substitute(value: Json, source: SubstitutionSource, path = ''): Json {
  if (typeof value === 'string') return value.includes('${') ? replaced(value, source, path) : value;
  if (Array.isArray(value)) return value.map((item, index) => substitute(item as Json, source, `${path}[${index}]`));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, substitute(item as Json, source, path === '' ? name : `${path}.${name}`)]));
}

function replaced(text: string, source: SubstitutionSource, path: string): string {
  if (!/^providers\[\d+\]\.(base_url$|credentials\[)/.test(path))
    throw invalid(path, 'must not refer to the environment or a file; only base_url and credentials may');
  return text.replace(REFERENCE, (_all, kind: string, name: string) => (kind === 'env' ? fromEnvironment(name, source, path) : fromFile(name, path)));
}

function fromEnvironment(name: string, { environment }: SubstitutionSource, path: string): string {
  if (OURS.test(name)) throw invalid(path, `must not refer to the gateway's own variable ${name}`);
  const value = environment[name];
  if (value === undefined || value === '') throw invalid(path, `refers to the environment variable ${name}, which is not set`);
  return value;
}

function fromFile(name: string, path: string): string {
  try {
    const file = resolve(name);
    if (statSync(file).size > MAX_FILE_BYTES) throw new Error('too large');
    return readFileSync(file, 'utf8').replace(/\r?\n$/, '');
  } catch (error) {
    throw invalid(path, `refers to the file ${name}, which cannot be read (${(error as NodeJS.ErrnoException).code ?? (error as Error).message})`);
  }
}
