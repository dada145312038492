const DURATION_UNITS_MS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const SIZE_UNITS_BYTES: Record<string, number> = { '': 1, b: 1, kb: 1_000, kib: 1_024, mb: 1_000_000, mib: 1_048_576, gb: 1e9, gib: 1_073_741_824 };

/** `250ms`, `5s`, `1.5m`, `2h`, `1d` as milliseconds; NaN for anything else (a bare number has no unit, except 0). */
export function parseDurationMs(text: string): number {
  return parseQuantity(text, DURATION_UNITS_MS);
}

/** `65536`, `512kB`, `32MiB` as bytes; NaN for anything else. */
export function parseSizeBytes(text: string): number {
  return parseQuantity(text, SIZE_UNITS_BYTES);
}

function parseQuantity(text: string, units: Record<string, number>): number {
  if (text.trim() === '0') return 0;
  const match = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(text);
  const factor = units[match?.[2]?.toLowerCase() ?? 'none'];
  return match === null || factor === undefined ? Number.NaN : Math.round(Number(match[1]) * factor);
}
