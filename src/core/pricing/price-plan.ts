import { invalidRequest } from '../errors/gateway-error.js';
import type { Schedule } from '../policy/caller.js';
import { parseSchedule, SCHEDULE_NAMES } from '../policy/parse-schedule.js';
import { compileSchedule, type CompiledSchedule } from '../policy/schedule.js';
import { parsePrice, renderPrice } from './parse-price.js';
import type { Price } from './price.js';

/** Days and hours with a whole price of their own (off-peak rates). */
export interface PriceWindow {
  readonly schedule: Schedule;
  readonly open: CompiledSchedule;
  readonly price: Price;
}

export interface PriceVersion {
  /** In force from its `effectiveFromMs` on; without one, from ever. */
  readonly price: Price;
  /** The first that is open has precedence over `price`. */
  readonly windows: readonly PriceWindow[];
}

/** What a model costs over time. Whatever moment is asked, the answer is one flat, immutable `Price`. */
export interface PricePlan {
  /** By effective date, the oldest first. */
  readonly versions: readonly PriceVersion[];
}

const MAX_VERSIONS = 50;
const MAX_WINDOWS = 24;
const MINUTE_MS = 60_000;

/**
 * `price` or `cost` of the configuration document: one price, or a list of versions that differ by `effective_from`; each may
 * have `windows`: `{days?, from?, to?, timezone? (UTC), …the fields of a price}`. Throws 400 `invalid_request` at the path.
 */
export function parsePricePlan(value: unknown, path: string): PricePlan {
  if (!Array.isArray(value)) return { versions: [parseVersion(value, path)] };
  if (value.length === 0 || value.length > MAX_VERSIONS) throw invalidRequest(path, `${path} must have 1 to ${MAX_VERSIONS} versions`);
  const versions = value.map((item, index) => parseVersion(item, `${path}[${index}]`));
  const starts = versions.map(({ price }) => price.effectiveFromMs ?? Number.NEGATIVE_INFINITY);
  const twice = starts.findIndex((start, index) => starts.indexOf(start) !== index);
  if (twice >= 0) throw invalidRequest(`${path}[${twice}].effective_from`, `${path}[${twice}].effective_from: another version begins at the same time`);
  return { versions: versions.sort((a, b) => startOf(a) - startOf(b)) };
}

/** The document that `parsePricePlan` reads back into the same plan. */
export function renderPricePlan({ versions }: PricePlan): unknown {
  const rendered = versions.map(renderVersion);
  return rendered.length === 1 ? rendered[0] : rendered;
}

/** A single price that holds at all times. */
export function planOf(price: Price): PricePlan {
  return { versions: [{ price, windows: [] }] };
}

/** The price in force; null before the first version begins: the model is unpriced until then. */
export function priceAt({ versions }: PricePlan, atMs: number): Price | null {
  const version = versions.findLast((one) => startOf(one) <= atMs);
  if (version === undefined) return null;
  return version.windows.find(({ open }) => open.allows(atMs, 'UTC'))?.price ?? version.price;
}

/** When `priceAt` must be asked again: the answer cannot change before. Infinity when it never does. */
export function priceHoldsUntilMs({ versions }: PricePlan, atMs: number): number {
  const index = versions.findLastIndex((one) => startOf(one) <= atMs);
  const next = versions[index + 1];
  const nextMs = next === undefined ? Number.POSITIVE_INFINITY : startOf(next);
  // Windows begin and end with a minute of the wall clock, in every timezone.
  const hasWindows = (versions[index]?.windows.length ?? 0) > 0;
  return hasWindows ? Math.min(nextMs, (Math.floor(atMs / MINUTE_MS) + 1) * MINUTE_MS) : nextMs;
}

function startOf({ price }: PriceVersion): number {
  return price.effectiveFromMs ?? Number.NEGATIVE_INFINITY;
}

function parseVersion(value: unknown, path: string): PriceVersion {
  if (typeof value !== 'object' || value === null || !('windows' in value)) return { price: parsePrice(value, path), windows: [] };
  const { windows, ...rest } = value as Record<string, unknown>;
  if (!Array.isArray(windows) || windows.length > MAX_WINDOWS) throw invalidRequest(`${path}.windows`, `${path}.windows must be a list of at most ${MAX_WINDOWS}`);
  return { price: parsePrice(rest, path), windows: windows.map((item, index) => parseWindow(item, `${path}.windows[${index}]`)) };
}

function parseWindow(value: unknown, path: string): PriceWindow {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalidRequest(path, `${path} must be an object`);
  const entries = Object.entries(value);
  const when = entries.filter(([name]) => SCHEDULE_NAMES.includes(name));
  const schedule = parseSchedule(Object.fromEntries(when), path);
  if (schedule.days === undefined && schedule.from === undefined && schedule.to === undefined) {
    throw invalidRequest(path, `${path} says no days and no hours; a price that always holds needs no window`);
  }
  const price = parsePrice(Object.fromEntries(entries.filter(([name]) => !SCHEDULE_NAMES.includes(name))), path);
  if (price.effectiveFromMs !== undefined) throw invalidRequest(`${path}.effective_from`, `${path}.effective_from: the version has the date, not its window`);
  return { schedule, open: compileSchedule(schedule), price };
}

function renderVersion({ price, windows }: PriceVersion): unknown {
  const document = renderPrice(price);
  if (windows.length === 0 || typeof document === 'string') return document;
  return { ...document, windows: windows.map((window) => ({ ...window.schedule, ...(renderPrice(window.price) as object) })) };
}
