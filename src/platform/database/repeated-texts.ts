import { literalOf, type Literal } from '../../core/json/index.js';

type Text = string | null | undefined;

interface Known {
  readonly texts: readonly Text[];
  readonly encoded: Literal;
}

const MAX_KNOWN_COUNT = 1_000;
const MAX_BYTES = 512;

/** What `CopyWriter.repeated` made of texts that stand side by side in rows and are mostly the same ones; found by the first of them. */
export class RepeatedTexts {
  readonly #known = new Map<Text, Known>();

  /** @param storable what is stored of a text; the same for the same text */
  constructor(readonly storable: (text: string) => string = (text) => text) {}

  find(texts: readonly Text[]): Literal | null {
    const known = this.#known.get(texts[0]);
    return known !== undefined && areSame(known.texts, texts) ? known.encoded : null;
  }

  /** Many bytes are not kept. */
  remember(texts: readonly Text[], encoded: Uint8Array): void {
    if (encoded.length > MAX_BYTES) return;
    if (this.#known.size >= MAX_KNOWN_COUNT) this.#known.clear();
    this.#known.set(texts[0], { texts, encoded: literalOf(encoded) });
  }
}

function areSame(known: readonly Text[], texts: readonly Text[]): boolean {
  for (let place = 0; place < texts.length; place += 1) if (known[place] !== texts[place]) return false;
  return known.length === texts.length;
}
