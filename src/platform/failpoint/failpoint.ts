import { existsSync } from 'node:fs';

/**
 * Moments at which a test of recovery kills this process: between what is durable and what follows from it. In the order in
 * which a request meets them; the last ones belong to other work.
 */
export const FAILPOINTS = [
  'body-parsed',
  'limits-taken',
  'lease-committed',
  'admitted',
  'request-sent',
  'upstream-headers',
  'checkpointed',
  'usage-seen',
  'ended',
  'posted',
  'webhook-sent',
  'code-consumed',
  'refunded',
  'half-posted',
  'half-recovered',
] as const;

export type Failpoint = (typeof FAILPOINTS)[number];

let armed: { readonly name: Failpoint; readonly trigger: string } | null = null;

/** Kills this process (SIGKILL: nothing is flushed, no handler runs) when this moment is armed and its trigger file exists. */
export function failpoint(name: Failpoint): void {
  if (armed !== null && armed.name === name && existsSync(armed.trigger)) process.kill(process.pid, 'SIGKILL');
}

/** `FAILPOINT=<name>:<file>`: armed while that file exists. Returns what is wrong with it: an unknown name, and production always. */
export function armFailpoint({ FAILPOINT: value, NODE_ENV: mode }: NodeJS.ProcessEnv): string | null {
  if (value === undefined || value === '') return null;
  if (mode === 'production') return 'FAILPOINT: kills the process on purpose; it is refused while NODE_ENV is production';
  const [name, ...path] = value.split(':');
  const known = FAILPOINTS.find((point) => point === name);
  if (known === undefined || path.length === 0) return `FAILPOINT: expected <name>:<file>, the name one of ${FAILPOINTS.join(', ')}`;
  armed = { name: known, trigger: path.join(':') };
  return null;
}
