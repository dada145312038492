import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ServerUser } from './server-user.js';

/** sun_path holds 108 bytes with its final zero (unix(7)); the server's own file name takes the rest. */
const SOCKET_PATH_LIMIT_BYTES = 107 - '/.s.PGSQL.5432.lock'.length;

/**
 * A 0700 folder of the server's user: whoever can open it is the database's superuser, so nobody else may. It lies beside
 * the data, or in the temporary folder when that path is longer than a socket's may be.
 */
export function findSocketDirectory(home: string, user: ServerUser): string {
  const beside = join(home, 'socket');
  const directory = Buffer.byteLength(beside) <= SOCKET_PATH_LIMIT_BYTES ? beside : shortDirectory(home);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  user.own(directory);
  assertPrivate(directory, user);
  return directory;
}

function shortDirectory(home: string): string {
  return join(tmpdir(), `og-pg-${createHash('sha256').update(home).digest('hex').slice(0, 16)}`);
}

/** The temporary folder is everyone's: somebody may have put a directory or a link of that name there first. */
function assertPrivate(directory: string, user: ServerUser): void {
  const found = lstatSync(directory);
  const owner = user.uid ?? process.getuid?.() ?? found.uid;
  if (!found.isDirectory() || found.uid !== owner || (found.mode & 0o077) !== 0) {
    throw new Error(`${directory} is not a private directory of the database's user`);
  }
}
