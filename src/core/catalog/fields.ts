import { invalidRequest } from '../errors/gateway-error.js';
import { nearestNames } from '../text/index.js';

/**
 * Strict reading of one object of a document: each field is taken once, by name, and what is left over is an error with the
 * nearest known name. Paths are JSON paths (`providers[3].type`); errors are GatewayError 400 `invalid_request`.
 */
export class Fields {
  readonly #record: Readonly<Record<string, unknown>>;

  constructor(
    value: unknown,
    readonly path: string,
    private readonly known: readonly string[],
  ) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(path, 'must be an object');
    this.#record = value as Record<string, unknown>;
    for (const name of Object.keys(this.#record)) this.#refuseUnknown(name);
  }

  at(name: string): string {
    return this.path === '' ? name : `${this.path}.${name}`;
  }

  has(name: string): boolean {
    return this.#record[name] !== undefined && this.#record[name] !== null;
  }

  raw(name: string): unknown {
    return this.has(name) ? this.#record[name] : undefined;
  }

  string(name: string): string | undefined {
    const value = this.raw(name);
    if (value === undefined) return undefined;
    if (typeof value !== 'string' || value === '') throw invalid(this.at(name), 'must be a text that is not empty');
    return value;
  }

  required(name: string): string {
    const value = this.string(name);
    if (value === undefined) throw invalid(this.at(name), 'is missing');
    return value;
  }

  boolean(name: string): boolean | undefined {
    const value = this.raw(name);
    if (value === undefined || typeof value === 'boolean') return value;
    throw invalid(this.at(name), 'must be true or false');
  }

  /** `on`/`off` as well: YAML 1.2 reads those as texts. */
  switch(name: string): boolean | undefined {
    const value = this.raw(name);
    if (value === 'on') return true;
    if (value === 'off') return false;
    if (value !== undefined && typeof value !== 'boolean') throw invalid(this.at(name), 'must be on or off');
    return value;
  }

  integer(name: string, range: { min: number; max: number }): number | undefined {
    const value = this.raw(name);
    if (value === undefined) return undefined;
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < range.min || value > range.max) {
      throw invalid(this.at(name), `must be a whole number from ${range.min} to ${range.max}`);
    }
    return value;
  }

  oneOf<Word extends string>(name: string, words: readonly Word[]): Word | undefined {
    const value = this.string(name);
    if (value === undefined) return undefined;
    if (words.includes(value as Word)) return value as Word;
    throw invalid(this.at(name), `is ${JSON.stringify(value)}; it must be one of ${words.join(', ')}${suggestion(value, words)}`);
  }

  list(name: string, limitCount: number): readonly unknown[] {
    const value = this.raw(name) ?? [];
    if (!Array.isArray(value)) throw invalid(this.at(name), 'must be a list');
    if (value.length > limitCount) throw invalid(this.at(name), `must have at most ${limitCount} items`);
    return value as unknown[];
  }

  strings(name: string, limitCount: number): string[] {
    return this.list(name, limitCount).map((item, index) => {
      if (typeof item === 'string' && item !== '') return item;
      throw invalid(`${this.at(name)}[${index}]`, 'must be a text that is not empty');
    });
  }

  #refuseUnknown(name: string): void {
    if (this.known.includes(name)) return;
    throw invalid(this.at(name), `is not a known key here${suggestion(name, this.known)}`);
  }
}

export function invalid(path: string, problem: string): Error {
  return invalidRequest(path, `${path === '' ? 'the document' : path} ${problem}`);
}

/** `; did you mean "x"?`, or nothing when no known name is near. */
export function suggestion(word: string, known: Iterable<string>): string {
  const [nearest] = nearestNames(word, known, 1);
  return nearest === undefined ? '' : `; did you mean "${nearest}"?`;
}
