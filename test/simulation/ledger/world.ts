/** Saved before a world replaces them: real turns of the loop, in which promises are settled. */
const realImmediate = setImmediate;

/** What a timer, a message or an answer belongs to: killed, it never happens; frozen, it happens later. */
export interface Owner {
  readonly name: string;
  alive: boolean;
  /** Nothing of it happens before. */
  frozenUntilMs: number;
}

interface Happening {
  atMs: number;
  order: number;
  owner: Owner | null;
  run: () => void;
}

/** mulberry32: a small generator whose whole state is one number, so that a seed tells the whole story. */
function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * below >>> 0;
  };
}

/**
 * Virtual time and everything that happens in it, one thing after the other. While it is installed, the timers and clocks that
 * programs reach globally are its own, so the ledger's real code runs in it without knowing.
 */
export class World {
  nowMs = 0;
  /** Whose code runs now. */
  current: Owner | null = null;
  readonly random: (below: number) => number;
  readonly #queue: Happening[] = [];
  #order = 0;

  constructor(seed: number) {
    this.random = randomOf(seed);
  }

  chance(perMille: number): boolean {
    return this.random(1_000) < perMille;
  }

  between(least: number, most: number): number {
    return least + this.random(most - least + 1);
  }

  after(delayMs: number, owner: Owner | null, run: () => void): Happening {
    const happening = { atMs: this.nowMs + Math.max(0, delayMs), order: (this.#order += 1), owner, run };
    push(this.#queue, happening);
    return happening;
  }

  /** In the name of the present owner, until it is killed. */
  sleep(delayMs: number): Promise<void> {
    const owner = this.current;
    return new Promise((resolve) => this.after(delayMs, owner, resolve));
  }

  /** The next thing happens, and all that follows from it at once. False when nothing is left before `untilMs`. */
  async step(untilMs = Number.POSITIVE_INFINITY): Promise<boolean> {
    const next = this.#queue[0];
    if (next === undefined || next.atMs > untilMs) return false;
    pop(this.#queue);
    this.nowMs = Math.max(this.nowMs, next.atMs);
    const { owner } = next;
    if (owner !== null && !owner.alive) return true;
    if (owner !== null && owner.frozenUntilMs > this.nowMs) {
      push(this.#queue, { ...next, atMs: owner.frozenUntilMs });
      return true;
    }
    this.current = owner;
    next.run();
    await new Promise<void>((resolve) => realImmediate(resolve));
    this.current = null;
    return true;
  }

  /** Puts the world's time into the globals; call what it returns to put the real ones back. */
  install(): () => void {
    const saved = { setTimeout, setInterval, setImmediate, clearTimeout, clearInterval };
    const { now } = Date;
    const ownNow = Object.getOwnPropertyDescriptor(performance, 'now');
    const timer = (delayMs: number, run: () => void, again: boolean): VirtualTimer => new VirtualTimer(this, delayMs, run, again);
    Object.assign(globalThis, {
      setTimeout: (run: () => void, delayMs = 0) => timer(delayMs, run, false),
      setInterval: (run: () => void, delayMs: number) => timer(delayMs, run, true),
      setImmediate: (run: () => void) => timer(0, run, false),
      clearTimeout: (one?: VirtualTimer) => one?.cancel(),
      clearInterval: (one?: VirtualTimer) => one?.cancel(),
    });
    Date.now = () => Date.UTC(2026, 0, 1) + Math.floor(this.nowMs);
    Object.defineProperty(performance, 'now', { configurable: true, value: () => this.nowMs });
    return () => {
      Object.assign(globalThis, saved);
      Date.now = now;
      if (ownNow === undefined) delete (performance as { now?: unknown }).now;
      else Object.defineProperty(performance, 'now', ownNow);
    };
  }
}

class VirtualTimer {
  readonly #world: World;
  readonly #owner: Owner | null;
  #canceled = false;

  constructor(world: World, delayMs: number, run: () => void, again: boolean) {
    this.#world = world;
    this.#owner = world.current;
    this.#schedule(delayMs, run, again);
  }

  cancel(): void {
    this.#canceled = true;
  }

  unref(): this {
    return this;
  }

  #schedule(delayMs: number, run: () => void, again: boolean): void {
    this.#world.after(delayMs, this.#owner, () => {
      if (this.#canceled) return;
      if (again) this.#schedule(delayMs, run, true);
      run();
    });
  }
}

function isBefore(a: Happening, b: Happening): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

function push(heap: Happening[], happening: Happening): void {
  let place = heap.length;
  while (place > 0) {
    const parent = (place - 1) >> 1;
    const above = heap[parent] as Happening;
    if (isBefore(above, happening)) break;
    heap[place] = above;
    place = parent;
  }
  heap[place] = happening;
}

function pop(heap: Happening[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let place = 0;
  for (;;) {
    let child = place * 2 + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && isBefore(heap[child + 1] as Happening, heap[child] as Happening)) child += 1;
    if (isBefore(last, heap[child] as Happening)) break;
    heap[place] = heap[child] as Happening;
    place = child;
  }
  heap[place] = last;
}
