#!/usr/bin/env node
/** The steps of .ci/run after `npm ci`. Each counts as one, the test suites count singly; all run even when one has failed. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const START_DEADLINE_MS = 120_000;
const totals = { passed: 0, failed: 0, skipped: 0 };
const failures = [];

command('lockfile is complete', ['node', 'scripts/complete-lock.mjs', '--check']);
command('npm ci --dry-run', ['npm', 'ci', '--dry-run']);
command('oxlint', ['node', 'node_modules/oxlint/bin/oxlint', '--type-aware', '--format=unix']);
command('repository lint', ['node', 'scripts/lint-repository.mjs']);
command('dependency-cruiser', ['node', 'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs', '--config', '.dependency-cruiser.cjs', 'src', 'migrations']);
command('knip', ['node', 'node_modules/knip/bin/knip.js']);
if (existsSync(join(root, 'scripts/references.mjs'))) command('generated references are current', ['node', 'scripts/references.mjs', '--check']);
suites();
await step('npm start, one call, SIGTERM', startAndStop);

for (const name of failures) console.log(`failed   ${name}`);
console.log(`${totals.passed} passed, ${totals.failed} failed${totals.skipped > 0 ? `, ${totals.skipped} skipped` : ''}`);
process.exitCode = totals.failed === 0 ? 0 : 1;

function command(name, [program, ...args]) {
  console.log(`\n== ${name}`);
  count(name, spawnSync(program, args, { cwd: root, stdio: 'inherit' }).status === 0);
}

async function step(name, work) {
  console.log(`\n== ${name}`);
  try {
    await work();
    count(name, true);
  } catch (error) {
    console.log(error.message);
    count(name, false);
  }
}

function count(name, ok) {
  if (ok) totals.passed += 1;
  else {
    totals.failed += 1;
    failures.push(name);
  }
}

/** Their own last line says how many. */
function suites() {
  console.log('\n== npm test');
  const { status, stdout } = spawnSync('npm', ['test', '--', '--ci'], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8', maxBuffer: 256_000_000 });
  console.log(stdout);
  const match = /(\d+) passed, (\d+) failed(?:, (\d+) skipped)?\s*$/.exec(stdout);
  if (match === null) return count('npm test', false);
  totals.passed += Number(match[1]);
  totals.failed += Number(match[2]);
  totals.skipped += Number(match[3] ?? 0);
  if (status !== 0) failures.push('npm test');
}

async function startAndStop() {
  const directory = mkdtempSync(join(tmpdir(), 'og-ci-'));
  const env = { ...process.env, PORT: '0', OG_DATA_DIR: directory };
  const gateway = spawn('npm', ['start'], { cwd: root, env, stdio: ['ignore', 'pipe', 'inherit'] });
  const closed = new Promise((resolve_) => gateway.once('close', resolve_));
  try {
    const url = await readyUrl(gateway);
    const { demo_key: key } = JSON.parse(readFileSync(join(directory, 'bootstrap.json'), 'utf8'));
    await call(url, key);
    gateway.kill('SIGTERM');
    const code = await closed;
    if (code !== 0) throw new Error(`npm start ended with ${code} after SIGTERM`);
    const left = leftovers(directory);
    if (left.length > 0) throw new Error(`left behind: ${left.join(', ')}`);
  } finally {
    gateway.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  }
}

function readyUrl(gateway) {
  return new Promise((resolve_, reject) => {
    let output = '';
    const late = setTimeout(() => reject(new Error(`not ready after ${START_DEADLINE_MS / 1000} s`)), START_DEADLINE_MS);
    gateway.stdout.on('data', (chunk) => {
      process.stdout.write(chunk);
      output += chunk;
      const url = /^OpenGateway is ready at (http:\/\/\S+)$/m.exec(output)?.[1];
      if (url === undefined) return;
      clearTimeout(late);
      resolve_(url);
    });
    gateway.once('close', (code) => reject(new Error(`npm start ended with ${code}`)));
  });
}

async function call(url, key) {
  const body = JSON.stringify({ model: 'sandbox/echo', messages: [{ role: 'user', content: 'Hello!' }] });
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  const response = await fetch(`${url}/v1/chat/completions`, { method: 'POST', headers, body, signal: AbortSignal.timeout(10_000) });
  const answer = await response.text();
  console.log(answer);
  if (response.status !== 200 || !answer.includes('Hello!')) throw new Error(`the call was answered ${response.status}`);
}

/** Processes whose command line names the data directory. */
function leftovers(directory) {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name) && commandLine(name).includes(directory));
}

function commandLine(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}
