import { asMessage, OpenQuestions, type Message } from './messages.js';
import { ProcessGroup, type Answering } from './process-group.js';

/** node:cluster's channel to the primary, as far as it is used here: `process` of a worker. */
export interface Channel {
  send?(message: unknown): boolean;
  on(event: 'message', heard: (message: unknown) => void): unknown;
}

/** The primary passes a question on to others and waits for them; it may take a little longer than they. */
const RELAY_GRACE_MS = 500;

/** One of several processes of this machine. */
export class WorkerProcess extends ProcessGroup {
  readonly #questions = new OpenQuestions();
  readonly #answering = new Map<string, Answering[]>();

  constructor(
    override readonly size: number,
    private readonly channel: Channel,
  ) {
    super();
    channel.on('message', (value) => void this.#heard(asMessage(value)));
  }

  override answer(topic: string, work: Answering): void {
    this.#answering.set(topic, [...(this.#answering.get(topic) ?? []), work]);
  }

  override async askOthers(topic: string, payload: unknown, deadlineMs: number): Promise<unknown[]> {
    const answers = await this.#ask({ topic, payload, to: 'others', deadlineMs }, deadlineMs + RELAY_GRACE_MS).catch(() => []);
    return answers as unknown[];
  }

  override askPrimary(topic: string, payload: unknown, deadlineMs: number): Promise<unknown> {
    return this.#ask({ topic, payload, to: 'primary', deadlineMs }, deadlineMs);
  }

  override tellPrimary(topic: string, payload: unknown): void {
    this.#send({ og: 'tell', topic, payload });
  }

  #ask(question: Omit<Extract<Message, { og: 'ask' }>, 'og' | 'id'>, deadlineMs: number): Promise<unknown> {
    return this.#questions.ask(deadlineMs, (id) => this.#send({ og: 'ask', id, ...question }));
  }

  async #heard(message: Message | null): Promise<void> {
    if (message?.og === 'answer') return this.#questions.answered(message);
    if (message?.og !== 'ask') return;
    try {
      const answers = await Promise.all((this.#answering.get(message.topic) ?? []).map((work) => work(message.payload)));
      this.#send({ og: 'answer', id: message.id, payload: answers.find((answer) => answer !== undefined) });
    } catch (error) {
      this.#send({ og: 'answer', id: message.id, error: (error as Error).message });
    }
  }

  #send(message: Message): void {
    try {
      this.channel.send?.(message);
    } catch {
      // The channel is closed: the primary is gone, and this process is about to stop.
    }
  }
}
