/** Stands for a name that is not known: a mistyped model must not become a time series. */
export const UNKNOWN_LABEL = '_unknown';
/** Stands for the names beyond the limit. */
export const OTHER_LABEL = '_other';

/**
 * Keeps a label's values bounded whatever clients send: known names pass, others become `_unknown`, and of the known ones
 * only the first `limit` get a series of their own.
 */
export class BoundedLabel {
  readonly #isKnown: (name: string) => boolean;
  readonly #limit: number;
  readonly #admitted = new Set<string>();

  constructor(isKnown: (name: string) => boolean, limit = 500) {
    this.#isKnown = isKnown;
    this.#limit = limit;
  }

  value(name: string | null | undefined): string {
    if (name === null || name === undefined || name === '') return UNKNOWN_LABEL;
    if (this.#admitted.has(name)) return name;
    if (!this.#isKnown(name)) return UNKNOWN_LABEL;
    if (this.#admitted.size >= this.#limit) return OTHER_LABEL;
    this.#admitted.add(name);
    return name;
  }
}
