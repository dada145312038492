/**
 * Secrets in free text: keys by their well-known prefixes (also the half-masked ones that providers echo in their errors),
 * bearer tokens, AWS access keys, JSON web tokens, PEM blocks. Linear: every pattern is bounded.
 */
const SECRETS: readonly RegExp[] = [
  /\b(?:sk|rk|pk|mk|gsk|xai|pplx|nvapi|hf|glpat|csk|fw|r8|tgp)[-_][A-Za-z0-9_*.-]{4,300}/g,
  /\bAIza[A-Za-z0-9_*-]{8,80}/g,
  /\bya29\.[A-Za-z0-9_-]{8,400}/g,
  /\b(?:AKIA|ASIA)[A-Z0-9]{12,20}\b/g,
  /\beyJ[A-Za-z0-9_-]{8,4000}\.[A-Za-z0-9_-]{8,4000}\.[A-Za-z0-9_-]{0,4000}/g,
  /-----BEGIN [A-Z ]{3,40}-----[\s\S]{0,8000}?-----END [A-Z ]{3,40}-----/g,
];
const BEARER = /\b(bearer|basic)(\s+)[A-Za-z0-9._~+/*-]{8,4000}={0,2}/gi;
/** `Incorrect API key provided: <not-a-r****key>`: whatever stands there is (part of) a key. */
const NAMED = /\b(api[ _-]?key(?: provided)?|x-api-key|authorization|secret|password|token)(["']?\s*[:=]\s*["']?)[^\s"',;]{4,400}/gi;

export const REDACTED = '[redacted]';

/** The same text without secrets. Not a guarantee: a secret of unknown shape that nothing names stays. */
export function redactSecrets(text: string): string {
  let safe = text;
  for (const secret of SECRETS) safe = safe.replace(secret, REDACTED);
  return safe.replace(BEARER, `$1$2${REDACTED}`).replace(NAMED, `$1$2${REDACTED}`);
}
