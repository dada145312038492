import type pg from 'pg';
import { CopyWriter } from './copy-writer.js';

/**
 * A column's type, which the binary form must name exactly. Values: `text` (enums too) and `jsonb` strings, integers numbers, bigints
 * or their digits, `timestamptz` milliseconds since 1970.
 */
export type CopyType = 'text' | 'text[]' | 'bigint[]' | 'jsonb' | 'boolean' | 'smallint' | 'integer' | 'bigint' | 'real' | 'timestamptz';
export type CopyValue = string | number | bigint | boolean | readonly string[] | readonly (number | bigint | null)[] | null | undefined;

/** Where rows are copied to. Names come from the code alone: they stand in the statement as they are. */
export interface CopyTarget {
  readonly table: string;
  readonly columns: readonly (readonly [name: string, type: CopyType])[];
}

/** One row: its values in the order of the columns. */
export type CopyRow = readonly CopyValue[];

type Write = (writer: CopyWriter, value: never) => void;

const WRITERS: Readonly<Record<CopyType, Write>> = {
  text: (writer: CopyWriter, value: string) => writer.text(value),
  'text[]': (writer: CopyWriter, value: readonly string[]) => writer.texts(value),
  'bigint[]': (writer: CopyWriter, value: readonly (number | bigint | null)[]) => writer.bigints(value),
  jsonb: (writer: CopyWriter, value: string) => writer.jsonb(value),
  boolean: (writer: CopyWriter, value: boolean) => writer.boolean(value),
  smallint: (writer: CopyWriter, value: number) => writer.smallint(value),
  integer: (writer: CopyWriter, value: number) => writer.integer(value),
  bigint: (writer: CopyWriter, value: number | bigint | string) => writer.bigint(value),
  real: (writer: CopyWriter, value: number) => writer.real(value),
  timestamptz: (writer: CopyWriter, value: number) => writer.timestamp(value),
};

/** Rows in COPY's binary form: the server takes numbers and times as they are instead of reading digits and dates. */
function encodeRows({ columns }: CopyTarget, rows: readonly CopyRow[]): Buffer {
  const writes = columns.map(([, type]) => WRITERS[type]);
  const writer = new CopyWriter();
  for (const row of rows) {
    writer.beginRow(writes.length);
    for (let place = 0; place < writes.length; place += 1) {
      const value = row[place];
      if (value === null || value === undefined) writer.absent();
      else (writes[place] as Write)(writer, value as never);
    }
  }
  return writer.end();
}

type Settle = (error: Error | null) => void;

/** COPY FROM STDIN as pg runs a statement of one's own (`Submittable`): all rows in one message, then the end. */
class CopyStatement {
  callback: Settle;
  /** By this name pg sets the client's own deadline. */
  readonly query_timeout: number;
  #failed = false;
  readonly #text: string;
  readonly #bytes: Buffer;

  constructor({ table, columns }: CopyTarget, bytes: Buffer, run: { timeoutMs: number; settle: Settle }) {
    this.#text = `COPY ${table} (${columns.map(([name]) => name).join(', ')}) FROM STDIN (FORMAT binary)`;
    this.#bytes = bytes;
    this.query_timeout = run.timeoutMs;
    this.callback = run.settle;
  }

  submit(connection: pg.Connection): void {
    connection.query(this.#text);
  }

  handleCopyInResponse(connection: CopyConnection): void {
    connection.sendCopyFromChunk(this.#bytes);
    connection.endCopyFrom();
  }

  handleError(error: Error): void {
    this.#failed = true;
    this.callback(error);
  }

  /** Comes after a refusal, too. */
  handleReadyForQuery(): void {
    if (!this.#failed) this.callback(null);
  }

  handleCommandComplete(): void {
    // The number of rows: all of them.
  }
}

/** What pg's connection offers beyond its types. */
interface CopyConnection {
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
}

/**
 * Rejects with the server's error or pg's own; then nothing was copied, unless the connection was lost on the way. Throws a
 * RangeError with the class and code of PostgreSQL's for a number that its column cannot hold.
 */
export async function copyRows(client: pg.ClientBase, target: CopyTarget, rows: readonly CopyRow[], timeoutMs: number): Promise<void> {
  const bytes = encodeRows(target, rows);
  await new Promise<void>((resolve, reject) => {
    client.query(new CopyStatement(target, bytes, { timeoutMs, settle: (error) => (error === null ? resolve() : reject(error)) }));
  });
}
