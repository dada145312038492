#!/usr/bin/env node
/**
 * Everything that `npm test` runs, after the packages are installed: provisioning, build, type check, all suites. Arguments go
 * to jest. The last line is `N passed, N failed`, `, N skipped` where there are any; the type check counts as one.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const REDIS_INSTALL_DEADLINE_MS = 180_000;

installRedis();
run('Build', ['scripts/build.mjs', '--if-stale']);
const typesHold = run('Type check', ['node_modules/typescript/bin/tsc', '--noEmit', '-p', 'tsconfig.json']);
const suites = runSuites(process.argv.slice(2));
conclude(typesHold, suites);

/** Debian's package, when we may; otherwise the suites that need it are skipped by name. */
function installRedis() {
  if (has('redis-server')) return;
  if (process.getuid?.() !== 0 || !has('apt-get')) return console.log('No redis-server here: the suites that need it are skipped');
  console.log('Installing redis-server for the suites that need it …');
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const options = { stdio: 'ignore', env, timeout: REDIS_INSTALL_DEADLINE_MS };
  const install = ['install', '-y', '-qq', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=120', 'redis-server'];
  if (spawnSync('apt-get', install, options).status !== 0 && spawnSync('apt-get', ['update', '-qq'], options).status === 0) {
    spawnSync('apt-get', install, options);
  }
  console.log(has('redis-server') ? 'Installed' : 'It could not be installed: those suites are skipped');
}

function runSuites(args) {
  const directory = mkdtempSync(join(tmpdir(), 'og-run-'));
  const file = join(directory, 'summary.json');
  const reporters = ['--reporters=default', '--reporters=<rootDir>/scripts/test-reporter.cjs'];
  const env = { ...process.env, OGTEST_SUMMARY: file, NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --experimental-vm-modules --no-warnings`.trim() };
  console.log('Suites …');
  // Every result is in when jest is made to end: a handle that its own process once forgot kept a whole run from finishing.
  const { status } = spawnSync(process.execPath, ['node_modules/jest/bin/jest.js', '--forceExit', ...args, ...reporters], { cwd: root, stdio: 'inherit', env });
  const summary = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : null;
  rmSync(directory, { recursive: true });
  return summary ?? { passed: 0, failed: status === 0 ? 0 : 1, skipped: 0, real: {}, failures: ['jest did not finish'], retried: [], skippedSuites: [] };
}

function conclude(typesHold, { passed, failed, skipped, real, failures, retried, skippedSuites }) {
  const all = { passed: passed + (typesHold ? 1 : 0), failed: failed + (typesHold ? 0 : 1) };
  console.log();
  for (const line of skippedSuites) console.log(`skipped  ${line}`);
  for (const line of retried) console.log(`retried  ${line}`);
  for (const line of failures) console.log(`failed   ${line}`);
  if (!typesHold) console.log('failed   type check');
  console.log(`Of these ran against the real thing: ${Object.entries(real).map(([name, count]) => `${name} ${count}`).join(', ')}`);
  console.log(`${all.passed} passed, ${all.failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
  process.exitCode = all.failed === 0 ? 0 : 1;
}

function run(name, args) {
  console.log(`${name} …`);
  return spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' }).status === 0;
}

function has(program) {
  return spawnSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' }).status === 0;
}
