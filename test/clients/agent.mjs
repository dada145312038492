import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const DEADLINE_MS = 45_000;
/** A closed port: whatever a client wants of the world beyond loopback fails at once. */
const NOWHERE = 'http://127.0.0.1:9';

/** Starts a command line client (`OG_CLIENT_ENTRY`) with a home and a working directory of its own; both are removed at the end. */
export class Agent {
  home = mkdtempSync(join(tmpdir(), 'og-agent-home-'));
  directory = mkdtempSync(join(tmpdir(), 'og-agent-work-'));

  constructor() {
    process.once('exit', () => [this.home, this.directory].forEach((path) => rmSync(path, { recursive: true, force: true })));
  }

  /** Resolves with the exit code (null when it was ended for being late) and what was written to each stream. */
  run(args, env) {
    const environment = {
      PATH: process.env.PATH,
      HOME: this.home,
      TERM: 'dumb',
      HTTPS_PROXY: NOWHERE,
      HTTP_PROXY: NOWHERE,
      NO_PROXY: '127.0.0.1,localhost',
      ...env,
    };
    const options = { cwd: this.directory, env: environment, stdio: ['ignore', 'pipe', 'pipe'], detached: true };
    const child = spawn(process.execPath, [process.env.OG_CLIENT_ENTRY, ...args], options);
    const written = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr']) child[name].on('data', (chunk) => (written[name] += chunk));
    const end = () => {
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It has gone by itself, with all that it started.
      }
    };
    const late = setTimeout(end, DEADLINE_MS);
    return new Promise((resolve) =>
      child.once('close', (code) => {
        clearTimeout(late);
        end();
        resolve({ code, ...written });
      }),
    );
  }
}
