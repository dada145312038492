import { closeSync, fdatasync, fdatasyncSync, ftruncateSync, mkdirSync, openSync, readdirSync, rmdirSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { EngineRecord, ForwardedRecord, JournalRecord, RequestFold } from '../../core/ledger/index.js';
import type { Price } from '../../core/pricing/index.js';
import type { TurnPlace } from '../../platform/turn/index.js';
import type { BillingSettings } from '../billing-settings.js';
import { encodeRecord } from './journal-codec.js';
import { JournalLines } from './journal-lines.js';

/** The journal cannot take a record: its disk is full or gone. */
export class JournalUnavailableError extends Error {
  override name = 'JournalUnavailableError';
}

interface Segment {
  path: string;
  fd: number;
  bytes: number;
  /** Ended requests whose record stands here and that the database has not taken yet. */
  unposted: number;
  prices: Set<string>;
}

export interface JournalOwner {
  /** When the records of a turn are written. */
  readonly turnEnd: TurnPlace;
  /** Requests that have not ended: a new segment begins with them. */
  openFolds(): Iterable<RequestFold>;
  /** Records are lost: what those who wait for them are told. */
  lost(error: Error): Error;
}

/** New requests are refused before the journal is full, so that those that run can still write their end. */
const ADMISSION_SHARE = 0.9;
/** What a record mostly takes, for the size of a segment before its records are encoded. */
const USUAL_RECORD_BYTES = 384;
/** After a failed write the next admission is refused at once instead of trying the disk each time. */
const FAILURE_PAUSE_MS = 1_000;

/**
 * An engine's own append-only files, one directory per engine, so that a successor takes it by one rename. The records of one
 * turn of the event loop are encoded and handed to the operating system together, at its end, and synced within a second: together
 * each takes a third of the time that it takes between other work (1.1 µs instead of 3.0, 2026-11-30). Whoever lets a
 * consequence be seen outside waits for `written` first: so a killed process loses nothing that anybody has seen.
 *
 * It does not grow for ever: a new segment begins with the requests still open, so an older one can go as soon as the ends
 * it holds are posted.
 */
export class Journal {
  readonly #directory: string;
  readonly #settings: BillingSettings;
  readonly #owner: JournalOwner;
  readonly #segments: Segment[] = [];
  #header: EngineRecord;
  #number = 0;
  #failedAtMs = Number.NEGATIVE_INFINITY;
  #dirty = false;
  /** Records of this turn, for the current segment. They do not change any more. */
  #pending: JournalRecord[] = [];
  readonly #lines = new JournalLines();
  #written: Written | null = null;
  #timer: NodeJS.Timeout | null = null;

  constructor(directory: string, header: EngineRecord, settings: BillingSettings, owner: JournalOwner) {
    this.#directory = directory;
    this.#header = header;
    this.#settings = settings;
    this.#owner = owner;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    this.#begin();
    this.#timer = setInterval(() => this.#sync(), settings.fsyncMs);
    this.#timer.unref();
  }

  get directory(): string {
    return this.#directory;
  }

  get sizeBytes(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.bytes, 0);
  }

  /** Whether there is room for new requests. */
  acceptsAdmissions(): boolean {
    const failedLately = this.#failedAtMs !== Number.NEGATIVE_INFINITY && performance.now() - this.#failedAtMs <= FAILURE_PAUSE_MS;
    return !failedLately && this.sizeBytes < this.#settings.journalMaxBytes * ADMISSION_SHARE;
  }

  /** Returns what `posted` wants when an `ended` record has been taken by the database. Throws when no segment can take it. */
  append(record: JournalRecord): Segment {
    if (this.#current.bytes + this.#pending.length * USUAL_RECORD_BYTES >= this.#settings.segmentBytes) this.#rotate();
    const segment = this.#current;
    if (this.#pending.push(record) === 1) this.#owner.turnEnd(() => this.#flush());
    if (record.type === 'ended') segment.unposted += 1;
    return segment;
  }

  /**
   * Resolves when the operating system has every record appended so far; undefined when it has them already. Rejects with
   * what the owner says of it when it could not take those of this turn. One promise for all who wait in the same turn.
   */
  written(): Promise<void> | undefined {
    if (this.#pending.length === 0) return undefined;
    this.#written ??= newWritten();
    return this.#written.promise;
  }

  /** Stands before the first record of a segment that names the price, so that a successor can store it. */
  notePrice(price: Price): void {
    if (this.#current.prices.has(price.id)) return;
    this.append({ type: 'price', price });
    this.#current.prices.add(price.id);
  }

  posted(segment: Segment): void {
    segment.unposted -= 1;
    this.#drop();
  }

  /** The engine has a new identity: what follows belongs to it. */
  renameEngine(engineId: number): void {
    this.#header = { ...this.#header, engineId };
    this.#rotate();
  }

  /** Closes the files; with `remove` (all is posted) they go, and the directory unless a taken journal is still in it. */
  close(remove: boolean): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    this.#flush();
    for (const { fd, path } of this.#segments.splice(0)) {
      if (!remove) fdatasyncSync(fd);
      closeSync(fd);
      if (remove) rmSync(path, { force: true });
    }
    if (remove && readdirSync(this.#directory).length === 0) rmdirSync(this.#directory);
  }

  get #current(): Segment {
    const segment = this.#segments.at(-1);
    if (segment === undefined) throw new JournalUnavailableError('the journal is closed');
    return segment;
  }

  #begin(): void {
    this.#number += 1;
    const path = join(this.#directory, `${String(this.#number).padStart(8, '0')}.journal`);
    const segment: Segment = { path, fd: openSync(path, 'ax', 0o600), bytes: 0, unposted: 0, prices: new Set() };
    this.#segments.push(segment);
    this.#write(segment, Buffer.from(encodeRecord(this.#header)));
  }

  /** At the end of the turn. What cannot be written is lost to the journal; those who wait for it are told. */
  #flush(): void {
    const records = this.#pending;
    if (records.length === 0) return;
    const written = this.#written;
    this.#pending = [];
    this.#written = null;
    try {
      const failure = this.#encode(records);
      this.#write(this.#current, this.#lines.bytes, this.#lines.byteCount);
      if (failure !== null) throw failure;
      written?.resolve();
    } catch (error) {
      // The prices among the lost records must stand before the next one that names them.
      this.#segments.at(-1)?.prices.clear();
      written?.reject(this.#owner.lost(error as Error));
    }
  }

  /** Into lines. A record that cannot be one does not keep the others from being written: the first failure. */
  #encode(records: readonly JournalRecord[]): Error | null {
    let failure: Error | null = null;
    this.#lines.clear();
    for (let place = 0; place < records.length; place += 1) {
      const record = records[place] as JournalRecord;
      const attempt = attemptOf(record, records[place + 1]);
      if (attempt !== null) place += 1;
      try {
        this.#lines.append(record, attempt);
      } catch (error) {
        failure ??= error as Error;
      }
    }
    return failure;
  }

  #rotate(): void {
    this.#flush();
    const before = this.#current;
    try {
      this.#begin();
      const carried = [...this.#owner.openFolds()].flatMap(recordsOf).map(encodeRecord).join('');
      if (carried !== '') this.#write(this.#current, Buffer.from(carried));
      fdatasyncSync(before.fd);
    } catch (error) {
      // A segment that could not take over is no successor: the old one goes on, longer than wished.
      const failed = this.#segments.at(-1);
      if (failed !== undefined && failed !== before) {
        this.#segments.pop();
        closeSync(failed.fd);
        rmSync(failed.path, { force: true });
      }
      if (!(error instanceof JournalUnavailableError)) throw new JournalUnavailableError((error as Error).message, { cause: error });
    }
    this.#drop();
  }

  /** A short or failed write is taken back, so that the next record begins on its own line. */
  #write(segment: Segment, bytes: Uint8Array, byteCount = bytes.length): void {
    try {
      const written = writeSync(segment.fd, bytes, 0, byteCount);
      if (written !== byteCount) throw new Error(`${written} of ${byteCount} bytes were written`);
      segment.bytes += written;
      this.#dirty = true;
    } catch (error) {
      this.#failedAtMs = performance.now();
      ftruncateSync(segment.fd, segment.bytes);
      throw new JournalUnavailableError(`the journal cannot be written: ${(error as Error).message}`, { cause: error });
    }
  }

  #drop(): void {
    while (this.#segments.length > 1 && this.#segments[0]?.unposted === 0) {
      const done = this.#segments.shift();
      if (done === undefined) return;
      closeSync(done.fd);
      rmSync(done.path, { force: true });
    }
  }

  #sync(): void {
    if (!this.#dirty) return;
    this.#dirty = false;
    fdatasync(this.#current.fd, (error) => {
      if (error !== null && error.code !== 'EBADF') this.#failedAtMs = performance.now();
    });
  }
}

export type { Segment };

interface Written {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

function newWritten(): Written {
  let resolve: () => void = () => undefined;
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<void>((resolved, rejected) => {
    resolve = resolved;
    reject = rejected;
  });
  // Nobody may be left who waits.
  promise.catch(() => undefined);
  return { promise, resolve, reject };
}

/** The attempt of a request, where it comes right after its admission. */
function attemptOf(record: JournalRecord, next: JournalRecord | undefined): ForwardedRecord | null {
  return record.type === 'admitted' && next?.type === 'forwarded' && next.requestId === record.requestId ? next : null;
}

function recordsOf(fold: RequestFold): JournalRecord[] {
  return [fold.admitted, fold.forwarded, fold.checkpoint].filter((record) => record !== null);
}
