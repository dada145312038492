/**
 * Command line clients that are too large, or not permissively licensed, to be packages of this project. The first run installs
 * them, pinned, into a cache outside the tree; where that cannot be done in time their suites are skipped, by name.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

const INSTALL_DEADLINE_MS = 120_000;

interface CommandLineClient {
  package: string;
  version: string;
  /** What Node runs, within the package. */
  entry: string;
  license: string;
}

export const COMMAND_LINE_CLIENTS = {
  codex: { package: '@openai/codex', version: '0.171.0', entry: 'bin/codex.js', license: 'Apache-2.0' },
  'claude-code': { package: '@anthropic-ai/claude-code', version: '2.1.332', entry: 'cli-wrapper.cjs', license: 'proprietary' },
} as const satisfies Record<string, CommandLineClient>;

/** The file that Node runs; null where the client could not be had. `OGTEST_CLIENTS=off` does not try. */
export function installClient(client: CommandLineClient): string | null {
  if (process.env['OGTEST_CLIENTS'] === 'off') return null;
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'opengateway-tests');
  const place = join(cache, `${client.package.replace('@', '').replace('/', '-')}-${client.version}`);
  const entry = join(place, 'node_modules', client.package, client.entry);
  if (!existsSync(entry)) install(client, cache, place);
  return existsSync(entry) && runs(entry) ? entry : null;
}

/** Beside its place first, so that an interrupted installation is not taken for a client. */
function install(client: CommandLineClient, cache: string, place: string): void {
  const { NODE_OPTIONS: _jest, ...env } = process.env;
  try {
    mkdirSync(cache, { recursive: true });
    const attempt = mkdtempSync(join(cache, 'installing-'));
    const args = ['install', '--prefix', attempt, '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--fetch-retries=1'];
    const spec = `${client.package}@${client.version}`;
    const { status } = spawnSync('npm', [...args, spec], { env, stdio: 'ignore', timeout: INSTALL_DEADLINE_MS, killSignal: 'SIGKILL' });
    if (status === 0 && !existsSync(place)) renameSync(attempt, place);
    rmSync(attempt, { recursive: true, force: true });
  } catch {
    // A cache that cannot be written to: the suite is skipped.
  }
}

/** A platform without a binary of its own has the package and no client. */
function runs(entry: string): boolean {
  const { NODE_OPTIONS: _jest, ...env } = process.env;
  return spawnSync(process.execPath, [entry, '--version'], { env, stdio: 'ignore', timeout: 20_000 }).status === 0;
}
