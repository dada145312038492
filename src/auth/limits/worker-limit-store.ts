import { GatewayError } from '../../core/errors/gateway-error.js';
import type { Clock } from '../../platform/clock/index.js';
import type { ProcessGroup } from '../../platform/cluster/index.js';
import { LIMITS_TOPIC, type AdmitAnswer, type LimitsAnswer, type LimitsEnds, type LimitsQuestion } from './limit-messages.js';
import { LimitStore, type Demand, type LimitSubject, type Outcome, type Reservation, type WindowState } from './limit-store.js';
import { corrected, type Amounts } from './window-correction.js';

/** The primary does nothing but count and pass on: when it does not answer, it is stopped or gone. */
const DEADLINE_MS = 2_000;
const MAX_WAITING = 10_000;

interface Pending<Answer> {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

type Mutable<T> = { -readonly [Name in keyof T]: T[Name] extends readonly (infer Item)[] ? Item[] : T[Name] };

/**
 * Windows counted by the primary for all processes of this machine. What one turn of the event loop brings goes in one
 * message: at 1,000 requests a second a message carries several of them.
 */
export class WorkerLimitStore extends LimitStore {
  readonly #group: ProcessGroup;
  readonly #clock: Clock;
  readonly #admitting = new Map<number, Pending<AdmitAnswer>>();
  readonly #observing = new Map<number, Pending<readonly WindowState[]>>();
  #question: Mutable<LimitsQuestion> = { admit: [], observe: [] };
  #ends: LimitsEnds[number][] = [];
  #scheduled = false;
  #lastId = 0;

  constructor(group: ProcessGroup, clock: Clock) {
    super();
    this.#group = group;
    this.#clock = clock;
  }

  override async admit(demand: Demand): Promise<Outcome> {
    const id = this.#next();
    const answer = await new Promise<AdmitAnswer>((resolve, reject) => {
      this.#admitting.set(id, { resolve, reject });
      this.#question.admit.push({ id, demand });
      this.#schedule();
    });
    if (answer.admitted) return { admitted: true, reservation: this.#reservation(answer) };
    const { binding, retryAfterMs, windows } = answer;
    return { admitted: false, binding: binding as WindowState, retryAfterMs: retryAfterMs ?? null, windows };
  }

  override async observe(subjects: readonly LimitSubject[]): Promise<WindowState[]> {
    const id = this.#next();
    const windows = await new Promise<readonly WindowState[]>((resolve, reject) => {
      this.#observing.set(id, { resolve, reject });
      this.#question.observe.push({ id, subjects });
      this.#schedule();
    });
    return [...windows];
  }

  override close(): void {
    this.#flush();
  }

  #next(): number {
    if (this.#admitting.size + this.#observing.size >= MAX_WAITING) throw unavailable();
    this.#lastId += 1;
    return this.#lastId;
  }

  #reservation({ id, reservedTokens, windows }: AdmitAnswer): Reservation {
    const answeredMs = this.#clock.monotonicMs();
    let amounts: Amounts | null = null;
    const end = (actualTokens: number | null): void => {
      if (amounts !== null) return;
      amounts = actualTokens === null ? { requests: -1, tokens: -reservedTokens } : { requests: 0, tokens: actualTokens - reservedTokens };
      this.#ends.push({ id, actualTokens });
      this.#schedule();
    };
    return {
      reservedTokens,
      settle: (actualTokens) => end(actualTokens),
      cancel: () => end(null),
      windows: () => windows.map((state) => corrected(state, amounts, this.#clock.monotonicMs() - answeredMs)),
    };
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.#flush());
  }

  /** Ends first: a client that waits for its answer finds its slot free. */
  #flush(): void {
    this.#scheduled = false;
    const [ends, question] = [this.#ends, this.#question];
    this.#ends = [];
    this.#question = { admit: [], observe: [] };
    if (ends.length > 0) this.#group.tellPrimary(LIMITS_TOPIC, ends);
    if (question.admit.length + question.observe.length > 0) void this.#ask(question);
  }

  async #ask(question: LimitsQuestion): Promise<void> {
    const asked = this.#group.askPrimary(LIMITS_TOPIC, question, DEADLINE_MS) as Promise<LimitsAnswer>;
    await asked.then(
      ({ admit, observe }) => {
        for (const item of admit) this.#admitting.get(item.id)?.resolve(item);
        for (const { id, windows } of observe) this.#observing.get(id)?.resolve(windows);
      },
      () => this.#refuse(question),
    );
    for (const { id } of question.admit) this.#admitting.delete(id);
    for (const { id } of question.observe) this.#observing.delete(id);
  }

  #refuse({ admit, observe }: LimitsQuestion): void {
    // Should they be counted later after all: nobody will use them.
    this.#group.tellPrimary(LIMITS_TOPIC, admit.map(({ id }) => ({ id, actualTokens: null })));
    for (const { id } of admit) this.#admitting.get(id)?.reject(unavailable());
    for (const { id } of observe) this.#observing.get(id)?.reject(unavailable());
  }
}

function unavailable(): GatewayError {
  return new GatewayError('service_unavailable', 'The rate limits cannot be counted at the moment. Try again shortly.', { retryAfterMs: 1_000 });
}
