import { JsonBytes } from '../../../src/core/json/index.js';
import type { CopyTarget, CopyWriter } from '../../../src/platform/database/index.js';

/** Takes a row's values as they are given, instead of their bytes. */
class RowRecorder {
  readonly values: unknown[] = [];
  #json = new JsonBytes();

  readonly text = (value: unknown): void => this.#take(value);
  readonly texts = (value: unknown): void => this.#take(value);
  readonly repeated = (_known: unknown, values: readonly unknown[]): void => values.forEach((value) => this.#take(value));
  readonly bigint = (value: unknown): void => this.#take(value);
  readonly bigints = (value: unknown): void => this.#take(value);
  readonly jsonb = (value: unknown): void => this.#take(value);
  readonly boolean = (value: unknown): void => this.#take(value);
  readonly smallint = (value: unknown): void => this.#take(value);
  readonly integer = (value: unknown): void => this.#take(value);
  readonly real = (value: unknown): void => this.#take(value);
  readonly timestamptz = (value: unknown): void => this.#take(value);

  beginJsonb(): JsonBytes {
    this.#json = new JsonBytes();
    return this.#json;
  }

  endJson(): void {
    this.#take(this.#json.bytes.toString('utf8', 0, this.#json.length));
  }

  #take(value: unknown): void {
    this.values.push(value);
  }
}

/** What `target` copies of a row, by column. */
export function recordedRow<Row>({ columns, write }: CopyTarget<Row>, row: Row): Record<string, unknown> {
  const recorder = new RowRecorder();
  write(recorder as unknown as CopyWriter, row);
  if (recorder.values.length !== columns.length) throw new Error(`${recorder.values.length} values for ${columns.length} columns`);
  return Object.fromEntries(columns.map((name, place) => [name, recorder.values[place]]));
}
