import type { ForeignRow } from './foreign-prices.js';

type Json = Record<string, unknown>;

/** One difference between a row of ours and the foreign list. `ours` is absent when the row lacks the member. */
export interface PriceDifference {
  kind: 'changed' | 'new';
  provider: string;
  id: string;
  field: string;
  ours?: string;
  theirs: string;
}

/** A file of the catalogue as it was read, before parsing: what is written back keeps everything else. */
export interface CatalogueDocument {
  provider: string;
  models: Json[];
}

const PRICE_LINE = /^0+(?=\d)|(?<=\.\d*?)0+$/g;

/** What the list says otherwise about models we have, and, when asked for, the models we lack. The rows' order. Pure. */
export function comparePrices(documents: readonly CatalogueDocument[], foreign: readonly ForeignRow[], options: { newModels: boolean }): PriceDifference[] {
  const known = rowsByUpstream(documents);
  const providers = new Set(documents.map((document) => document.provider));
  return foreign.flatMap((row) => {
    if (!providers.has(row.provider)) return [];
    const ours = known.get(keyOf(row.provider, row.upstreamModel));
    if (ours !== undefined) return differences(ours, row);
    if (!options.newModels || Object.keys(row.price).length === 0) return [];
    const theirs = Object.entries(row.price)
      .map(([name, value]) => `${name} ${value}`)
      .join(', ');
    return [{ kind: 'new' as const, provider: row.provider, id: `${row.provider}/${row.upstreamModel}`, field: 'price', theirs }];
  });
}

/** The documents with the list's figures in them; source and date of every touched row say where they are from. Inputs stay as they are. */
export function applyPrices(
  documents: readonly CatalogueDocument[],
  foreign: readonly ForeignRow[],
  options: { newModels: boolean; source: string; date: string },
): CatalogueDocument[] {
  const theirs = new Map(foreign.map((row) => [keyOf(row.provider, row.upstreamModel), row]));
  return documents.map((document) => {
    const models = document.models.map((row) => {
      const found = theirs.get(keyOf(document.provider, String(row['upstream_model'])));
      return found === undefined || differences(row, found).length === 0 ? row : merged(row, found, options);
    });
    const have = new Set(document.models.map((row) => row['upstream_model']));
    const added = options.newModels ? foreign.filter((row) => isNew(row, document.provider, have)).map((row) => fresh(row, options)) : [];
    return { ...document, models: [...models, ...added] };
  });
}

function differences(ours: Json, row: ForeignRow): PriceDifference[] {
  const id = String(ours['id']);
  const price = memberOf(ours, 'price');
  const capabilities = memberOf(ours, 'capabilities');
  const found: PriceDifference[] = [];
  const compare = (field: string, mine: unknown, theirs: string | undefined): void => {
    if (theirs === undefined || same(mine, theirs)) return;
    found.push({ kind: 'changed', provider: row.provider, id, field, ...(mine !== undefined && { ours: String(mine as string | number) }), theirs });
  };
  // `free` is a decision of ours, which no list overrules.
  if (ours['price'] !== 'free') for (const [name, value] of Object.entries(row.price)) compare(`price.${name}`, price[name], value);
  compare('capabilities.context_window', capabilities['context_window'], textOf(row.contextWindow));
  compare('capabilities.max_output', capabilities['max_output'], textOf(row.maxOutput));
  return found;
}

function merged(ours: Json, row: ForeignRow, { source, date }: { source: string; date: string }): Json {
  const { unpriced: _unpriced, ...rest } = ours;
  const price = ours['price'] === 'free' ? 'free' : { ...memberOf(ours, 'price'), ...row.price };
  return {
    ...(Object.keys(row.price).length > 0 ? { ...rest, price } : ours),
    capabilities: { ...memberOf(ours, 'capabilities'), ...sizesOf(row) },
    source,
    date,
  };
}

function fresh(row: ForeignRow, { source, date }: { source: string; date: string }): Json {
  const chat = row.endpoints.includes('chat');
  return {
    id: `${row.provider}/${row.upstreamModel}`,
    upstream_model: row.upstreamModel,
    ...(row.name !== undefined && { name: row.name }),
    ...(/^\d{4}-\d{2}-\d{2}$/.test(row.released ?? '') && { released: row.released }),
    ...(!chat && { endpoints: row.endpoints }),
    capabilities: { ...(chat && { streaming: true, ...row.flags }), ...sizesOf(row) },
    price: row.price,
    source,
    date,
  };
}

function sizesOf({ contextWindow, maxOutput }: ForeignRow): Json {
  return { ...(contextWindow !== undefined && { context_window: contextWindow }), ...(maxOutput !== undefined && { max_output: maxOutput }) };
}

function isNew(row: ForeignRow, provider: string, have: ReadonlySet<unknown>): boolean {
  return row.provider === provider && !have.has(row.upstreamModel) && row.price['input'] !== undefined;
}

function rowsByUpstream(documents: readonly CatalogueDocument[]): Map<string, Json> {
  return new Map(documents.flatMap(({ provider, models }) => models.map((row) => [keyOf(provider, String(row['upstream_model'])), row] as const)));
}

const keyOf = (provider: string, upstreamModel: string): string => `${provider}\n${upstreamModel}`;
const textOf = (value: number | undefined): string | undefined => (value === undefined ? undefined : String(value));

function memberOf(row: Json, name: string): Json {
  const value = row[name];
  return typeof value === 'object' && value !== null ? (value as Json) : {};
}

/** "3.00" and "3" are one amount. */
function same(ours: unknown, theirs: string): boolean {
  const plain = (text: string): string => text.replace(PRICE_LINE, '').replace(/\.$/, '');
  return ours !== undefined && plain(String(ours as string | number)) === plain(theirs);
}
