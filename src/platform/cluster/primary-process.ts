import type { Cluster } from 'node:cluster';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { asMessage, OpenQuestions, type Message } from './messages.js';
import { WorkerLink } from './worker-link.js';

/** A worker that dies is replaced after this, doubling while it dies again soon. */
const RESTART_MS = 500;
const MAX_RESTART_MS = 30_000;
/** A worker that lived so long was well: the next death starts from the short pause again. */
const HEALTHY_AFTER_MS = 60_000;

/** What the primary does for its workers on one topic. */
export interface PrimaryService {
  asked(payload: unknown, worker: WorkerLink): unknown;
  told(payload: unknown, workerId: number): void;
  /** A worker ended, however: what it held is free. */
  ended(workerId: number): void;
}

export interface PrimaryOptions {
  readonly cluster: Cluster;
  readonly logger: Logger;
  readonly workers: number;
  /** Environment of the n-th worker, from 0. */
  environmentOf(place: number): Record<string, string>;
  readonly services: Readonly<Record<string, PrimaryService>>;
}

/** Starts the workers, replaces those that die, passes questions between them and keeps what they share. Serves no request itself. */
export class PrimaryProcess {
  readonly #questions = new OpenQuestions();
  readonly #workers = new Map<number, WorkerLink>();
  readonly #options: PrimaryOptions;
  #stopping = false;
  #exits: Promise<void>[] = [];

  constructor(options: PrimaryOptions) {
    this.#options = options;
    options.cluster.on('message', ({ id }, value: unknown) => void this.#heard(this.#workers.get(id), asMessage(value)));
  }

  /** Resolves with what the workers said when they were ready (topic `ready`): the first alone, then the others together. Rejects when one ends before. */
  async start(): Promise<unknown> {
    const first = await this.#fork(0);
    await Promise.all(Array.from({ length: this.#options.workers - 1 }, (_, index) => this.#fork(index + 1)));
    return first;
  }

  /** Asks every worker to stop and waits for all. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    this.#stopping = true;
    for (const worker of this.#workers.values()) worker.kill(signal);
    await Promise.all(this.#exits);
  }

  #fork(place: number): Promise<unknown> {
    const worker = this.#options.cluster.fork(this.#options.environmentOf(place));
    const startedMs = performance.now();
    this.#workers.set(worker.id, new WorkerLink(worker, this.#questions));
    const ready = new Promise<unknown>((resolve, reject) => {
      worker.on('message', (value: unknown) => {
        const message = asMessage(value);
        if (message?.og === 'tell' && message.topic === 'ready') resolve(message.payload);
      });
      worker.once('exit', (code, signal) => reject(new WorkerEndedError(place, code, signal)));
    });
    // Whoever waits is told; a worker that dies later is nobody's rejection.
    ready.catch(() => undefined);
    const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
    this.#exits.push(exited);
    void ready.then(() => exited).then(() => this.#replace(place, performance.now() - startedMs), () => undefined);
    void exited.then(() => this.#ended(worker.id, exited));
    return ready;
  }

  #ended(workerId: number, exited: Promise<void>): void {
    this.#workers.delete(workerId);
    this.#exits = this.#exits.filter((other) => other !== exited);
    for (const service of Object.values(this.#options.services)) service.ended(workerId);
  }

  /** Only a worker that had been ready is replaced: one that cannot start stops the start, or is tried again here. */
  async #replace(place: number, livedMs: number): Promise<void> {
    let pauseMs = livedMs > HEALTHY_AFTER_MS ? 0 : RESTART_MS;
    while (!this.#stopping) {
      this.#options.logger.error({ context: 'Cluster', worker: place, pauseMs }, 'a worker ended; it is started again');
      await sleep(pauseMs);
      if (this.#stopping) return;
      try {
        await this.#fork(place);
        return;
      } catch {
        pauseMs = Math.min(MAX_RESTART_MS, Math.max(RESTART_MS, pauseMs * 2));
      }
    }
  }

  /** What a worker said last is not heard after its end: its services have closed what it had open. */
  async #heard(worker: WorkerLink | undefined, message: Message | null): Promise<void> {
    if (worker === undefined || message === null) return;
    if (message.og === 'answer') return this.#questions.answered(message);
    if (message.og === 'tell') return this.#options.services[message.topic]?.told(message.payload, worker.id);
    try {
      const payload = await (message.to === 'others' ? this.#askOthers(worker, message) : this.#options.services[message.topic]?.asked(message.payload, worker));
      worker.send({ og: 'answer', id: message.id, payload });
    } catch (error) {
      worker.send({ og: 'answer', id: message.id, error: (error as Error).message });
    }
  }

  async #askOthers(asking: WorkerLink, { topic, payload, deadlineMs }: Extract<Message, { og: 'ask' }>): Promise<unknown[]> {
    const others = [...this.#workers.values()].filter((worker) => worker !== asking && worker.isConnected);
    const answers = await Promise.allSettled(others.map((worker) => worker.ask(topic, payload, deadlineMs)));
    return answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
  }
}

/** A worker ended before it could serve; it said why itself. */
export class WorkerEndedError extends Error {
  override name = 'WorkerEndedError';

  constructor(place: number, code: number | null, signal: string | null) {
    super(`worker ${place + 1} ended with ${signal ?? code} before it was ready`);
  }
}
