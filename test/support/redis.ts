/** A real redis-server on a unix-assigned port, when this machine has one; suites that need it are skipped, by name, otherwise. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';

const START_DEADLINE_MS = 10_000;

export const redisInstalled = spawnSync('redis-server', ['--version']).status === 0;

/** `describe`, skipped where there is no redis-server. */
export const describeWithRedis: jest.Describe = redisInstalled ? describe : describe.skip;

export interface TestRedis {
  readonly url: string;
  readonly pid: number;
  /** SIGSTOP: slow is worse than down. */
  suspend(): void;
  resume(): void;
  kill(): Promise<void>;
  stop(): Promise<void>;
}

/** What a hung Redis may cost: its deadline is 50 ms, 60 are promised. */
const PROMISED_MS = 60;

/**
 * Starts a call and, in the same turn of the same event loop, a timer that runs as long as is promised: a busy machine delays both.
 * `outcome` fails when the timer was first; `control` says whether the call waited at all, against a timer of a fifth of that.
 */
export function besideDeadline<Result>(call: () => Promise<Result>): { outcome: Promise<Result>; control: () => Promise<boolean> } {
  let isOver = false;
  let isLate = false;
  const started = call();
  const late = setTimeout(() => setImmediate(() => (isOver ? undefined : (isLate = true))), PROMISED_MS);
  let waited = false;
  const short = setTimeout(() => setImmediate(() => (waited = !isOver)), PROMISED_MS / 5);
  const end = (): void => {
    isOver = true;
    clearTimeout(late);
    clearTimeout(short);
  };
  const outcome = started.finally(end).finally(() => {
    if (isLate) throw new Error(`the call took longer than a timer of ${PROMISED_MS} ms beside it`);
  });
  return { outcome, control: async () => waited };
}

/** @param port the one of an earlier server, to come back at the same address; otherwise a free one */
export async function startRedis(port?: number): Promise<TestRedis> {
  const chosen = port ?? (await freePort());
  const directory = mkdtempSync(join(tmpdir(), 'og-redis-'));
  const args = ['--port', String(chosen), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', directory];
  const child = spawn('redis-server', args, { stdio: 'ignore' });
  const url = `redis://127.0.0.1:${chosen}`;
  await untilAnswering(url, child);
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) {
      const closed = new Promise((resolve) => child.once('close', resolve));
      child.kill('SIGCONT');
      child.kill(signal);
      await closed;
    }
    rmSync(directory, { recursive: true, force: true });
  };
  return {
    url,
    pid: child.pid ?? 0,
    suspend: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
  };
}

async function untilAnswering(url: string, child: ChildProcess): Promise<void> {
  const client = new Redis(url, { retryStrategy: () => 30, maxRetriesPerRequest: null });
  client.on('error', () => undefined);
  const late = setTimeout(() => client.disconnect(), START_DEADLINE_MS);
  try {
    await client.ping();
  } catch (error) {
    child.kill('SIGKILL');
    throw new Error('redis-server did not start', { cause: error });
  } finally {
    clearTimeout(late);
    client.disconnect();
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}
