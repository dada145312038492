import { basename } from 'node:path';
import { checkCatalogue, type CatalogueFinding } from '../../core/catalog/check-catalogue.js';
import { applyPrices, comparePrices, type PriceDifference } from '../../core/catalog/compare-prices.js';
import { foreignFormat, parseForeignPrices, type ForeignRow } from '../../core/catalog/foreign-prices.js';
import { parseCatalogue } from '../../core/catalog/parse-catalogue.js';
import { readCatalogueFiles, readJson, writeCatalogueFile, type CatalogueFile } from '../catalog-files.js';
import { findValue, requiredPositional, UsageError, type Command, type CommandContext, type Option } from '../command.js';
import { renderTable } from '../table.js';

const DIRECTORY: Readonly<Record<string, Option>> = { directory: { type: 'string', value: 'DIR', describe: 'the folder of the catalogue; default: catalog/' } };
/** Prices move, but not by the week; half a year is long enough to have missed a change. */
const MAX_AGE_DAYS = 180;
const SIGNS: Readonly<Record<CatalogueFinding['severity'], string>> = { error: '✗', warning: '!', note: '·' };

export const catalogCheck: Command = {
  name: 'catalog check',
  summary: 'find unpriced, contradictory, duplicate, retired and stale rows of the catalogue; needs no gateway',
  usage: ['og catalog check [--max-age-days N] [--notes]'],
  examples: ['og catalog check', 'og catalog check --max-age-days 90 --json'],
  options: {
    ...DIRECTORY,
    'max-age-days': { type: 'string', value: 'N', describe: `rows read longer ago are stale; default ${MAX_AGE_DAYS}` },
    notes: { type: 'boolean', describe: 'show what is known and needs no edit, too' },
  },
  run(context) {
    const rows = readCatalogueFiles(findValue(context, 'directory')).flatMap(rowsOf);
    const findings = checkCatalogue(rows, { nowMs: Date.now(), maxAgeDays: maxAgeDays(context) });
    const faults = findings.filter(({ severity }) => severity !== 'note');
    const providers = new Set(rows.map((row) => row.provider)).size;
    if (context.json) context.print(JSON.stringify({ rows: rows.length, providers, findings }, null, 2));
    else printFindings(context, context.values['notes'] === true ? findings : faults);
    if (!context.json) context.print(`${rows.length} rows of ${providers} providers: ${faults.length} to look at, ${findings.length - faults.length} notes`);
    return Promise.resolve(faults.length === 0 ? 0 : 1);
  },
};

function rowsOf({ name, document }: CatalogueFile): ReturnType<typeof parseCatalogue> {
  try {
    return parseCatalogue(document);
  } catch (error) {
    throw new Error(`catalog/${name}: ${(error as Error).message}`, { cause: error });
  }
}

function maxAgeDays(context: CommandContext): number {
  const text = findValue(context, 'max-age-days');
  if (text === undefined) return MAX_AGE_DAYS;
  if (!/^\d{1,5}$/.test(text)) throw new UsageError('--max-age-days must be a whole number of days');
  return Number(text);
}

function printFindings(context: CommandContext, findings: readonly CatalogueFinding[]): void {
  if (findings.length === 0) return;
  const rows = findings.map(({ severity, rule, id, message }) => [SIGNS[severity], rule, id, message]);
  context.print(renderTable(['', 'RULE', 'MODEL', 'WHAT'], rows));
}

export const catalogImport: Command = {
  name: 'catalog import',
  summary: 'compare a foreign price list (JSON of models.dev or litellm) with the catalogue; writes only when told to; needs no gateway',
  usage: ['og catalog import FILE [--provider ID] [--new] [--write --source TEXT]'],
  examples: [
    'og catalog import api.json',
    'og catalog import model_prices.json --provider openai --new',
    'og catalog import api.json --write --source "models.dev"',
  ],
  options: {
    ...DIRECTORY,
    provider: { type: 'string', value: 'ID', describe: 'only this provider' },
    new: { type: 'boolean', describe: 'models that the catalogue lacks, too' },
    write: { type: 'boolean', describe: 'write the differences into the catalogue' },
    source: { type: 'string', value: 'TEXT', describe: 'with --write: where the figures are from, for the rows; today is their date' },
  },
  run(context) {
    const files = readCatalogueFiles(findValue(context, 'directory'));
    const foreign = readForeign(context);
    const newModels = context.values['new'] === true;
    const differences = comparePrices(documentsOf(files), foreign, { newModels });
    if (context.json) context.print(JSON.stringify(differences, null, 2));
    else printDifferences(context, differences);
    if (context.values['write'] === true && differences.length > 0) write(context, files, foreign);
    return Promise.resolve(0);
  },
};

const documentsOf = (files: readonly CatalogueFile[]): CatalogueFile['document'][] => files.map((file) => file.document);

function readForeign(context: CommandContext): ForeignRow[] {
  const path = requiredPositional(context, 0, 'FILE');
  const list = readJson(path);
  const format = foreignFormat(list);
  if (format === null)
    throw new UsageError(`${basename(path)} is neither models.dev's list (providers with models) nor litellm's (models with litellm_provider)`);
  const provider = findValue(context, 'provider');
  return parseForeignPrices(list, format).filter((row) => provider === undefined || row.provider === provider);
}

function printDifferences(context: CommandContext, differences: readonly PriceDifference[]): void {
  const rows = differences.map(({ kind, id, field, ours, theirs }) => [kind === 'new' ? '+' : '~', id, field, ours ?? '-', theirs]);
  if (rows.length > 0) context.print(renderTable(['', 'MODEL', 'FIELD', 'OURS', 'THEIRS'], rows));
  const models = new Set(differences.map((difference) => difference.id)).size;
  context.print(rows.length === 0 ? 'no differences' : `${rows.length} differences in ${models} models`);
}

/** Each file that changes is read back by the catalogue's own parser before any is written. */
function write(context: CommandContext, files: readonly CatalogueFile[], foreign: readonly ForeignRow[]): void {
  const source = findValue(context, 'source');
  if (source === undefined) throw new UsageError('--write needs --source: where the figures are from');
  const options = { newModels: context.values['new'] === true, source, date: new Date().toISOString().slice(0, 10) };
  const next = applyPrices(documentsOf(files), foreign, options);
  const changed = files.flatMap((file, index) => {
    const document = next[index] as CatalogueFile['document'];
    return JSON.stringify(document) === JSON.stringify(file.document) ? [] : [{ ...file, document }];
  });
  for (const file of changed) rowsOf(file);
  for (const file of changed) writeCatalogueFile(file);
  if (!context.json) context.print(`written: ${changed.map((file) => file.name).join(', ')}; run og catalog check`);
}
