import type { Worker } from 'node:cluster';
import { WorkerProcess, type PrimaryService } from '../../src/platform/cluster/index.js';
import { asMessage, OpenQuestions } from '../../src/platform/cluster/messages.js';
import { WorkerLink } from '../../src/platform/cluster/worker-link.js';

/** One direction of a channel: what is sent arrives in its order, as JSON, each not before its delay in ms is over. */
class Line {
  readonly #queue: string[] = [];
  /** What arrives is lost. */
  isCut = false;

  constructor(
    private readonly delayMs: () => number,
    private readonly heard: (message: unknown) => void,
  ) {}

  send(message: unknown): boolean {
    this.#queue.push(JSON.stringify(message));
    const delayMs = this.delayMs();
    if (delayMs > 0) setTimeout(() => this.#deliver(), delayMs);
    else queueMicrotask(() => this.#deliver());
    return true;
  }

  /** The oldest: a later message may have the shorter delay. */
  #deliver(): void {
    const text = this.#queue.shift();
    if (text !== undefined && !this.isCut) this.heard(JSON.parse(text));
  }
}

/** A primary's services and its workers in one process; between them what is spoken over node:cluster. */
export class FakeCluster {
  readonly #questions = new OpenQuestions();
  readonly #lines = new Map<number, { toWorker: Line; toPrimary: Line }>();
  #lastId = 0;
  /** Messages that workers sent. */
  messageCount = 0;

  constructor(
    private readonly services: Readonly<Record<string, PrimaryService>>,
    private readonly delayMs: () => number = () => 0,
  ) {}

  fork(): { id: number; group: WorkerProcess } {
    const id = (this.#lastId += 1);
    let hear = (_message: unknown): void => undefined;
    const toWorker = new Line(this.delayMs, (message) => hear(message));
    const toPrimary = new Line(this.delayMs, (message) => void this.#heard(link, message));
    this.#lines.set(id, { toWorker, toPrimary });
    const worker = { id, isConnected: () => this.#lines.has(id), send: (message: unknown) => toWorker.send(message) };
    const link = new WorkerLink(worker as unknown as Worker, this.#questions);
    const group = new WorkerProcess(2, { send: (message) => toPrimary.send(message), on: (_event, heard) => (hear = heard) });
    return { id, group };
  }

  /** What is said to it meanwhile is lost. */
  deafen(id: number, isDeaf: boolean): void {
    const lines = this.#lines.get(id);
    if (lines !== undefined) lines.toWorker.isCut = isDeaf;
  }

  /** The same either way, for ever. */
  silence(id: number): void {
    for (const line of Object.values(this.#lines.get(id) ?? {})) line.isCut = true;
  }

  /** What is on its way is lost. */
  kill(id: number): void {
    this.silence(id);
    this.#lines.delete(id);
    for (const service of Object.values(this.services)) service.ended(id);
  }

  async #heard(link: WorkerLink, value: unknown): Promise<void> {
    this.messageCount += 1;
    const message = asMessage(value);
    if (message?.og === 'answer') return this.#questions.answered(message);
    if (message?.og === 'tell') return this.services[message.topic]?.told(message.payload, link.id);
    if (message?.og !== 'ask') return;
    try {
      link.send({ og: 'answer', id: message.id, payload: await this.services[message.topic]?.asked(message.payload, link) });
    } catch (error) {
      link.send({ og: 'answer', id: message.id, error: (error as Error).message });
    }
  }
}
