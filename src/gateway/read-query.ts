import { invalidRequest } from '../core/errors/gateway-error.js';

/** The words of a query string, each once and known. Throws 400 that names the parameter. */
export function readQuery<Name extends string>(query: unknown, known: readonly Name[]): Partial<Record<Name, string>> {
  const words: Partial<Record<Name, string>> = {};
  for (const [name, value] of Object.entries((query ?? {}) as Record<string, unknown>)) {
    if (!(known as readonly string[]).includes(name)) throw invalidRequest(name.slice(0, 64), `The query parameter ${name.slice(0, 64)} is not known here; known are ${known.join(', ')}.`);
    if (typeof value !== 'string') throw invalidRequest(name, `The query parameter ${name} must be given once.`);
    if (value !== '') words[name as Name] = value;
  }
  return words;
}
