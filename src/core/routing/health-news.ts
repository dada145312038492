/** What one replica tells the others about one deployment since the last time: only what it saw itself. */
export interface HealthNews {
  successes: number;
  failures: number;
  rateLimited: number;
  /** A few of the durations. */
  ttftMs: number[];
  totalMs: number[];
  opened?: { forMs: number; openings: number };
  closed?: true;
  pausedForMs?: number;
  /** The provider refused the credential whose secret has this digest. */
  rejectedSecret?: string;
}

/** As a message between replicas: deployment id → news. */
export type HealthBulletin = ReadonlyMap<string, HealthNews>;

export const MAX_NEWS = 500;
const MAX_SAMPLES = 8;
const MAX_COUNT = 1_000_000;
const MAX_WAIT_MS = 600_000;

export function noNews(): HealthNews {
  return { successes: 0, failures: 0, rateLimited: 0, ttftMs: [], totalMs: [] };
}

/** Keeps a bounded sample: the first ones of the interval. */
export function addSample(samples: number[], valueMs: number | undefined): void {
  if (valueMs !== undefined && samples.length < MAX_SAMPLES) samples.push(Math.round(valueMs));
}

export function renderBulletin(bulletin: HealthBulletin): string {
  return JSON.stringify([...bulletin].slice(0, MAX_NEWS));
}

/** What is not ours, or not well-formed, is left out: other versions may write to the same place. */
export function parseBulletin(text: string): Map<string, HealthNews> {
  const bulletin = new Map<string, HealthNews>();
  for (const entry of parsedList(text).slice(0, MAX_NEWS)) {
    if (!Array.isArray(entry) || typeof entry[0] !== 'string' || typeof entry[1] !== 'object' || entry[1] === null) continue;
    bulletin.set(entry[0], newsOf(entry[1] as Record<string, unknown>));
  }
  return bulletin;
}

function parsedList(text: string): unknown[] {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}

function newsOf(raw: Record<string, unknown>): HealthNews {
  const news: HealthNews = {
    successes: within(raw['successes'], MAX_COUNT) ?? 0,
    failures: within(raw['failures'], MAX_COUNT) ?? 0,
    rateLimited: within(raw['rateLimited'], MAX_COUNT) ?? 0,
    ttftMs: samplesOf(raw['ttftMs']),
    totalMs: samplesOf(raw['totalMs']),
  };
  const opened = openedOf(raw['opened']);
  if (opened !== undefined) news.opened = opened;
  if (raw['closed'] === true) news.closed = true;
  const pausedForMs = within(raw['pausedForMs'], MAX_WAIT_MS);
  if (pausedForMs !== undefined) news.pausedForMs = pausedForMs;
  if (typeof raw['rejectedSecret'] === 'string') news.rejectedSecret = raw['rejectedSecret'];
  return news;
}

function openedOf(value: unknown): HealthNews['opened'] {
  const raw = value as { forMs?: unknown; openings?: unknown } | null | undefined;
  const forMs = within(raw?.forMs, MAX_WAIT_MS);
  return forMs === undefined ? undefined : { forMs, openings: within(raw?.openings, 8) ?? 1 };
}

function samplesOf(value: unknown): number[] {
  return Array.isArray(value) ? value.slice(0, MAX_SAMPLES).filter((item) => within(item, 86_400_000) !== undefined) : [];
}

function within(value: unknown, most: number): number | undefined {
  return typeof value === 'number' && value >= 0 && value <= most ? value : undefined;
}
