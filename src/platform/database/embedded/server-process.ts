import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { setPriority } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

/** A third of a share beside a process of the ordinary 0. */
const NICENESS = 5;
const FAST_STOP_MS = 10_000;
const IMMEDIATE_STOP_MS = 5_000;

/** A server that we started. */
export interface ServerProcess {
  readonly pid: number;
  exited(): boolean;
  /** Resolves when it has ended. */
  readonly ended: Promise<void>;
  signal(name: NodeJS.Signals): void;
}

type Command = readonly [string, readonly string[]];

/** Detached into its own group: Ctrl-C in a terminal must reach us alone, the database ends after we have drained. */
export function startServer([program, args]: Command, env: NodeJS.ProcessEnv, logFile: string): ServerProcess {
  const log = openSync(logFile, 'a', 0o600);
  const child = spawn(program, [...args], { cwd: '/', env, detached: true, stdio: ['ignore', log, log] });
  closeSync(log);
  yieldTo(child.pid);
  let exited = false;
  const ended = new Promise<void>((resolve) => {
    const end = (): void => {
      exited = true;
      resolve();
    };
    child.once('exit', end).once('error', end);
  });
  child.unref();
  return { pid: child.pid ?? 0, exited: () => exited, ended, signal: (name) => void child.kill(name) };
}

/**
 * Where they share a core, whoever serves requests goes first: the database writes in batches nobody waits for, and a batch of
 * its would hold up the answers. Its sessions inherit this. Without effect on what it gets of an idle core.
 */
function yieldTo(pid: number | undefined): void {
  try {
    if (pid !== undefined) setPriority(pid, NICENESS);
  } catch {
    // It has ended already, or the system knows no priorities.
  }
}

/** Fast shutdown first (SIGINT: open sessions are ended, all is written), then immediate, then none asked. */
export async function stopServer(server: ServerProcess): Promise<void> {
  const stages: readonly [NodeJS.Signals, number][] = [
    ['SIGINT', FAST_STOP_MS],
    ['SIGQUIT', IMMEDIATE_STOP_MS],
    ['SIGKILL', IMMEDIATE_STOP_MS],
  ];
  for (const [name, patienceMs] of stages) {
    if (server.exited()) return;
    server.signal(name);
    await waitForExit(server, patienceMs);
  }
}

async function waitForExit(server: ServerProcess, patienceMs: number): Promise<void> {
  const until = Date.now() + patienceMs;
  while (!server.exited() && Date.now() < until) await sleep(10);
}

/** Runs a program to its end; its output is kept to the last 64 kB. */
export function run([program, args]: Command, env: NodeJS.ProcessEnv, deadlineMs: number): Promise<{ code: number; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...args], { cwd: '/', env, stdio: ['ignore', 'pipe', 'pipe'], timeout: deadlineMs });
    let output = '';
    const keep = (chunk: Buffer): void => {
      output = (output + chunk.toString('utf8')).slice(-65_536);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.once('error', reject);
    child.once('close', (code) => resolve({ code: code ?? 1, output }));
  });
}
