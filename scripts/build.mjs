#!/usr/bin/env node
/**
 * Compiles src/ and migrations/ to dist/ with swc, in well under a second; types are checked by `tsc` in `npm test`.
 *
 *   node scripts/build.mjs            builds
 *   node scripts/build.mjs --if-stale builds only when a source has changed since the last build
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const SOURCES = ['src', 'migrations'];
const STAMP = join(root, 'dist', '.build-hash');

const files = SOURCES.flatMap((folder) => list(join(root, folder))).sort((a, b) => (a < b ? -1 : 1));
const hash = hashOf([...files, join(root, '.swcrc'), join(root, 'package-lock.json'), fileURLToPath(import.meta.url)]);
const fresh = existsSync(STAMP) && readFileSync(STAMP, 'utf8') === hash;

if (!(process.argv.includes('--if-stale') && fresh)) await build();

async function build() {
  const startedMs = performance.now();
  const { transform } = await import('@swc/core');
  const target = join(root, `dist.${process.pid}`);
  const options = { ...JSON.parse(readFileSync(join(root, '.swcrc'), 'utf8')), swcrc: false, sourceMaps: true };
  await Promise.all(files.map((file) => compile(file, target, options, transform)));
  writeFileSync(join(target, '.build-hash'), hash);
  const previous = join(root, `dist.${process.pid}.old`);
  if (existsSync(join(root, 'dist'))) renameSync(join(root, 'dist'), previous);
  renameSync(target, join(root, 'dist'));
  rmSync(previous, { recursive: true, force: true });
  console.log(`Built ${files.length} files in ${Math.round(performance.now() - startedMs)} ms`);
}

async function compile(file, target, options, transform) {
  const output = join(target, relative(root, file)).replace(/\.ts$/, '.js');
  const { code, map } = await transform(readFileSync(file, 'utf8'), {
    ...options,
    filename: file,
    sourceFileName: relative(dirname(output), file),
  });
  mkdirSync(dirname(output), { recursive: true });
  writeFileSync(output, `${code}\n//# sourceMappingURL=${output.split('/').at(-1)}.map\n`);
  writeFileSync(`${output}.map`, map);
}

function list(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !/\.(spec|d)\.ts$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
}

function hashOf(paths) {
  const hash = createHash('sha256');
  for (const path of paths) hash.update(relative(root, path)).update('\0').update(readFileSync(path)).update('\0');
  return hash.digest('hex');
}
