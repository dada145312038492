import { literalOf, type Literal } from '../../core/json/index.js';
import type { CopyWriter } from './copy-writer.js';

type Text = string | null | undefined;

interface Known {
  readonly texts: readonly Text[];
  readonly encoded: Literal;
}

const MAX_KNOWN_COUNT = 1_000;
const MAX_BYTES = 512;

/** Texts that stand side by side in rows and are mostly the same ones: encoded once, found by the first of them. */
export class RepeatedTexts {
  readonly #known = new Map<Text, Known>();

  /** @param storable what is stored of a text; the same for the same text */
  constructor(private readonly storable: (text: string) => string = (text) => text) {}

  write(writer: CopyWriter, texts: readonly Text[]): void {
    const known = this.#known.get(texts[0]);
    if (known !== undefined && areSame(known.texts, texts)) writer.literal(known.encoded);
    else this.#writeAnew(writer, texts);
  }

  #writeAnew(writer: CopyWriter, texts: readonly Text[]): void {
    const start = writer.length;
    for (const text of texts) writer.text(typeof text === 'string' ? this.storable(text) : text);
    const bytes = writer.bytesFrom(start);
    if (bytes.length > MAX_BYTES) return;
    if (this.#known.size >= MAX_KNOWN_COUNT) this.#known.clear();
    this.#known.set(texts[0], { texts, encoded: literalOf(bytes) });
  }
}

function areSame(known: readonly Text[], texts: readonly Text[]): boolean {
  for (let place = 0; place < texts.length; place += 1) if (known[place] !== texts[place]) return false;
  return known.length === texts.length;
}
