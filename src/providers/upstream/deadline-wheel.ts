import { NOWHERE, Roster, type Placed } from '../../core/collections/roster.js';

/** Slots × tick = how far ahead an alarm can be filed at once; later ones are filed again when their slot comes round. */
const SLOT_COUNT = 512;
const TICK_MS = 20;

/** Something with a due time that may move later at any moment without telling the wheel. */
export interface Alarm extends Placed {
  /** Which slot it is filed in; the wheel’s to change, `NOWHERE` at first. */
  slot: number;
  /** When it is due by its owner's present knowledge, on the wheel's clock; `Infinity` while it stands still. */
  dueAtMs(): number;
  /** Called once the due time has passed; the alarm is off the wheel then. */
  ring(nowMs: number): void;
}

/**
 * One coarse timer for all deadlines of all calls: an alarm rings 0–2 ticks (40 ms) after it is due. undici's own timers
 * fire up to a second late (800 ms seen at 1,005 ms, 2026-11-21), and a timer per call that is moved by each chunk costs more.
 * An owner moves a deadline by changing what `dueAtMs` returns: nothing is refiled before the alarm's slot is reached.
 */
export class DeadlineWheel {
  readonly #slots: Roster<Alarm>[] = Array.from({ length: SLOT_COUNT }, () => new Roster<Alarm>());
  #size = 0;
  #timer: NodeJS.Timeout | null = null;
  #tick = 0;
  #nowMs = performance.now();

  /** Time of the last tick while anything is filed: for notes of activity, where 20 ms more or less do not matter. */
  get coarseNowMs(): number {
    return this.#nowMs;
  }

  add(alarm: Alarm): void {
    if (this.#timer === null) this.#start();
    this.#file(alarm, this.#tickFor(alarm));
  }

  /** Files an alarm anew where its due time may have moved *earlier*; one that moved later is left until its slot is reached. */
  move(alarm: Alarm): void {
    if (alarm.slot === NOWHERE) return this.add(alarm);
    const tick = this.#tickFor(alarm);
    const filedAhead = (alarm.slot - (this.#tick % SLOT_COUNT) + SLOT_COUNT) % SLOT_COUNT;
    if (tick >= this.#tick + filedAhead) return;
    this.remove(alarm);
    this.#file(alarm, tick);
  }

  remove(alarm: Alarm): void {
    if (alarm.slot === NOWHERE) return;
    this.#slots[alarm.slot]?.delete(alarm);
    alarm.slot = NOWHERE;
    this.#size -= 1;
  }

  get size(): number {
    return this.#size;
  }

  #start(): void {
    this.#nowMs = performance.now();
    this.#tick = Math.floor(this.#nowMs / TICK_MS);
    this.#timer = setInterval(() => this.#turn(), TICK_MS);
  }

  /** The slots ahead are those of the ticks that have not been visited yet, also while the event loop is late. */
  #tickFor(alarm: Alarm): number {
    return Math.min(Math.max(Math.ceil(alarm.dueAtMs() / TICK_MS), this.#tick + 1), this.#tick + SLOT_COUNT - 1);
  }

  #file(alarm: Alarm, tick: number): void {
    const slot = tick % SLOT_COUNT;
    this.#slots[slot]?.add(alarm);
    alarm.slot = slot;
    this.#size += 1;
  }

  #turn(): void {
    this.#nowMs = performance.now();
    const lastTick = Math.floor(this.#nowMs / TICK_MS);
    // After a blocked event loop at most one full turn is needed: it visits every slot.
    const firstTick = Math.max(this.#tick + 1, lastTick - SLOT_COUNT + 1);
    for (let tick = firstTick; tick <= lastTick; tick++) this.#visit(tick % SLOT_COUNT, tick);
    this.#tick = Math.max(this.#tick, lastTick);
    if (this.#size === 0 && this.#timer !== null) {
      clearInterval(this.#timer);
      this.#timer = null;
    }
  }

  #visit(slot: number, tick: number): void {
    const filed = this.#slots[slot];
    if (filed === undefined || filed.size === 0) return;
    this.#tick = tick;
    for (const alarm of filed.takeAll()) {
      // One that rang before it in this loop may have removed it.
      if (alarm.slot !== slot) continue;
      alarm.slot = NOWHERE;
      this.#size -= 1;
      if (alarm.dueAtMs() <= this.#nowMs) alarm.ring(this.#nowMs);
      else this.#file(alarm, this.#tickFor(alarm));
    }
  }
}
