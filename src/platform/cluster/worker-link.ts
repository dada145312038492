import type { Worker } from 'node:cluster';
import type { Message, OpenQuestions } from './messages.js';

/** The primary's end of the channel to one worker. */
export class WorkerLink {
  readonly id: number;
  readonly #worker: Worker;
  readonly #questions: OpenQuestions;

  constructor(worker: Worker, questions: OpenQuestions) {
    this.id = worker.id;
    this.#worker = worker;
    this.#questions = questions;
  }

  get isConnected(): boolean {
    return this.#worker.isConnected();
  }

  /** Rejects after `deadlineMs`, and at once when the worker is gone. */
  ask(topic: string, payload: unknown, deadlineMs: number): Promise<unknown> {
    if (!this.isConnected) return Promise.reject(new Error(`worker ${this.id} is gone`));
    return this.#questions.ask(deadlineMs, (id) => this.send({ og: 'ask', id, topic, payload, to: 'worker', deadlineMs }));
  }

  send(message: Message): void {
    if (this.isConnected) this.#worker.send(message as never);
  }

  kill(signal: NodeJS.Signals): void {
    this.#worker.process.kill(signal);
  }
}
