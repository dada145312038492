/** Processes as the operating system sees them: where they run, what they have used, how they end. Linux only. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

/** What the machine's own environment says about a gateway must not reach the one that is measured. */
const FOREIGN = /^(OG_|NODE_OPTIONS$|PORT$|HOST$|ROLES$|DATABASE_|REDIS_URL$|WEB_CONCURRENCY$|.*_API_KEY$|.*_PROXY$)/i;
const START_DEADLINE_MS = 90_000;
const STOP_DEADLINE_MS = 40_000;
const NS_PER_TICK = 1e9 / Number(spawnSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }).stdout || 100);
const PINNED = cpus().length > 1 && spawnSync('taskset', ['-c', '0', 'true']).status === 0;

export const PINNING = PINNED
  ? 'the subject’s own processes on core 0; its database, upstream and load generator on core 1'
  : 'processes not pinned (one core, or no taskset)';

/** The command, bound to the core of the subject (`subject`, `whole`) or to that of upstream and load generator (`others`); `any`: left where it was started. */
export function onCore(whose, command) {
  return PINNED && whose !== 'any' ? ['taskset', '-c', whose === 'others' ? '1' : '0', ...command] : command;
}

/** For the turn of a subject that shares its one core with upstream and load generator. */
export function moveToCore(whose, pid) {
  if (PINNED) spawnSync('taskset', ['-acp', whose === 'others' ? '1' : '0', String(pid)]);
}

/** A gateway's database, which starts with it, goes to the others' core: it is measured apart, and would interrupt what is measured. */
export function moveDatabase(rootPid) {
  for (const { pid, name } of treeOf(rootPid)) if (name === 'postgres') moveToCore('others', pid);
}

/**
 * What a process tree has used: `{ownNs, databaseNs}`, those of PostgreSQL apart. Running threads to the nanosecond
 * (schedstat), children that have ended from their parent's account.
 */
export function cpuOf(rootPid) {
  const used = { ownNs: 0, databaseNs: 0 };
  for (const { pid, name, reapedTicks } of treeOf(rootPid)) {
    const ns = threadsNs(pid) + reapedTicks * NS_PER_TICK;
    if (name === 'postgres') used.databaseNs += ns;
    else used.ownNs += ns;
  }
  return used;
}

/** The process and its children, without the database. */
export function residentBytes(rootPid) {
  const own = treeOf(rootPid).filter(({ name }) => name !== 'postgres');
  return own.reduce((sum, { pid }) => sum + Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024, 0);
}

function treeOf(rootPid) {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(statOf);
  const found = all.filter((entry) => entry?.pid === rootPid);
  for (let index = 0; index < found.length; index += 1) {
    found.push(...all.filter((entry) => entry?.parent === found[index].pid));
  }
  return found;
}

/** Null when it has just ended. */
function statOf(name) {
  try {
    const text = readFileSync(`/proc/${name}/stat`, 'utf8');
    const end = text.lastIndexOf(')');
    const fields = text.slice(end + 2).split(' ');
    return { pid: Number(name), name: text.slice(text.indexOf('(') + 1, end), parent: Number(fields[1]), reapedTicks: Number(fields[13]) + Number(fields[14]) };
  } catch {
    return null;
  }
}

function threadsNs(pid) {
  try {
    return readdirSync(`/proc/${pid}/task`).reduce(
      (sum, thread) => sum + Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]),
      0,
    );
  } catch {
    return 0;
  }
}

/** Waits for a line on the child's standard output. */
export function firstLine(child, pattern) {
  return new Promise((resolve, reject) => {
    let output = '';
    const late = setTimeout(() => reject(new Error(`${child.spawnargs.join(' ')}: not ready in ${START_DEADLINE_MS} ms`)), START_DEADLINE_MS);
    child.stdout.setEncoding('utf8').on('data', (chunk) => {
      output = (output + chunk).slice(-65_536);
      const match = pattern.exec(output);
      if (match === null) return;
      clearTimeout(late);
      resolve(match);
    });
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(late);
      reject(new Error(`${child.spawnargs.join(' ')} ended with ${code} before it was ready`));
    });
  });
}

/** SIGTERM, then SIGKILL. */
export async function endProcess(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('close', resolve));
  const late = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE_MS);
  child.kill('SIGTERM');
  await ended;
  clearTimeout(late);
}

/** How late the event loop of a Node subject was since the last question; null for what has none. */
export function loopDelay(child) {
  if (!child.connected) return Promise.resolve(null);
  return new Promise((resolve) => {
    const late = setTimeout(() => resolve(null), 2_000);
    child.once('message', (figures) => {
      clearTimeout(late);
      resolve(figures);
    });
    child.send('loop-delay');
  });
}

export function nodeEnvironment(extra) {
  return { ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !FOREIGN.test(name))), NODE_ENV: 'production', ...extra };
}

export function freePort() {
  return new Promise((settle) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => settle(port));
    });
  });
}

export async function answers(url) {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const answer = await fetch(url).catch(() => null);
    if (answer?.ok) return;
    await sleep(50);
  }
  throw new Error(`nothing answers at ${url}`);
}
