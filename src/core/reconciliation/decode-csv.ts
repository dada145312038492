import { invalidRequest } from '../errors/gateway-error.js';

const MAX_COLUMNS = 200;

/**
 * CSV as spreadsheets and providers write it (RFC 4180; a byte order mark and bare line feeds are taken too) → rows of cells.
 * Throws 400 `report` for a quote that is never closed, and beyond `maxRows`.
 */
export function decodeCsv(text: string, maxRows: number): string[][] {
  const rows: string[][] = [];
  const reader = new CsvReader(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text);
  for (let row = reader.row(); row !== null; row = reader.row()) {
    if (row.length === 1 && row[0] === '') continue;
    if (rows.length >= maxRows) throw invalidRequest('report', `report has more than ${maxRows - 1} lines; send it in parts.`);
    if (row.length > MAX_COLUMNS) throw invalidRequest('report', `report has more than ${MAX_COLUMNS} columns in line ${rows.length + 1}.`);
    rows.push(row);
  }
  return rows;
}

class CsvReader {
  #at = 0;

  constructor(private readonly text: string) {}

  /** Null at the end. */
  row(): string[] | null {
    if (this.#at >= this.text.length) return null;
    const cells = [this.#cell()];
    while (this.text[this.#at] === ',') {
      this.#at += 1;
      cells.push(this.#cell());
    }
    if (this.text[this.#at] === '\r') this.#at += 1;
    if (this.text[this.#at] === '\n') this.#at += 1;
    return cells;
  }

  #cell(): string {
    if (this.text[this.#at] !== '"') return this.#until(/[,\r\n]/g);
    this.#at += 1;
    let cell = '';
    for (;;) {
      const end = this.text.indexOf('"', this.#at);
      if (end < 0) throw invalidRequest('report', 'report has a quote that is never closed.');
      cell += this.text.slice(this.#at, end);
      this.#at = end + 1;
      // What follows a closing quote up to the separator belongs to no cell; a doubled quote is a quote.
      if (this.text[this.#at] !== '"') return cell + this.#until(/[,\r\n]/g).trim();
      cell += '"';
      this.#at += 1;
    }
  }

  #until(stop: RegExp): string {
    stop.lastIndex = this.#at;
    const end = stop.exec(this.text)?.index ?? this.text.length;
    const cell = this.text.slice(this.#at, end);
    this.#at = end;
    return cell;
  }
}
