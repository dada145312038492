#!/usr/bin/env node
/**
 * Installs the packages of the lockfile when node_modules is missing or does not match it. Runs on the Node that is there
 * (20.19 or later); everything after it runs on the Node 24 that it installs.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) fail(`Node ${process.versions.node} is too old: 20.19 or later is needed`);

const reason = findReason();
if (reason !== null) install(reason);

function findReason() {
  const wanted = read('package-lock.json').packages;
  const installed = read('node_modules/.package-lock.json')?.packages;
  if (installed === undefined) return 'not installed yet';
  const changed = Object.entries(installed).find(([path, entry]) => wanted[path]?.version !== entry.version);
  if (changed !== undefined) return `${nameOf(changed[0])} has changed`;
  const missing = Object.entries(wanted).find(([path, entry]) => isNeeded(path, entry) && installed[path] === undefined);
  return missing === undefined ? null : `${nameOf(missing[0])} is missing`;
}

function isNeeded(path, entry) {
  return path.includes('node_modules/') && !entry.link && !entry.optional && !entry.devOptional && !entry.peer;
}

function nameOf(path) {
  return path.replace(/^.*node_modules\//, '');
}

function install(why) {
  console.log(`Installing packages (${why}; about 40 s the first time) …`);
  const startedMs = Date.now();
  const heartbeat = ['-e', 'setInterval(()=>console.log("  … still installing"),15000)'];
  const { status, error } = runBeside(heartbeat);
  if (error !== undefined) fail(`npm cannot be run: ${error.message}`);
  if (status !== 0) fail('npm ci failed; its own message stands above');
  console.log(`Installed in ${Math.round((Date.now() - startedMs) / 1000)} s`);
}

/** npm is silent while it downloads; a person should see that something goes on. */
function runBeside(heartbeat) {
  const script = `"$0" ${heartbeat.map((word) => `'${word}'`).join(' ')} & beat=$!; npm ci --no-audit --no-fund --loglevel=error; code=$?; kill $beat; exit $code`;
  return spawnSync('sh', ['-c', script, process.execPath], { cwd: root, stdio: 'inherit' });
}

function read(path) {
  try {
    return JSON.parse(readFileSync(join(root, path), 'utf8'));
  } catch {
    return undefined;
  }
}

function fail(text) {
  console.error(`OpenGateway cannot start: ${text}`);
  process.exit(1);
}
