import { readFileSync, readlinkSync } from 'node:fs';
import type { EngineRecord } from '../../core/ledger/index.js';

export type ProcessIdentity = Omit<EngineRecord, 'type' | 'engineId'>;

/** Field 22 of /proc/<pid>/stat, counted after the command's closing parenthesis (proc_pid_stat(5)). */
const START_FIELD_AFTER_COMMAND = 19;

/** Who this process is, so that a later one can tell whether it still lives: a pid alone is used again. */
export function ownIdentity(): ProcessIdentity {
  return { bootId: bootId(), pid: process.pid, processStart: startOf(process.pid) ?? '', pidNamespace: pidNamespace() };
}

/**
 * Whether the process that wrote a journal is gone. `unknown` when it ran in another container (pid namespace) of this
 * machine, where its pid says nothing: then only its heartbeat can tell.
 */
export function processState(identity: ProcessIdentity): 'gone' | 'alive' | 'unknown' {
  if (identity.bootId !== bootId()) return 'gone';
  if (identity.pidNamespace !== pidNamespace()) return 'unknown';
  if (!exists(identity.pid)) return 'gone';
  const start = startOf(identity.pid);
  return start !== null && start !== identity.processStart ? 'gone' : 'alive';
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Null where there is no /proc, or no such process. A zombie has ended, although its pid is still taken. */
function startOf(pid: number): string | null {
  const text = read(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  if (text === null) return null;
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' || fields[0] === 'X' ? 'ended' : (fields[START_FIELD_AFTER_COMMAND] ?? null);
}

function bootId(): string {
  return read(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()) ?? '';
}

function pidNamespace(): string {
  return read(() => readlinkSync('/proc/self/ns/pid')) ?? '';
}

function read(work: () => string): string | null {
  try {
    return work();
  } catch {
    return null;
  }
}
