/**
 * The real gateway as users run it: the built `dist/src/main.js` in a process of its own, on a port the system chooses. With
 * nothing given it has its own data directory and embedded database; `env` may name a DATABASE_URL or REDIS_URL.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const ROOT = resolve(__dirname, '../..');
const READY = /^OpenGateway is ready at (http:\/\/\S+)$/m;
const START_DEADLINE_MS = 60_000;
const STOP_DEADLINE_MS = 30_000;
const OUTPUT_LIMIT = 2_000_000;

/** A test that failed half-way leaves no gateway behind. */
const RUNNING = new Set<ChildProcess>();
afterAll(() => RUNNING.forEach((child) => child.kill('SIGKILL')));

export interface GatewayProcessOptions {
  /** Kept when given (a restart uses it again); otherwise made, and removed by `remove()`. */
  readonly dataDirectory?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export interface BootstrapContent {
  readonly base_url: string;
  readonly admin_token: string;
  readonly demo_key: string | null;
  readonly console_url: string;
}

export interface GatewayProcess {
  /** `http://127.0.0.1:<port>`, without a path. */
  readonly url: string;
  readonly pid: number;
  readonly dataDirectory: string;
  readonly bootstrap: BootstrapContent;
  /** Everything printed so far. */
  output(): string;
  /** SIGTERM, or another signal; resolves with the exit code (null when a signal ended it). */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
  /** SIGKILL: a crash. */
  kill(): Promise<void>;
  /** Stops if it still runs, and removes a data directory that was made for it. */
  remove(): Promise<void>;
}

export async function startGatewayProcess(options: GatewayProcessOptions = {}): Promise<GatewayProcess> {
  buildIfStale();
  const dataDirectory = options.dataDirectory ?? mkdtempSync(join(tmpdir(), 'og-gateway-'));
  const env = { ...cleanEnvironment(), HOST: '127.0.0.1', PORT: '0', OG_DATA_DIR: dataDirectory, ...options.env };
  const child = spawn(process.execPath, ['--enable-source-maps', 'dist/src/main.js'], { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const keep = (chunk: Buffer): void => {
    output = (output + chunk.toString('utf8')).slice(-OUTPUT_LIMIT);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const url = await readyUrl(child, () => output);
  const exited = exitOf(child);
  RUNNING.add(child);
  void exited.then(() => RUNNING.delete(child));
  const stop = (signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> => endWith(child, exited, signal);
  return {
    url,
    pid: child.pid ?? 0,
    dataDirectory,
    bootstrap: JSON.parse(readFileSync(join(dataDirectory, 'bootstrap.json'), 'utf8')) as BootstrapContent,
    output: () => output,
    stop,
    kill: async () => void (await stop('SIGKILL')),
    remove: async () => {
      await stop();
      if (options.dataDirectory === undefined) rmSync(dataDirectory, { recursive: true, force: true });
    },
  };
}

/** Runs the gateway until it ends by itself: for starts that must fail. */
export async function runGatewayUntilExit(env: Readonly<Record<string, string>>): Promise<{ code: number | null; output: string }> {
  buildIfStale();
  const child = spawn(process.execPath, ['dist/src/main.js'], { cwd: ROOT, env: { ...cleanEnvironment(), ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
  const late = setTimeout(() => child.kill('SIGKILL'), START_DEADLINE_MS);
  const code = await exitOf(child);
  clearTimeout(late);
  return { code, output };
}

/** What the machine's own environment says about a gateway must not reach the one under test. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const dropped = /^(OG_|OGTEST_|NODE_OPTIONS$|PORT$|HOST$|ROLES$|DATABASE_|REDIS_URL$|WEB_CONCURRENCY$|.*_API_KEY$|.*_PROXY$)/i;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !dropped.test(name)));
}

let built = false;

/** Once per test file; nothing happens when dist is fresh. */
function buildIfStale(): void {
  if (built) return;
  const result = spawnSync(process.execPath, ['scripts/build.mjs', '--if-stale'], { cwd: ROOT, encoding: 'utf8', env: cleanEnvironment() });
  if (result.status !== 0) throw new Error(`the build failed: ${result.stderr}`);
  built = true;
}

function readyUrl(child: ChildProcess, output: () => string): Promise<string> {
  return new Promise((resolvePromise, reject) => {
    const look = setInterval(() => {
      const url = READY.exec(output())?.[1];
      if (url !== undefined) finish(() => resolvePromise(url));
    }, 10);
    const late = setTimeout(() => finish(() => reject(new Error(`not ready after ${START_DEADLINE_MS} ms:\n${output()}`))), START_DEADLINE_MS);
    const ended = (code: number | null): void => finish(() => reject(new Error(`ended with ${code} before it was ready:\n${output()}`)));
    const finish = (settle: () => void): void => {
      clearInterval(look);
      clearTimeout(late);
      child.off('exit', ended);
      settle();
    };
    child.once('exit', ended);
  });
}

function exitOf(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve(child.exitCode);
  return new Promise((resolvePromise) => child.once('close', (code) => resolvePromise(code)));
}

async function endWith(child: ChildProcess, exited: Promise<number | null>, signal: NodeJS.Signals): Promise<number | null> {
  child.kill(signal);
  const late = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE_MS);
  const code = await exited;
  clearTimeout(late);
  return code;
}
