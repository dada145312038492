const OPEN = '<think>';
const CLOSE = '</think>';

/**
 * Splits text that begins with `<think>…</think>` into reasoning and answer, for models whose server does not (dialect word
 * `think_tags`). Only a tag that opens the answer counts: later ones are the author's own words. Deltas may cut a tag anywhere.
 */
export class ThinkTags {
  private state: 'before' | 'thinking' | 'after' = 'before';
  private held = '';

  constructor(
    private readonly onReasoning: (text: string) => void,
    private readonly onText: (text: string) => void,
  ) {}

  push(text: string): void {
    if (this.state === 'after') return this.onText(text);
    this.held += text;
    if (this.state === 'before') this.open();
    if (this.state === 'thinking') this.close();
  }

  /** What was held back as the possible beginning of a tag. */
  end(): void {
    const { held } = this;
    this.held = '';
    if (held === '') return;
    if (this.state === 'thinking') this.onReasoning(held);
    else this.onText(held);
  }

  private open(): void {
    const start = this.held.trimStart();
    if (start.startsWith(OPEN)) {
      this.state = 'thinking';
      this.held = start.slice(OPEN.length);
    } else if (!OPEN.startsWith(start)) {
      this.state = 'after';
      const { held } = this;
      this.held = '';
      this.onText(held);
    }
  }

  private close(): void {
    const end = this.held.indexOf(CLOSE);
    if (end !== -1) {
      const rest = this.held.slice(end + CLOSE.length).trimStart();
      if (end > 0) this.onReasoning(this.held.slice(0, end));
      this.state = 'after';
      this.held = '';
      if (rest !== '') this.onText(rest);
      return;
    }
    const keep = overlap(this.held);
    const ready = this.held.slice(0, this.held.length - keep);
    this.held = this.held.slice(this.held.length - keep);
    if (ready !== '') this.onReasoning(ready);
  }
}

/** So many characters at the end could be the beginning of the closing tag. */
function overlap(text: string): number {
  for (let size = Math.min(CLOSE.length - 1, text.length); size > 0; size -= 1) {
    if (text.endsWith(CLOSE.slice(0, size))) return size;
  }
  return 0;
}
