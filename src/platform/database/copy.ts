import type { Writable } from 'node:stream';
import type pg from 'pg';
import { CopyWriter } from './copy-writer.js';

/** Where rows are copied to, and how. Names come from the code alone: they stand in the statement as they are. */
export interface CopyTarget<Row> {
  readonly table: string;
  readonly columns: readonly string[];
  /** Gives the writer one value for each column, in their order. */
  readonly write: (writer: CopyWriter, row: Row) => void;
}

/** Rows in COPY's binary form: the server takes numbers and times as they are instead of reading digits and dates. */
function encodeRows<Row>(writer: CopyWriter, { columns, write }: CopyTarget<Row>, rows: readonly Row[]): Buffer {
  const columnCount = columns.length;
  writer.begin();
  for (const row of rows) {
    writer.beginRow(columnCount);
    write(writer, row);
  }
  return writer.end();
}

/** Writers whose bytes the server has taken. New memory for every batch costs a page fault for every other row (2026-11-30). */
const spareWriters: CopyWriter[] = [];
const MAX_SPARE_COUNT = 4;
const MAX_SPARE_BYTES = 4_194_304;

function spare(writer: CopyWriter): void {
  if (spareWriters.length < MAX_SPARE_COUNT && writer.capacityBytes <= MAX_SPARE_BYTES) spareWriters.push(writer);
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

  constructor({ table, columns }: Pick<CopyTarget<never>, 'table' | 'columns'>, bytes: Buffer, run: { timeoutMs: number; settle: Settle }) {
    this.#text = `COPY ${table} (${columns.join(', ')}) FROM STDIN (FORMAT binary)`;
    this.#bytes = bytes;
    this.query_timeout = run.timeoutMs;
    this.callback = run.settle;
  }

  submit(connection: pg.Connection): void {
    connection.query(this.#text);
  }

  handleCopyInResponse(connection: CopyConnection): void {
    // Past `sendCopyFromChunk`, which copies it into new memory.
    if (connection.stream.writable) connection.stream.write(this.#bytes);
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
  readonly stream: Writable;
  endCopyFrom(): void;
}

/**
 * Rejects with the server's error or pg's own; then nothing was copied, unless the connection was lost on the way. Throws a
 * RangeError with the class and code of PostgreSQL's for a number that its column cannot hold.
 */
export async function copyRows<Row>(client: pg.ClientBase, target: CopyTarget<Row>, rows: readonly Row[], timeoutMs: number): Promise<void> {
  const writer = spareWriters.pop() ?? new CopyWriter();
  const bytes = encodeRows(writer, target, rows);
  await new Promise<void>((resolve, reject) => {
    client.query(new CopyStatement(target, bytes, { timeoutMs, settle: (error) => (error === null ? resolve() : reject(error)) }));
  });
  // Not after an error: the bytes may still be on their way.
  spare(writer);
}
