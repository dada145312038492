import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Build {
  readonly version: string;
  /** `unknown` unless the build was told (OG's image sets GIT_COMMIT). */
  readonly commit: string;
}

/** The nearest package.json above this file is ours, in the sources and in dist alike. */
export function findProjectRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!isOurs(folder) && dirname(folder) !== folder) folder = dirname(folder);
  return folder;
}

function isOurs(folder: string): boolean {
  return readManifest(folder)?.['name'] === 'opengateway';
}

function readManifest(folder: string): Record<string, unknown> | null {
  try {
    return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Record<string, unknown>;
  } catch {
    return null;
  }
}

export const BUILD: Build = {
  version: String(readManifest(findProjectRoot())?.['version'] ?? '0.0.0'),
  commit: process.env['GIT_COMMIT'] ?? 'unknown',
};
