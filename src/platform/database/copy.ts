import type pg from 'pg';

/** Where rows are copied to. Names come from the code alone: they stand in the statement as they are. */
export interface CopyTarget {
  readonly table: string;
  readonly columns: readonly string[];
}

export type CopyValue = string | number | bigint | boolean | null | undefined;

/** What COPY's text form reads as something else, and what text cannot hold (U+0000). */
// oxlint-disable-next-line no-control-regex -- U+0000 is what is looked for
const SPECIAL = /[\\\t\n\r\u0000]/;
const ALL_SPECIAL = new RegExp(SPECIAL.source, 'g');
const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r', '\u0000': '\ufffd' };

/**
 * One row of COPY's text form, ended by its line feed. Null and undefined are NULL; a character that text cannot hold becomes
 * U+FFFD (a lone surrogate when the line is encoded).
 * https://www.postgresql.org/docs/18/sql-copy.html#id-1.9.3.55.9.2 (2026-11-30)
 */
export function copyLine(values: readonly CopyValue[]): string {
  let line = '';
  for (const value of values) line += `${copyField(value)}\t`;
  return `${line.slice(0, -1)}\n`;
}

function copyField(value: CopyValue): string {
  if (value === null || value === undefined) return '\\N';
  return typeof value === 'string' ? escapeText(value) : String(value);
}

function escapeText(text: string): string {
  return SPECIAL.test(text) ? text.replace(ALL_SPECIAL, (character) => ESCAPES[character] ?? character) : text;
}

/** An array of texts as the value of one column. */
export function copyArray(texts: readonly string[]): string {
  return texts.length === 0 ? '{}' : `{${texts.map((text) => `"${text.replace(/[\\"]/g, '\\$&')}"`).join(',')}}`;
}

type Settle = (error: Error | null) => void;

/** COPY FROM STDIN as pg runs a statement of one's own (`Submittable`): all rows in one message, then the end. */
class CopyStatement {
  callback: Settle;
  /** By this name pg sets the client's own deadline. */
  readonly query_timeout: number;
  #failure: Error | null = null;
  readonly #text: string;
  readonly #rows: string;

  constructor({ table, columns }: CopyTarget, rows: string, run: { timeoutMs: number; settle: Settle }) {
    this.#text = `COPY ${table} (${columns.join(', ')}) FROM STDIN`;
    this.#rows = rows;
    this.query_timeout = run.timeoutMs;
    this.callback = run.settle;
  }

  submit(connection: pg.Connection): void {
    connection.query(this.#text);
  }

  handleCopyInResponse(connection: CopyConnection): void {
    connection.sendCopyFromChunk(Buffer.from(this.#rows));
    connection.endCopyFrom();
  }

  /** A refused statement is over with the ReadyForQuery after it; a lost connection sends none. */
  handleError(error: Error): void {
    this.#failure = error;
    this.callback(error);
  }

  handleReadyForQuery(): void {
    if (this.#failure === null) this.callback(null);
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

/** Rejects with the server's error or pg's own; then nothing was copied, unless the connection was lost on the way. */
export function copyRows(client: pg.ClientBase, target: CopyTarget, rows: string, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    client.query(new CopyStatement(target, rows, { timeoutMs, settle: (error) => (error === null ? resolve() : reject(error)) }));
  });
}
