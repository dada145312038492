import { GatewayError } from '../../core/errors/gateway-error.js';
import type { Clock } from '../../platform/clock/index.js';
import type { ProcessGroup } from '../../platform/cluster/index.js';
import { LIMITS_TOPIC, windowsFrom, type LimitsAnswer, type LimitsEnds, type LimitsQuestion } from './limit-messages.js';
import { LimitStore, type Demand, type LimitSubject, type Outcome, type Reservation, type WindowState } from './limit-store.js';
import { corrected, type Amounts } from './window-correction.js';
import { WorkerAllowances } from './worker-allowances.js';

/** The primary does nothing but count and pass on: when it does not answer, it is stopped or gone. */
const DEADLINE_MS = 2_000;
const MAX_WAITING = 10_000;
/** Then all of them are numbered anew. */
const MAX_NUMBERED = 20_000;

interface Pending<Result> {
  readonly subjects: readonly LimitSubject[];
  readonly resolve: (result: Result) => void;
  readonly reject: (error: Error) => void;
}

type Mutable<T> = { -readonly [Name in keyof T]: T[Name] extends readonly (infer Item)[] ? Item[] : T[Name] };

/**
 * Windows counted by the primary for all processes of this machine. Far from the limits a request is admitted by an allowance, at
 * once; else the primary is asked. What one turn of the event loop brings goes in one message.
 */
export class WorkerLimitStore extends LimitStore {
  readonly #group: ProcessGroup;
  readonly #clock: Clock;
  readonly #allowances: WorkerAllowances;
  readonly #admitting = new Map<number, Pending<Outcome>>();
  readonly #observing = new Map<number, Pending<WindowState[]>>();
  /** The numbers by which the primary knows subjects. */
  readonly #numbers = new Map<LimitSubject, number>();
  #question: Mutable<LimitsQuestion> = emptyQuestion();
  #ends: LimitsEnds[number][] = [];
  /** Of those who wait for the ends to be told. */
  #told: { readonly promise: Promise<void>; readonly resolve: () => void } | null = null;
  #scheduled = false;
  #lastId = 0;

  constructor(group: ProcessGroup, clock: Clock) {
    super();
    this.#group = group;
    this.#clock = clock;
    this.#allowances = new WorkerAllowances(group, clock, () => this.#schedule());
  }

  override admit(demand: Demand): Outcome | Promise<Outcome> {
    const reservation = this.#allowances.take(demand);
    return reservation === null ? this.#askFor(demand) : { admitted: true, reservation };
  }

  override observe(subjects: readonly LimitSubject[]): Promise<WindowState[]> {
    const id = this.#next();
    return new Promise((resolve, reject) => {
      this.#observing.set(id, { subjects, resolve, reject });
      this.#question.observe.push(this.#numbered([id], subjects));
      this.#schedule();
    });
  }

  override told(): Promise<void> | undefined {
    if (this.#ends.length === 0 && !this.#allowances.hasChanged) return undefined;
    this.#told ??= newPromise();
    return this.#told.promise;
  }

  override close(): void {
    this.#allowances.close();
    this.#flush();
  }

  #askFor({ subjects, minimumTokens, reserveTokens }: Demand): Promise<Outcome> {
    const id = this.#next();
    return new Promise((resolve, reject) => {
      this.#admitting.set(id, { subjects, resolve, reject });
      this.#question.admit.push(this.#numbered([id, minimumTokens, reserveTokens], subjects));
      this.#schedule();
    });
  }

  #next(): number {
    if (this.#admitting.size + this.#observing.size >= MAX_WAITING) throw unavailable();
    if (this.#numbers.size >= MAX_NUMBERED) this.#forget();
    this.#lastId += 1;
    return this.#lastId;
  }

  /** Between two messages: what this one speaks of so far was numbered before. */
  #forget(): void {
    this.#flush();
    this.#numbers.clear();
    this.#question.forget = true;
  }

  #numbered(words: number[], subjects: readonly LimitSubject[]): number[] {
    for (const subject of subjects) {
      let number = this.#numbers.get(subject);
      if (number === undefined) {
        number = this.#numbers.size;
        this.#numbers.set(subject, number);
        this.#question.define.push([number, subject]);
      }
      words.push(number);
    }
    return words;
  }

  #reservation(id: number, reservedTokens: number, windows: readonly WindowState[]): Reservation {
    const answeredMs = this.#clock.monotonicMs();
    let amounts: Amounts | null = null;
    const end = (actualTokens: number | null): void => {
      if (amounts !== null) return;
      amounts = actualTokens === null ? { requests: -1, tokens: -reservedTokens } : { requests: 0, tokens: actualTokens - reservedTokens };
      this.#ends.push([id, actualTokens]);
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
    const [ends, question, told] = [this.#ends, this.#question, this.#told];
    this.#ends = [];
    this.#told = null;
    this.#question = emptyQuestion();
    if (ends.length > 0) this.#group.tellPrimary(LIMITS_TOPIC, ends);
    this.#allowances.flush();
    told?.resolve();
    if (question.admit.length + question.observe.length > 0) void this.#ask(question);
    else this.#question.forget = question.forget;
  }

  async #ask(question: LimitsQuestion): Promise<void> {
    try {
      this.#answered((await this.#group.askPrimary(LIMITS_TOPIC, question, DEADLINE_MS)) as LimitsAnswer);
    } catch {
      this.#refuse(question);
    }
    for (const [id] of question.admit) this.#admitting.delete(id as number);
    for (const [id] of question.observe) this.#observing.delete(id as number);
  }

  #answered({ admitted, refused, observed }: LimitsAnswer): void {
    for (const words of admitted) {
      const [id, reservedTokens] = words as [number, number];
      const pending = this.#admitting.get(id);
      if (pending === undefined) continue;
      const windows = this.#allowances.know(pending.subjects, windowsFrom(pending.subjects, words, 2));
      pending.resolve({ admitted: true, reservation: this.#reservation(id, reservedTokens, windows) });
    }
    for (const { id, ...refusal } of refused) this.#admitting.get(id)?.resolve({ admitted: false, ...refusal });
    for (const words of observed) {
      const pending = this.#observing.get(words[0] as number);
      pending?.resolve(windowsFrom(pending.subjects, words, 1));
    }
  }

  #refuse({ admit, observe }: LimitsQuestion): void {
    // Should they be counted later after all: nobody will use them.
    this.#group.tellPrimary(LIMITS_TOPIC, admit.map(([id]) => [id, null]));
    // What the primary knows by which number is not sure any more.
    this.#forget();
    for (const [id] of admit) this.#admitting.get(id as number)?.reject(unavailable());
    for (const [id] of observe) this.#observing.get(id as number)?.reject(unavailable());
  }
}

function newPromise(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((settle) => (resolve = settle));
  return { promise, resolve };
}

function emptyQuestion(): Mutable<LimitsQuestion> {
  return { forget: false, define: [], admit: [], observe: [] };
}

function unavailable(): GatewayError {
  return new GatewayError('service_unavailable', 'The rate limits cannot be counted at the moment. Try again shortly.', { retryAfterMs: 1_000 });
}
