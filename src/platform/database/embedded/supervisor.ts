import { setTimeout as sleep } from 'node:timers/promises';
import { stopServer, type ServerProcess } from './server-process.js';

/** The sessions of a killed server need a moment to notice; until then its successor refuses the shared memory. */
const RESTART_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;

/** Starts the server again when it ends although nobody asked it to. */
export class Supervisor {
  readonly #start: () => ServerProcess;
  readonly #say: (line: string) => void;
  #server: ServerProcess;
  #stopping = false;

  constructor(server: ServerProcess, start: () => ServerProcess, say: (line: string) => void) {
    this.#server = server;
    this.#start = start;
    this.#say = say;
    void this.#watch();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await stopServer(this.#server);
  }

  async #watch(): Promise<void> {
    for (let pauseMs = RESTART_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      const startedMs = performance.now();
      await this.#server.ended;
      if (performance.now() - startedMs > LONGEST_PAUSE_MS) pauseMs = RESTART_PAUSE_MS;
      if (this.#stopping) return;
      this.#say('The embedded database ended by itself; starting it again');
      await sleep(pauseMs, undefined, { ref: false });
      if (this.#stopping) return;
      this.#server = this.#start();
    }
  }
}
