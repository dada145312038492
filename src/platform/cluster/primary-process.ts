import type { Cluster, Worker } from 'node:cluster';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { asMessage, OpenQuestions, type Message } from './messages.js';

/** A worker that dies is replaced after this, doubling while it dies again soon. */
const RESTART_MS = 500;
const MAX_RESTART_MS = 30_000;
/** A worker that lived so long was well: the next death starts from the short pause again. */
const HEALTHY_AFTER_MS = 60_000;

/** What the primary does for its workers on one topic. */
export interface PrimaryService {
  asked(payload: unknown, workerId: number): unknown;
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
  readonly #workers = new Map<number, Worker>();
  readonly #options: PrimaryOptions;
  #stopping = false;
  #exits: Promise<void>[] = [];

  constructor(options: PrimaryOptions) {
    this.#options = options;
    options.cluster.on('message', (worker, value: unknown) => void this.#heard(worker, asMessage(value)));
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
    for (const worker of this.#workers.values()) worker.process.kill(signal);
    await Promise.all(this.#exits);
  }

  #fork(place: number): Promise<unknown> {
    const worker = this.#options.cluster.fork(this.#options.environmentOf(place));
    const startedMs = performance.now();
    this.#workers.set(worker.id, worker);
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
    void exited.then(() => this.#ended(worker, exited));
    return ready;
  }

  #ended(worker: Worker, exited: Promise<void>): void {
    this.#workers.delete(worker.id);
    this.#exits = this.#exits.filter((other) => other !== exited);
    for (const service of Object.values(this.#options.services)) service.ended(worker.id);
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

  async #heard(worker: Worker, message: Message | null): Promise<void> {
    if (message === null) return;
    if (message.og === 'answer') return this.#questions.answered(message);
    if (message.og === 'tell') return this.#options.services[message.topic]?.told(message.payload, worker.id);
    try {
      const payload = await (message.to === 'others' ? this.#askOthers(worker, message) : this.#options.services[message.topic]?.asked(message.payload, worker.id));
      this.#send(worker, { og: 'answer', id: message.id, payload });
    } catch (error) {
      this.#send(worker, { og: 'answer', id: message.id, error: (error as Error).message });
    }
  }

  async #askOthers(asking: Worker, { topic, payload, deadlineMs }: Extract<Message, { og: 'ask' }>): Promise<unknown[]> {
    const others = [...this.#workers.values()].filter((worker) => worker !== asking && worker.isConnected());
    const answers = await Promise.allSettled(
      others.map((worker) => this.#questions.ask(deadlineMs, (id) => this.#send(worker, { og: 'ask', id, topic, payload, to: 'worker', deadlineMs }))),
    );
    return answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
  }

  #send(worker: Worker, message: Message): void {
    if (worker.isConnected()) worker.send(message as never);
  }
}

/** A worker ended before it could serve; it said why itself. */
export class WorkerEndedError extends Error {
  override name = 'WorkerEndedError';

  constructor(place: number, code: number | null, signal: string | null) {
    super(`worker ${place + 1} ended with ${signal ?? code} before it was ready`);
  }
}
