import type { AllowanceGrant, AllowanceReport } from './allowance-messages.js';
import type { Share } from './counted-windows.js';
import { windowsFrom } from './limit-messages.js';
import type { LimitSubject, Reservation, WindowState } from './limit-store.js';
import { corrected, type Amounts } from './window-correction.js';

/** A limit was near: for so many turns everything is asked of the primary. */
const REST_TURNS = 5;
/** Fewer requests in a turn are asked of the primary: a report costs about as much as a question. */
const MIN_PACE = 4;
/** What is wanted for a turn, in turns: they come late on a busy machine. */
const HEADROOM = 2;
/** When a report was lost: no window has that bucket. */
const NEVER_MS = -1;

type Mutable<T> = { -readonly [Name in keyof T]: T[Name] };

/** Requests that go into the windows with one report. Those of them that run refer to it, for what they give back. */
interface Batch {
  readonly used: Mutable<Amounts>;
  /** After its report. */
  readonly back: Mutable<Amounts>;
  /** Of the primary's clock; null until the report was answered. */
  bookedMs: number | null;
}

/** A report, and what is remembered of it until it is answered. */
export interface SentReport {
  readonly allowance: Allowance;
  readonly report: AllowanceReport;
  readonly batch: Batch;
}

/** Who sends the reports of an allowance. */
export interface AllowanceOwner {
  nowMs(): number;
  /** There is something to report: at once when the allowance is closed, else by the end of the turn. */
  changed(allowance: Allowance): void;
}

/**
 * What a worker may admit for one list of subjects without asking, as the primary granted it. Open, it is used and reported once a turn;
 * closed, nothing is left, and the ends of requests that it admitted are reported at once.
 */
export class Allowance {
  readonly number: number;
  readonly #subjects: readonly LimitSubject[];
  readonly #owner: AllowanceOwner;
  readonly #left: Mutable<Share> = { requests: 0, tokens: 0, slots: 0 };
  #running = 0;
  #isOpen = false;
  /** The primary knows its number. */
  #isDefined = false;
  /** The report whose grant is on its way. */
  #awaited: SentReport | null = null;
  #batch = emptyBatch();
  /** Reported ones, to which something goes back. */
  readonly #corrected = new Set<Batch>();
  #known: readonly WindowState[] = [];
  #knownMs = 0;
  /** What was done here and is not in the windows as they are known. */
  readonly #since: Mutable<Amounts> = { requests: 0, tokens: 0 };
  /** In this turn, whoever admitted it. */
  readonly #seen: Mutable<Amounts> = { requests: 0, tokens: 0 };
  /** In a turn, lately. */
  readonly #pace: Mutable<Amounts> = { requests: 0, tokens: 0 };
  #restTurns = 0;

  constructor(number: number, subjects: readonly LimitSubject[], owner: AllowanceOwner) {
    this.number = number;
    this.#subjects = subjects;
    this.#owner = owner;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Hardly a request lately. */
  get isQuiet(): boolean {
    return !this.#isOpen && this.#pace.requests < 1;
  }

  /** Quiet, and nothing will have to be said of it. */
  get isOver(): boolean {
    return this.isQuiet && this.#running === 0 && !this.#hasNews;
  }

  get #hasNews(): boolean {
    const { requests, tokens } = this.#batch.used;
    return requests > 0 || tokens > 0 || this.#corrected.size > 0;
  }

