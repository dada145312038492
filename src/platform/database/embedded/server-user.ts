import { accessSync, chownSync, constants, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** `nobody` on Debian and most others; chosen by number so that no account has to exist or be made. */
const NOBODY_ID = 65_534;
/** Bits of the masks in /proc/self/status (capability.h). */
const DAC_OVERRIDE_BIT = 1n;
const SETPCAP_BIT = 8n;

/** As whom the database server runs: PostgreSQL refuses root. */
export interface ServerUser {
  /** Null when the server runs as the user who started us. */
  readonly uid: number | null;
  /** False for root without CAP_DAC_OVERRIDE: it could not even open what it gives to the server's user. */
  readonly usable: boolean;
  /** False for root that cannot hand CAP_DAC_OVERRIDE on: then the server reaches nothing below a 0700 directory of root. */
  readonly reachesEverything: boolean;
  /** A program and its arguments, wrapped so that the server runs as this user and dies with its parent. */
  command(program: string, args: readonly string[]): readonly [string, readonly string[]];
  /** Gives a path to the server's user. */
  own(path: string): void;
}

export function findServerUser(): ServerUser {
  const root = process.getuid?.() === 0;
  const setpriv = findInPath('setpriv');
  const reachesEverything = !root || (setpriv !== null && hasCapabilities(DAC_OVERRIDE_BIT, SETPCAP_BIT));
  const flags = [...(root ? identityFlags(reachesEverything) : []), '--pdeathsig', 'INT'];
  return {
    uid: root ? NOBODY_ID : null,
    usable: !root || process.platform !== 'linux' || hasCapabilities(DAC_OVERRIDE_BIT),
    reachesEverything,
    command: (program, args) => (setpriv === null ? [program, args] : [setpriv, [...flags, program, ...args]]),
    own: (path) => {
      if (root) chownSync(path, NOBODY_ID, NOBODY_ID);
    },
  };
}

/**
 * The one capability lets `nobody` pass a 0700 parent (a clone in /root, a mkdtemp directory); without it the server
 * ends with "Permission denied". PostgreSQL asks with access(2), which looks at the capabilities of another user than root only
 * with the securebit set (both reproduced 2026-11-21). The death signal leaves no orphan after a SIGKILL of ours: SIGINT is
 * PostgreSQL's fast shutdown.
 */
function identityFlags(keepCapability: boolean): readonly string[] {
  const identity = ['--reuid', String(NOBODY_ID), '--regid', String(NOBODY_ID), '--clear-groups'];
  if (!keepCapability) return identity;
  return [...identity, '--securebits', '+no_setuid_fixup', '--inh-caps', '+dac_override', '--ambient-caps', '+dac_override'];
}

function hasCapabilities(...bits: readonly bigint[]): boolean {
  try {
    const status = readFileSync('/proc/self/status', 'utf8');
    return ['CapEff', 'CapBnd'].every((name) => {
      const mask = new RegExp(`^${name}:\\s*([0-9a-f]+)$`, 'm').exec(status)?.[1];
      return mask !== undefined && bits.every((bit) => ((BigInt(`0x${mask}`) >> bit) & 1n) === 1n);
    });
  } catch {
    return false;
  }
}

function findInPath(program: string): string | null {
  if (process.platform !== 'linux') return null;
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const candidate = join(folder, program);
    if (folder !== '' && isExecutable(candidate)) return candidate;
  }
  return null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
