import type { ReplyTap } from '../client-reply.js';

/** Larger answers are not kept (spec ledger.md section 3). */
export const MAX_ANSWER_BYTES = 1_000_000;
/** All answers being recorded in this process together; beyond it an answer counts as too large. */
const MAX_RECORDING_BYTES = 128 * 1024 * 1024;

/** Memory shared by all recordings. */
export class RecordingBudget {
  private usedBytes = 0;

  constructor(private readonly limitBytes = MAX_RECORDING_BYTES) {}

  take(bytes: number): boolean {
    if (this.usedBytes + bytes > this.limitBytes) return false;
    this.usedBytes += bytes;
    return true;
  }

  give(bytes: number): void {
    this.usedBytes -= bytes;
  }
}

/** What names who served and how to read the body; ids, limits and times belong to the one call they were sent with. */
const KEPT_HEADER = /^(content-type|cache-control|x-accel-buffering|x-should-retry|x-og-.+)$/;

/** Keeps what is handed to one client, up to a size, and is told before the last bytes leave. */
export class AnswerRecorder implements ReplyTap {
  status = 0;
  headers: Record<string, string> = {};
  private pieces: Buffer[] = [];
  private keptBytes = 0;
  private tooLarge = false;

  constructor(
    private readonly budget: RecordingBudget,
    private readonly onEnd: (recorder: AnswerRecorder) => Promise<void>,
  ) {}

  head(status: number, headers: Readonly<Record<string, string>>): void {
    this.status = status;
    this.headers = Object.fromEntries(Object.entries(headers).filter(([name]) => KEPT_HEADER.test(name)));
  }

  piece(bytes: Buffer): void {
    if (this.tooLarge || bytes.length === 0) return;
    if (this.keptBytes + bytes.length > MAX_ANSWER_BYTES || !this.budget.take(bytes.length)) return this.drop();
    this.keptBytes += bytes.length;
    this.pieces.push(bytes);
  }

  ended(): Promise<void> {
    return this.onEnd(this);
  }

  /** Null when it was too large to keep. */
  answer(): Buffer | null {
    return this.tooLarge ? null : Buffer.concat(this.pieces, this.keptBytes);
  }

  /** Gives its memory back; nothing is recorded any more. */
  drop(): void {
    this.tooLarge = true;
    this.budget.give(this.keptBytes);
    this.keptBytes = 0;
    this.pieces = [];
  }
}
