/**
 * What looks like a credential, wherever it stands in a line: our own keys, the providers' (OpenAI, Anthropic, Google, AWS,
 * xAI, Groq, Hugging Face, Replicate …), bearer tokens, passwords in URLs. The last line of defence: what knows that it holds
 * a secret must not log it in the first place.
 */
const SECRETS: readonly [RegExp, string][] = [
  [/\b((?:sk|mk)-og-)[0-9A-Za-z]{4,}/g, '$1[redacted]'],
  [/\b(sk-(?:ant-|or-|proj-|svcacct-)?|xai-|gsk_|hf_|r8_|pplx-|fw_|nvapi-|AIza|AKIA|ASIA)[0-9A-Za-z_-]{12,}/g, '$1[redacted]'],
  [/\b(Bearer|Basic)(\s+)[0-9A-Za-z._~+/=-]{8,}/gi, '$1$2[redacted]'],
  [/([a-z][a-z0-9+.-]*:\/\/[^\s:/@"]*:)[^\s@"]+@/gi, '$1[redacted]@'],
  [/\beyJ[0-9A-Za-z_-]{8,}\.[0-9A-Za-z_-]{8,}\.[0-9A-Za-z_-]{8,}/g, '[redacted]'],
];

export function redactSecrets(text: string): string {
  let clean = text;
  for (const [pattern, replacement] of SECRETS) clean = clean.replace(pattern, replacement);
  return clean;
}

/** Fields whose value is a secret whatever it looks like; pino replaces them before they are written. */
export const SECRET_FIELDS = [
  'authorization',
  'Authorization',
  'cookie',
  'api_key',
  'apiKey',
  'key',
  'token',
  'password',
  'secret',
  'secret_access_key',
  'service_account',
  'admin_token',
  'master_key',
  '["x-api-key"]',
  '["x-goog-api-key"]',
  '["set-cookie"]',
].flatMap((name) => [name, `*${name.startsWith('[') ? '' : '.'}${name}`, `*.*${name.startsWith('[') ? '' : '.'}${name}`]);