  /** Null when it must be asked of the primary. */
  take(tokens: number): Reservation | null {
    const left = this.#left;
    if (left.requests < 1 || left.slots < 1 || left.tokens < tokens) return null;
    left.requests -= 1;
    left.tokens -= tokens;
    left.slots -= 1;
    this.#running += 1;
    this.saw(tokens);
    add(this.#batch.used, 1, tokens);
    add(this.#since, 1, tokens);
    return new AllowedReservation(this, this.#batch, tokens);
  }

  /** A request came, whoever admits it. */
  saw(tokens: number): void {
    add(this.#seen, 1, tokens);
  }

  /** As `Reservation.settle`, or `cancel` when `actualTokens` is null. */
  end(batch: Batch, reservedTokens: number, actualTokens: number | null): void {
    this.#running -= 1;
    if (this.#isOpen) this.#left.slots += 1;
    const requests = actualTokens === null ? 1 : 0;
    const tokens = reservedTokens - (actualTokens ?? 0);
    add(this.#since, -requests, -tokens);
    if (batch === this.#batch || tokens < 0) this.#correctUnreported(requests, tokens);
    else if (requests + tokens > 0) {
      add(batch.back, requests, tokens);
      this.#corrected.add(batch);
    }
    this.#owner.changed(this);
  }

  /** Where the windows stand, as last known, with what this worker did since. */
  windows(): WindowState[] {
    const elapsedMs = this.#owner.nowMs() - this.#knownMs;
    return this.#known.map((state) => corrected(state, this.#since, elapsedMs));
  }

  /** The primary told where they stand; it had heard all reports that were answered before. */
  know(windows: readonly WindowState[]): void {
    this.#known = windows;
    this.#knownMs = this.#owner.nowMs();
  }

  /** A turn is over: what comes next. */
  turn(): 'report' | 'close' | 'nothing' {
    const hasNews = this.#seen.requests > 0 || this.#hasNews;
    this.#pace.requests = Math.max(this.#seen.requests, this.#pace.requests / 2);
    this.#pace.tokens = Math.max(this.#seen.tokens, this.#pace.tokens / 2);
    this.#seen.requests = this.#seen.tokens = 0;
    if (this.#restTurns > 0) this.#restTurns -= 1;
    else if (this.#pace.requests >= MIN_PACE) return hasNews && this.#awaited === null ? 'report' : 'nothing';
    return this.#isOpen ? 'close' : 'nothing';
  }

  /** Nothing is left; the next report says so. */
  close(): void {
    this.#isOpen = false;
    this.#awaited = null;
    this.#left.requests = this.#left.tokens = this.#left.slots = 0;
  }

  /** The same because a limit is near. */
  rest(): void {
    this.close();
    this.#restTurns = REST_TURNS;
  }

  /** Everything that is to be said. Opens it when more is wanted. */
  report(wantsMore: boolean): SentReport {
    const batch = this.#batch;
    this.#batch = emptyBatch();
    this.#isOpen = wantsMore;
    const { requests, tokens, slots } = this.#left;
    const back = [...this.#corrected].flatMap((other) => this.#takeBack(other));
    const isLast = !wantsMore && this.#running === 0 && this.#corrected.size === 0;
    const report: AllowanceReport = {
      number: this.number,
      ...(this.#isDefined ? {} : { subjects: this.#subjects }),
      used: batch.used,
      back,
      left: { requests, tokens: Math.max(0, tokens), slots },
      running: this.#running,
      wanted: wantsMore ? this.#wanted() : null,
      isLast,
    };
    this.#isDefined = !isLast;
    const sent = { allowance: this, report, batch };
    if (wantsMore) this.#awaited = sent;
    return sent;
  }

  /** @param grant null when there was no answer */
  answered(sent: SentReport, grant: AllowanceGrant | null): void {
    this.#booked(sent, grant);
    // One that was closed meanwhile has said, after this report, that nothing is left.
    const isAwaited = this.#awaited === sent;
    if (isAwaited) this.#granted(grant?.added ?? null);
    if (!this.#isOpen && (isAwaited || this.#corrected.size > 0)) this.#owner.changed(this);
  }

  #booked({ batch, report }: SentReport, grant: AllowanceGrant | null): void {
    batch.bookedMs = grant?.bookedMs ?? NEVER_MS;
    add(this.#since, -report.used.requests, -report.used.tokens);
    for (const { requests, tokens } of report.back) add(this.#since, requests, tokens);
    if (grant !== null) this.know(windowsFrom(this.#subjects, grant.windows, 0));
  }

  #granted(added: Share | null): void {
    this.#awaited = null;
    if (added === null) return this.rest();
    add(this.#left, added.requests, added.tokens);
    this.#left.slots += added.slots;
  }

  /** What goes back of it may be used again, what was used beyond the reservation is taken. */
  #correctUnreported(requests: number, tokens: number): void {
    add(this.#batch.used, -requests, -tokens);
    if (this.#isOpen) add(this.#left, requests, tokens);
  }

  #takeBack(batch: Batch): (Amounts & { bookedMs: number })[] {
    const { back, bookedMs } = batch;
    // Not before it is known where it was counted.
    if (bookedMs === null) return [];
    this.#corrected.delete(batch);
    const taken = { ...back, bookedMs };
    back.requests = back.tokens = 0;
    return [taken];
  }

  /** A request needs a slot at most. */
  #wanted(): Share {
    const requests = Math.ceil(this.#pace.requests * HEADROOM);
    return { requests, tokens: Math.ceil(this.#pace.tokens * HEADROOM), slots: requests };
  }
}

/** A request that an allowance admitted. */
class AllowedReservation implements Reservation {
  readonly reservedTokens: number;
  readonly #allowance: Allowance;
  readonly #batch: Batch;
  #isOpen = true;

  constructor(allowance: Allowance, batch: Batch, reservedTokens: number) {
    this.#allowance = allowance;
    this.#batch = batch;
    this.reservedTokens = reservedTokens;
  }

  settle(actualTokens: number): void {
    this.#end(actualTokens);
  }

  cancel(): void {
    this.#end(null);
  }

  windows(): readonly WindowState[] {
    return this.#allowance.windows();
  }

  #end(actualTokens: number | null): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#allowance.end(this.#batch, this.reservedTokens, actualTokens);
  }
}

function emptyBatch(): Batch {
  return { used: { requests: 0, tokens: 0 }, back: { requests: 0, tokens: 0 }, bookedMs: null };
}

function add(amounts: Mutable<Amounts>, requests: number, tokens: number): void {
  amounts.requests += requests;
  amounts.tokens += tokens;
}
