import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { CatalogueDocument } from '../core/catalog/compare-prices.js';
import { renderCatalogueFile } from '../core/catalog/render-catalogue.js';
import { UsageError } from './command.js';

export interface CatalogueFile {
  path: string;
  name: string;
  document: CatalogueDocument;
}

/** The JSON files of `catalog/` beside package.json, or of another folder. Throws UsageError that names a file that is no JSON. */
export function readCatalogueFiles(directory = catalogueDirectory()): CatalogueFile[] {
  if (!existsSync(directory)) throw new UsageError(`there is no folder ${directory}`);
  const names = readdirSync(directory).filter((name) => name.endsWith('.json'));
  return names.toSorted().map((name) => ({ name, path: join(directory, name), document: readJson(join(directory, name)) as CatalogueDocument }));
}

/** As one step: who reads meanwhile sees the old file or the new one. */
export function writeCatalogueFile(file: CatalogueFile): void {
  const beside = `${file.path}.${process.pid}.tmp`;
  writeFileSync(beside, renderCatalogueFile(file.document as unknown as Record<string, unknown>));
  renameSync(beside, file.path);
}

export function readJson(path: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new UsageError(`cannot read ${path}: ${(error as Error).message}`);
  }
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new UsageError(`${path} is no JSON: ${(error as Error).message}`);
  }
}

function catalogueDirectory(): string {
  let directory = import.meta.dirname;
  for (;;) {
    if (existsSync(join(directory, 'package.json')) && existsSync(join(directory, 'catalog'))) return join(directory, 'catalog');
    const parent = dirname(directory);
    if (parent === directory) throw new UsageError('the folder catalog/ was not found; name it with --directory');
    directory = parent;
  }
}
