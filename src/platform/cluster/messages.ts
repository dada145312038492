/** What processes of one machine say to each other, over node:cluster's channel. */
export type Message =
  | { readonly og: 'ask'; readonly id: number; readonly topic: string; readonly payload: unknown; readonly to: 'primary' | 'others' | 'worker'; readonly deadlineMs: number }
  | { readonly og: 'answer'; readonly id: number; readonly payload?: unknown; readonly error?: string }
  | { readonly og: 'tell'; readonly topic: string; readonly payload: unknown };

/** The channel carries node's own messages too. */
export function asMessage(value: unknown): Message | null {
  return typeof value === 'object' && value !== null && 'og' in value ? (value as Message) : null;
}

interface Waiting {
  readonly resolve: (payload: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

/** Questions that were sent and not answered yet: each ends by its answer or by its deadline, so that nothing piles up. */
export class OpenQuestions {
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;

  /** @param send puts the question with this id on the channel */
  ask(deadlineMs: number, send: (id: number) => void): Promise<unknown> {
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#end(id)?.reject(new Error(`no answer in ${deadlineMs} ms`)), deadlineMs);
      this.#waiting.set(id, { resolve, reject, timer });
      send(id);
    });
  }

  answered({ id, payload, error }: Extract<Message, { og: 'answer' }>): void {
    const waiting = this.#end(id);
    if (error === undefined) waiting?.resolve(payload);
    else waiting?.reject(new Error(error));
  }

  #end(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    clearTimeout(waiting?.timer);
    return waiting;
  }
}
