#!/usr/bin/env node
/**
 * The generated references under docs/reference, docs/providers.md and README's table of providers: written from the code itself,
 * committed, and compared in CI.
 *
 *   node scripts/references.mjs          writes them
 *   node scripts/references.mjs --check  says which are not current, exit 1
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { providerSummary, providerTable } from './generate-provider-table.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const target = join(root, 'docs', 'reference');
execFileSync(process.execPath, [join(root, 'scripts/build.mjs'), '--if-stale'], { stdio: 'inherit' });
const load = (path) => import(pathToFileURL(join(root, 'dist/src', path)).href);

await import('reflect-metadata');
const references = {
  'openapi.json': await openapi(),
  'errors.md': await errors(),
  'configuration.md': await configuration(),
  'metrics.md': metrics(),
  '../providers.md': await providerTable(load),
  '../../README.md': withBlock(readFileSync(join(root, 'README.md'), 'utf8'), 'providers', await providerSummary(load)),
};

const stale = Object.entries(references).filter(([name, text]) => !existsSync(join(target, name)) || readFileSync(join(target, name), 'utf8') !== text);
if (process.argv.includes('--check')) {
  for (const [name] of stale) console.log(`${relative(root, join(target, name))} is not current; run node scripts/references.mjs`);
  process.exit(stale.length === 0 ? 0 : 1);
}
mkdirSync(target, { recursive: true });
for (const [name, text] of stale) writeFileSync(join(target, name), text);
console.log(stale.length === 0 ? 'all current' : `written: ${stale.map(([name]) => name).join(', ')}`);
process.exit(0);

/** The text with what stands between `<!-- name: generated -->` and `<!-- /name -->` replaced. */
function withBlock(text, name, block) {
  const [head, rest] = text.split(`<!-- ${name}: generated -->\n`);
  const tail = rest?.split(`<!-- /${name} -->`)[1];
  if (tail === undefined) throw new Error(`README.md has no block ${name}`);
  return `${head}<!-- ${name}: generated -->\n${block}\n<!-- /${name} -->${tail}`;
}

/** Nest's preview mode makes no provider: the routes alone are read, nothing is connected. */
async function openapi() {
  const { NestFactory } = await import('@nestjs/core');
  const { FastifyAdapter } = await import('@nestjs/platform-fastify');
  const { AppModule } = await load('app.module.js');
  const { describeApi } = await load('openapi.js');
  const { loadConfig } = await load('platform/config/index.js');
  const platform = { config: loadConfig({}), databaseSettings: {}, queue: { connection: {} } };
  const app = await NestFactory.create(AppModule.forRoot(platform), new FastifyAdapter(), { preview: true, logger: false, abortOnError: false });
  return `${JSON.stringify(describeApi(app), null, 2)}\n`;
}

async function errors() {
  const { ERROR_CATALOGUE } = await load('core/errors/catalogue.js');
  const rows = Object.entries(ERROR_CATALOGUE).map(([code, entry]) => `| <a id="${code.replaceAll('_', '-')}"></a>\`${code}\` | ${entry.status} | \`${entry.type}\` | ${entry.remedy.replaceAll('|', '\\|')} |`);
  return page('Errors', 'Every `error.code` a client can see; the same list is at `GET /v1/errors`.', ['code', 'status', 'type', 'what to do'], rows);
}

async function configuration() {
  const { VARIABLES } = await load('platform/config/index.js');
  const rows = Object.values(VARIABLES).map((variable) => `| \`${variable.name}\` | ${variable.usual ?? variable.fallback ?? ''} | ${String(variable.meaning ?? variable.expected ?? '').replaceAll('|', '\\|')} |`);
  return page('Configuration', 'The environment of the process. An unknown `OG_*` variable or an invalid value stops the start.', ['variable', 'default', 'meaning'], rows);
}

/** Declared with makeCounterProvider and the like, name and help in one object. */
function metrics() {
  const found = sources(join(root, 'src')).flatMap((file) => [...readFileSync(file, 'utf8').matchAll(/make(?:Tallied)?(Counter|Gauge|Histogram)Provider\(\{\s*name: '([a-z_]+)',\s*help: (?:'((?:[^'\\]|\\.)*)'|"([^"]*)")/g)]);
  const rows = found.map(([, kind, name, help, quoted]) => `| \`${name}\` | ${kind.toLowerCase()} | ${(help ?? quoted).replaceAll("\\'", "'").replaceAll('|', '\\|')} |`);
  return page('Metrics', 'What `GET /metrics` shows, besides the `process_*` and `nodejs_*` families.', ['metric', 'kind', 'meaning'], rows.sort());
}

function sources(folder) {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !entry.name.endsWith('.spec.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

function page(title, intro, headings, rows) {
  const lines = [`# ${title}`, '', `Generated by \`node scripts/references.mjs\`. ${intro}`, '', `| ${headings.join(' | ')} |`, `|${' --- |'.repeat(headings.length)}`, ...rows, ''];
  return lines.join('\n');
}
