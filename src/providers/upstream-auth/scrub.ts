import type { Credential } from '../../core/catalog/model.js';
import type { UpstreamFailure } from '../../core/errors/upstream-failure.js';

const REDACTED = '[redacted]';
/** Shorter ones are no secrets, and replacing them would tear words apart. */
const MIN_SECRET_CHARS = 6;

/** Fields of credentials that are part of an address: errors may name them. */
const PUBLIC: ReadonlySet<string> = new Set(['region', 'location', 'project']);

/** A provider may echo the key it was sent (A09): the exact secrets of this credential are taken out, whatever their shape. */
export function scrubFailure(failure: UpstreamFailure, credential: Credential): UpstreamFailure {
  const own = Object.entries(credential.secrets).flatMap(([name, secret]) => (PUBLIC.has(name) ? [] : [secret]));
  const secrets = own.filter((secret) => secret.length >= MIN_SECRET_CHARS);
  const holds = (text: string | null | undefined) => typeof text === 'string' && secrets.some((secret) => text.includes(secret));
  const fields = [failure.message, failure.body, failure.rawCode, failure.param];
  if (!fields.some(holds)) return failure;
  const scrub = (text: string) => secrets.reduce((safe, secret) => safe.replaceAll(secret, REDACTED), text);
  return {
    ...failure,
    message: scrub(failure.message),
    ...(typeof failure.body === 'string' && { body: scrub(failure.body) }),
    ...(typeof failure.rawCode === 'string' && { rawCode: scrub(failure.rawCode) }),
    ...(typeof failure.param === 'string' && { param: scrub(failure.param) }),
  };
}
