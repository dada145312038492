import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from 'node:zlib';
import type { Transform } from 'node:stream';

/** A body that says it was compressed more often than this is an attack, not a mistake (F57). */
const MAX_LAYERS = 5;

export interface InflateSink {
  onData(chunk: Uint8Array): void;
  onEnd(): void;
  onError(message: string): void;
  /** The decompressor has enough for now: stop and resume the socket. */
  onFull(): void;
  onDrained(): void;
}

const DECODERS: Readonly<Record<string, () => Transform>> = {
  gzip: () => createGunzip(),
  'x-gzip': () => createGunzip(),
  deflate: () => createInflate(),
  br: () => createBrotliDecompress(),
  zstd: () => createZstdDecompress(),
};

/** The codings of a `content-encoding` header, outermost last; `identity` is left out. */
export function contentCodings(header: string): string[] {
  const words = header.split(',').map((word) => word.trim().toLowerCase());
  return words.filter((word) => word !== '' && word !== 'identity');
}

/**
 * Undoes content codings although we ask for `identity`: some servers compress regardless. What comes *out* is counted,
 * because 194 kB may inflate to 200 MB (CVE-2026-22036).
 */
export class Inflater {
  readonly #first: Transform;
  readonly #last: Transform;
  readonly #stages: Transform[];
  #outBytes = 0;
  #done = false;

  private constructor(
    stages: Transform[],
    private readonly maxBytes: number,
    private readonly sink: InflateSink,
  ) {
    this.#stages = stages;
    this.#first = stages[0] as Transform;
    this.#last = stages[stages.length - 1] as Transform;
    this.#connect();
  }

  /** A string says why the codings cannot be undone. */
  static create(codings: readonly string[], maxBytes: number, sink: InflateSink): Inflater | string {
    if (codings.length > MAX_LAYERS) return `content-encoding has ${codings.length} layers`;
    const stages: Transform[] = [];
    for (const coding of codings.toReversed()) {
      const make = DECODERS[coding];
      if (make === undefined) return `content-encoding "${coding.slice(0, 40)}" is unknown`;
      stages.push(make());
    }
    return new Inflater(stages, maxBytes, sink);
  }

  write(chunk: Uint8Array): void {
    if (this.#done) return;
    if (!this.#first.write(chunk)) {
      this.sink.onFull();
      this.#first.once('drain', () => this.sink.onDrained());
    }
  }

  end(): void {
    if (!this.#done) this.#first.end();
  }

  pause(): void {
    this.#last.pause();
  }

  resume(): void {
    this.#last.resume();
  }

  destroy(): void {
    this.#done = true;
    for (const stage of this.#stages) stage.destroy();
  }

  #connect(): void {
    this.#stages.forEach((stage, index) => {
      stage.on('error', (error: Error) => this.#fail(`the body cannot be decompressed: ${error.message}`));
      const next = this.#stages[index + 1];
      if (next !== undefined) stage.pipe(next);
    });
    this.#last.on('data', (chunk: Buffer) => this.#take(chunk));
    this.#last.on('end', () => {
      if (this.#done) return;
      this.#done = true;
      this.sink.onEnd();
    });
  }

  #take(chunk: Buffer): void {
    if (this.#done) return;
    this.#outBytes += chunk.length;
    if (this.#outBytes > this.maxBytes) this.#fail('too large');
    else this.sink.onData(chunk);
  }

  #fail(message: string): void {
    if (this.#done) return;
    this.destroy();
    this.sink.onError(message);
  }
}
