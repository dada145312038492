#!/usr/bin/env node
/**
 * Run after every `npm install`. A registry mirror may lack platform builds of optional packages; `npm install` then writes a
 * lockfile without them and `npm ci` refuses it ("Missing: … from lock file", npm 10 and 11, 2026-11-21). This puts an
 * entry back for each: version, os, cpu, libc, optional. It also drops tarball addresses, so that the lockfile works with
 * whatever registry a machine is configured for; integrity hashes stay.
 *
 *   node scripts/complete-lock.mjs          mends package-lock.json
 *   node scripts/complete-lock.mjs --check  only says whether it needs mending (exit 1)
 */
import { readFileSync, writeFileSync } from 'node:fs';

const FILE = new URL('../package-lock.json', import.meta.url);
const SYSTEMS = ['darwin', 'linux', 'win32', 'freebsd', 'openbsd', 'netbsd', 'sunos', 'aix', 'android', 'openharmony', 'wasm32'];
const PROCESSORS = ['arm64', 'x64', 'ia32', 'arm', 'ppc64', 's390x', 'riscv64', 'loong64', 'mips64el', 'wasm32'];

const before = readFileSync(FILE, 'utf8');
const lock = JSON.parse(before);
const added = [];
for (const entry of Object.values(lock.packages)) delete entry.resolved;
for (const [path, entry] of Object.entries(lock.packages)) {
  for (const [name, range] of Object.entries(entry.optionalDependencies ?? {})) {
    if (!isLocked(path, name)) added.push(addEntry(name, range, entry.dev === true));
  }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
const after = `${JSON.stringify(lock, null, 2)}\n`;

if (process.argv.includes('--check')) {
  if (after !== before) {
    console.error('package-lock.json is incomplete: run node scripts/complete-lock.mjs');
    process.exitCode = 1;
  }
} else if (after !== before) {
  writeFileSync(FILE, after);
  console.log(`package-lock.json: ${added.length} platform packages put back`);
}

/** Node's own look-up: from the dependent's node_modules upwards. */
function isLocked(from, name) {
  const parts = from === '' ? [] : from.split('/node_modules/');
  for (let depth = parts.length; depth >= 0; depth -= 1) {
    const base = parts.slice(0, depth).join('/node_modules/');
    if (lock.packages[`${base === '' ? '' : `${base}/`}node_modules/${name}`] !== undefined) return true;
  }
  return false;
}

function addEntry(name, range, dev) {
  const version = /\d+\.\d+\.\d+[^\s|]*/.exec(range)?.[0];
  if (version === undefined) throw new Error(`no version in ${name}@${range}`);
  const words = name.split(/[/\-_]/);
  const os = SYSTEMS.filter((system) => words.includes(system));
  const cpu = PROCESSORS.filter((processor) => words.some((word) => word === processor || (processor === 'arm' && word === 'armv7')));
  lock.packages[`node_modules/${name}`] = {
    version,
    ...(cpu.length > 0 ? { cpu } : {}),
    ...(dev ? { dev } : {}),
    ...(words.includes('musl') ? { libc: ['musl'] } : {}),
    optional: true,
    ...(os.length > 0 ? { os } : {}),
  };
  return name;
}
