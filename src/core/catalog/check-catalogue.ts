import type { TokenPrices } from '../pricing/price.js';
import type { CatalogueRow } from './catalogue-row.js';
import { ENDPOINTS } from './endpoints.js';

export type CatalogueRule = 'unpriced' | 'contradictory' | 'duplicate' | 'retired' | 'stale';

/** One thing about one row. A `note` is known and said; an `error` or a `warning` wants an edit. */
export interface CatalogueFinding {
  severity: 'error' | 'warning' | 'note';
  rule: CatalogueRule;
  id: string;
  message: string;
}

export interface CatalogueQuestion {
  nowMs: number;
  /** Rows read longer ago are stale. */
  maxAgeDays: number;
}

const DAY_MS = 86_400_000;
const KINDS: ReadonlySet<string> = new Set(ENDPOINTS);

type Say = (severity: CatalogueFinding['severity'], message: string) => void;

/** What a person should look at before the catalogue is used: by row, in the rows' order. Pure. */
export function checkCatalogue(rows: readonly CatalogueRow[], question: CatalogueQuestion): CatalogueFinding[] {
  const findings: CatalogueFinding[] = [];
  const byId = new Map(rows.map((row) => [row.id, row]));
  for (const row of rows) {
    const say =
      (rule: CatalogueRule): Say =>
      (severity, message) =>
        void findings.push({ severity, rule, id: row.id, message });
    checkPrice(row, say('unpriced'));
    checkSizes(row, say('contradictory'));
    checkRates(row, say('contradictory'));
    checkLifecycle(row, byId, { say: say('retired'), nowMs: question.nowMs });
    checkDate(row, question, say('stale'));
  }
  return [...findings, ...duplicates(rows)];
}

function checkPrice(row: CatalogueRow, say: Say): void {
  if (row.price === null && row.unpriced === undefined) say('error', 'has no price, and does not say why (`unpriced`)');
  else if (row.price === null) say('note', `has no price: ${row.unpriced}`);
  else if (row.unpriced !== undefined) say('error', 'has a price and a reason why it has none');
}

function checkSizes(row: CatalogueRow, say: Say): void {
  const { contextWindow = Infinity, maxOutput = 0, reasoning, tools, parallelTools } = row.capabilities;
  if (maxOutput > contextWindow) say('error', `may put out ${maxOutput} tokens, more than its context window of ${contextWindow}`);
  if (reasoning === false && ['efforts', 'effortMap'].some((name) => row.modelFacts[name] !== undefined))
    say('error', 'does not reason, but has reasoning efforts');
  if (tools === false && parallelTools === true) say('error', 'has no tools, but parallel ones');
  for (const endpoint of row.endpoints) if (!KINDS.has(endpoint)) say('error', `serves ${endpoint}, which is no kind of endpoint`);
}

/** A cache read dearer than the input it saves, at the base price or in a tier, is a slip of the keyboard. */
function checkRates(row: CatalogueRow, say: Say): void {
  if (row.price === null) return;
  checkCacheRate(row.price.tokens, 'its price', say);
  for (const tier of row.price.tiers) checkCacheRate({ ...row.price.tokens, ...tier.tokens }, `the tier from ${tier.minPromptTokens} tokens`, say);
  if (row.capabilities.reasoning === false && row.price.tokens.reasoning !== undefined) say('error', 'does not reason, but prices reasoning');
}

function checkCacheRate({ cacheRead, input }: TokenPrices, where: string, say: Say): void {
  if (cacheRead !== undefined && input !== undefined && cacheRead > input) say('error', `${where}: cache_read is dearer than input`);
}

function checkLifecycle(row: CatalogueRow, byId: ReadonlyMap<string, CatalogueRow>, { say, nowMs }: { say: Say; nowMs: number }): void {
  const gone = row.retiredAtMs !== undefined && row.retiredAtMs <= nowMs;
  if (gone && row.status !== 'retired') say('error', `was retired on ${dayOf(row.retiredAtMs)}, but its status is ${row.status}`);
  if (row.status === 'retired' && !gone) say('error', 'is retired without a retired_at in the past');
  if (row.replacement !== undefined) checkReplacement(row.replacement, byId, say);
  else if (row.status === 'retired' || row.status === 'deprecated') say('warning', `is ${row.status} without a replacement`);
  if (row.status === 'retired') say('note', `is retired since ${dayOf(row.retiredAtMs)}`);
}

function checkReplacement(id: string, byId: ReadonlyMap<string, CatalogueRow>, say: Say): void {
  const replacement = byId.get(id);
  if (replacement === undefined) say('error', `its replacement ${id} is not in the catalogue`);
  else if (replacement.status === 'retired') say('error', `its replacement ${id} is retired, too`);
}

function checkDate(row: CatalogueRow, { nowMs, maxAgeDays }: CatalogueQuestion, say: Say): void {
  const readMs = Date.parse(row.date);
  if (Number.isNaN(readMs)) return say('error', `its date ${row.date} is none`);
  const ageDays = Math.floor((nowMs - readMs) / DAY_MS);
  if (ageDays < -1) say('error', `was read on ${row.date}, which is yet to come`);
  if (ageDays > maxAgeDays) say('warning', `was read ${ageDays} days ago (${row.date})`);
}

/**
 * Ids, aliases and a provider's names of models: each leads to one row. An alias that two providers share is known: where both
 * are configured, the one that stands first in the registry has it.
 */
function duplicates(rows: readonly CatalogueRow[]): CatalogueFinding[] {
  const findings: CatalogueFinding[] = [];
  const owners = new Map<string, CatalogueRow>();
  const claim = (key: string, row: CatalogueRow, what: string): void => {
    const owner = owners.get(key);
    if (owner === undefined) return void owners.set(key, row);
    const shared = owner.provider !== row.provider && owner.aliases.includes(key) && owner.id !== key;
    findings.push({
      severity: shared ? 'note' : 'error',
      rule: 'duplicate',
      id: row.id,
      message: `${what} is ${shared ? 'shared with' : 'taken by'} ${owner.id}`,
    });
  };
  for (const row of rows) claim(row.id, row, `the id ${row.id}`);
  for (const row of rows) {
    for (const alias of new Set(row.aliases)) claim(alias, row, `the alias ${alias}`);
    claim(`${row.provider}\n${row.upstreamModel}`, row, `the upstream model ${row.upstreamModel}`);
  }
  return findings;
}

const dayOf = (ms: number | undefined): string => (ms === undefined ? 'an unknown day' : new Date(ms).toISOString().slice(0, 10));
