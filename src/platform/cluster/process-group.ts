/** Answers a question of another process on this machine; what it returns must survive JSON. */
export type Answering = (payload: unknown) => unknown;

/**
 * The processes of this machine that serve one port together (`WEB_CONCURRENCY`): what each must do when one of them changed
 * something, and who counts what they share. A port; an injectable class.
 */
export abstract class ProcessGroup {
  /** Processes that serve, this one included. */
  abstract readonly size: number;
  /** What this process does when another asks. Several may answer one topic: all are waited for, the first that has something to say is heard. */
  abstract answer(topic: string, work: Answering): void;
  /** Asks every other process and waits for all, at most `deadlineMs`; answers that did not come by then are left out. */
  abstract askOthers(topic: string, payload: unknown, deadlineMs: number): Promise<unknown[]>;
  /** Asks the process that started the others. Rejects after `deadlineMs`. */
  abstract askPrimary(topic: string, payload: unknown, deadlineMs: number): Promise<unknown>;
  /** The same without an answer. Never throws: a primary that is gone takes this process with it. */
  abstract tellPrimary(topic: string, payload: unknown): void;
}

/** A change was committed: whoever keeps a copy reads it anew before it answers (CONTRACT section 3: in force in all workers). */
export const CHANGED_TOPIC = 'changed';
/** Long enough for a reading, short of the 5 s in which every engine has a change anyway. */
export const CHANGED_DEADLINE_MS = 4_000;

/** One process: there is nobody else to ask. */
export class SoleProcess extends ProcessGroup {
  override readonly size = 1;

  override answer(): void {}

  override askOthers(): Promise<unknown[]> {
    return Promise.resolve([]);
  }

  override askPrimary(topic: string): Promise<unknown> {
    return Promise.reject(new Error(`there is no primary process to ask about ${topic}`));
  }

  override tellPrimary(): void {}
}
