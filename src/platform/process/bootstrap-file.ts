import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a script needs to begin, written at every start (mode 0600). */
export interface BootstrapFile {
  /** Without a path: `<base_url>/v1` for clients, `<base_url>/admin/v1` for operators. */
  readonly base_url: string;
  readonly admin_token: string;
  /** Null when there is none. */
  readonly demo_key: string | null;
  readonly console_url: string;
}

const NAME = 'bootstrap.json';

/** Written aside and renamed: a reader sees the old file or the new one. */
export function writeBootstrapFile(dataDirectory: string, content: BootstrapFile): void {
  const temporary = join(dataDirectory, `${NAME}.${process.pid}`);
  writeFileSync(temporary, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
  renameSync(temporary, join(dataDirectory, NAME));
}

export function findBootstrapFile(dataDirectory: string): BootstrapFile | null {
  try {
    return JSON.parse(readFileSync(join(dataDirectory, NAME), 'utf8')) as BootstrapFile;
  } catch {
    return null;
  }
}
