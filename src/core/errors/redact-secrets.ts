/**
 * Secrets by their shape: keys with well-known prefixes (also half masked, as providers echo them in their errors), bearer tokens,
 * AWS access keys, JSON web tokens, private keys, passwords in URLs. Texts may be a client's and a megabyte long, so no pattern may
 * look at one character more than a bounded number of times: each is bounded, and those that can fail late begin only once per run.
 */
const SECRETS: readonly (readonly [RegExp, string])[] = [
  [/\b((?:sk|mk)-og-)[A-Za-z0-9]{4,300}/g, '$1[redacted]'],
  [/\b(?:sk|rk|mk|gsk|xai|pplx|nvapi|hf|glpat|csk|fw|r8|tgp)[-_](?=[A-Za-z_*-]{0,60}[A-Z0-9*])[A-Za-z0-9_*.-]{8,300}/g, '[redacted]'],
  [/\bAIza[A-Za-z0-9_*-]{8,80}/g, '[redacted]'],
  [/\bya29\.[A-Za-z0-9_-]{8,400}/g, '[redacted]'],
  [/\b(?:AKIA|ASIA)[A-Z0-9]{12,20}\b/g, '[redacted]'],
  [/(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,4000}\.[A-Za-z0-9_-]{8,4000}\.[A-Za-z0-9_-]{0,4000}/g, '[redacted]'],
  [/-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[A-Za-z0-9+/=\s\\-]{0,8000}/g, '[redacted]'],
  [/\b(bearer|basic)(\s{1,8})[A-Za-z0-9._~+/*-]{8,4000}={0,2}/gi, '$1$2[redacted]'],
  [/:\/\/[^\s:/@"]{0,100}:[^\s@"/]{1,200}@/g, '://[redacted]@'],
];
/** `Incorrect API key provided: <not-a-r****key>`: whatever stands there is (part of) a key. */
const NAMED = /\b(api[ _-]?key(?: provided)?|x-api-key|authorization|secret|password|token)(["']?\s{0,4}[:=]\s{0,4}["']?)[^\s"',;]{4,400}/gi;

/**
 * What every secret above begins with: one quick look spares ordinary text the rest. A key's prefix is looked for backwards from its
 * hyphen, because names with hyphens (models, deployments) are ordinary text: tried at every letter it would take five times as long.
 */
const HINT = /[a-z\d][kixftw8p][-_](?<=\b(?:[gc]?sk|rk|mk|xai|pplx|nvapi|hf|glpat|fw|r8|tgp).)|AIza|ya29|AKIA|ASIA|eyJ|-----BEGIN|bearer|basic|:\/\//i;

/** The same text without secrets. Not a guarantee: a secret of unknown shape stays. Linear in the length of the text. */
export function redactSecrets(text: string): string {
  if (!HINT.test(text)) return text;
  let safe = text;
  for (const [secret, replacement] of SECRETS) safe = safe.replace(secret, replacement);
  return safe;
}

/** For a provider's error text: also what stands behind `key:`, `token=` and the like. */
export function redactProviderWords(text: string): string {
  return redactSecrets(text).replace(NAMED, '$1$2[redacted]');
}
