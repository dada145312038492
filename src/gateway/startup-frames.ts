import type { StreamItem } from '../core/chat/event.js';

const MAX_ITEMS = 64;
const MAX_CHARS = 256 * 1024;

/**
 * What a provider sends before the first content (roles, pings, `response.created`), kept back so that an error inside an HTTP 200
 * can still be answered by somebody else. Bounded: a provider that sends more is committed to.
 */
export class StartupFrames {
  private frames: { item: StreamItem; native: boolean }[] = [];
  private chars = 0;

  /** False when there is no more room. */
  keep(item: StreamItem, native: boolean): boolean {
    this.chars += item.rawText?.length ?? 0;
    if (this.frames.length >= MAX_ITEMS || this.chars > MAX_CHARS) return false;
    this.frames.push({ item, native });
    return true;
  }

  /** In the order in which they came; nothing is left. */
  take(): readonly { item: StreamItem; native: boolean }[] {
    const { frames } = this;
    this.frames = [];
    return frames;
  }
}
