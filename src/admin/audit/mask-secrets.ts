const SECRET_NAMES = /^(key|secret|token|password|api_key|access_key|secret_access_key|service_account|private_key|code|codes)$/i;
const SECRET_VALUES = /\b(?:(?:sk|mk)-[A-Za-z0-9_-]{8,}|OG(?:-[0-9A-Z]{5}){5}\b)/gi;
const MAX_TEXT_CHARS = 20_000;

/** A copy with every secret masked and long texts cut: an audit row must be safe to show. */
export function maskSecrets(value: unknown, depth = 0): unknown {
  if (depth > 12) return '…';
  if (typeof value === 'string') return maskText(value);
  if (Array.isArray(value)) return value.slice(0, 1000).map((item) => maskSecrets(item, depth + 1));
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Date) return value.toISOString();
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, SECRET_NAMES.test(name) && member !== null ? '***' : maskSecrets(member, depth + 1)]),
  );
}

/** YAML documents arrive as text: values behind secret names are masked line by line. */
function maskText(text: string): string {
  return text
    .slice(0, MAX_TEXT_CHARS)
    .replace(SECRET_VALUES, '***')
    .replace(
      /\b(key|secret_access_key|access_key_id|service_account|password|token)(["']?\s*:\s*)(?!\s*["']?\$\{)("[^"\n]*"|'[^'\n]*'|[^\s,}\n]+)/g,
      '$1$2***',
    );
}
