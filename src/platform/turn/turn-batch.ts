/** When a batch is worked on: `run` is called back once, later. */
export type TurnPlace = (run: () => void) => void;

/** Behind what is ready to go on in this turn. */
export const AFTERWARDS: TurnPlace = process.nextTick;

/**
 * What one turn of the event loop puts off and then does all at once, one after the other. A way through much code that is gone some
 * twenty times in a row finds that code in the processor's caches, where between other work it would not (ADR 17).
 */
export class TurnBatch<Item> {
  #items: Item[] = [];
  readonly #place: TurnPlace;
  readonly #work: (item: Item) => void;

  constructor(place: TurnPlace, work: (item: Item) => void) {
    this.#place = place;
    this.#work = work;
  }

  add(item: Item): void {
    if (this.#items.push(item) === 1) this.#place(() => this.#run());
  }

  #run(): void {
    const items = this.#items;
    this.#items = [];
    for (const item of items) this.#do(item);
  }

  /** What one throws is nobody's to catch, as in a callback of its own; the others are not held up by it. */
  #do(item: Item): void {
    try {
      this.#work(item);
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}
