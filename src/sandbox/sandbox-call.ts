import type { Deadlines, TransportFailure, UpstreamCall, UpstreamHandler } from '../core/upstream/upstream.js';
import type { TimedFrame } from './render-script.js';
import type { SandboxTimer } from './timer.js';

const nothingToCancel = (): void => undefined;

/** What is sent, and how it ends. */
export interface Performance {
  status: number;
  headers: Record<string, string>;
  frames: TimedFrame[];
  ending: 'whole' | 'cut' | 'stall';
}

/** Frames given to the handler before the event loop turns, so that one long answer does not hold up the others. */
const FRAMES_PER_TURN = 64;

/**
 * One call: hands the frames over at their times, as a socket would. Back-pressure and abort are respected, and since no
 * transport watches over this one, it keeps the first-byte and idle deadlines itself.
 */
export class SandboxUpstreamCall implements UpstreamCall {
  private next = 0;
  private headersSent = false;
  private paused = false;
  private waiting = false;
  private ended = false;
  private cancel = nothingToCancel;

  constructor(
    private readonly performance: Performance,
    private readonly handler: UpstreamHandler,
    private readonly timer: SandboxTimer,
    private readonly deadlines: Deadlines,
  ) {}

  start(): void {
    this.cancel = this.timer.after(0, () => {
      this.handler.onSent?.();
      this.turn();
    });
  }

  abort(): void {
    this.fail({ kind: 'aborted', message: 'given up', sent: true });
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    if (!this.waiting && !this.ended) this.schedule(0, () => this.turn());
  }

  private turn(): void {
    for (let sent = 0; sent < FRAMES_PER_TURN; sent += 1) {
      if (this.ended || this.paused) return;
      const frame = this.performance.frames[this.next];
      if (frame === undefined) return this.close();
      if (frame.delayMs > 0) return this.schedule(frame.delayMs, () => this.resumeAt(frame));
      this.send(frame);
    }
    this.schedule(0, () => this.turn());
  }

  /** A frame's time has come; a paused reader gets it when it reads on. */
  private resumeAt(frame: TimedFrame): void {
    frame.delayMs = 0;
    this.turn();
  }

  private send(frame: TimedFrame): void {
    this.sendHeaders();
    this.next += 1;
    if (!this.ended) this.handler.onData(Buffer.from(frame.text, 'utf8'));
  }

  private sendHeaders(): void {
    if (this.headersSent) return;
    this.headersSent = true;
    this.handler.onHeaders(this.performance);
  }

  private close(): void {
    const { ending } = this.performance;
    if (ending === 'cut') return this.fail({ kind: 'reset', message: 'the sandbox cut the connection', sent: true });
    if (ending === 'stall') return this.stall();
    this.sendHeaders();
    if (this.ended) return;
    this.ended = true;
    this.handler.onEnd();
  }

  private stall(): void {
    const deadline = this.headersSent ? 'idle' : 'first_byte';
    const waitMs = this.headersSent ? this.deadlines.idleMs : this.deadlines.firstByteMs;
    this.schedule(waitMs, () => this.fail({ kind: 'timeout', deadline, message: 'the sandbox stalls', sent: true }));
  }

  private schedule(delayMs: number, work: () => void): void {
    this.waiting = true;
    this.cancel = this.timer.after(delayMs, () => {
      this.waiting = false;
      work();
    });
  }

  private fail(failure: TransportFailure): void {
    if (this.ended) return;
    this.ended = true;
    this.cancel();
    this.handler.onFailure(failure);
  }
}
