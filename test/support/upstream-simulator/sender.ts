import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import type { Plan, Step } from './plan.js';
import type { RecordedRequest } from './recorded-request.js';
import type { Death, Place, Scenario } from './scenario.js';

/** Odd sizes; which of them comes first depends on the seed. */
const ODD_SIZES = [1, 7, 3, 113, 2, 41, 1_021, 5, 19, 257, 4_093, 11];
/** So that the reset overtakes no byte that was written before it. */
const BEFORE_DEATH_MS = 15;

/** Writes one plan to one connection, and does to it what the scenario says. Ends when the answer is out, broken off, or the caller has gone. */
export class Sender {
  private readonly gone = new AbortController();
  private readonly socket: Socket;
  private cuts: number;

  constructor(
    private readonly response: ServerResponse,
    private readonly scenario: Scenario,
    private readonly record: RecordedRequest,
    private readonly released: () => Promise<void>,
  ) {
    this.socket = response.socket as Socket;
    this.socket.setNoDelay(true);
    this.cuts = [...record.call.model].reduce((sum, letter) => sum + letter.charCodeAt(0), 0);
    response.once('close', () => this.gone.abort());
  }

  async send(plan: Plan): Promise<void> {
    try {
      await this.pause(this.scenario.headersAfterMs ?? 0);
      if (this.scenario.hold === true) await this.held();
      if (this.scenario.content.kind === 'raw') return this.sendRaw(plan);
      this.head(plan);
      if (this.scenario.holdBody === true) await this.held();
      await this.body(plan.steps);
    } catch (error) {
      if (!this.gone.signal.aborted) throw error;
      if (this.record.open) this.record.abortedAtMs = performance.now();
    }
  }

  private sendRaw(plan: Plan): void {
    for (const step of plan.steps) this.socket.write(step.bytes);
    this.record.diedAtMs = performance.now();
    this.socket.end();
  }

  private head(plan: Plan): void {
    const { framing } = this.scenario;
    const { response } = this;
    if (framing === 'eof') {
      response.shouldKeepAlive = false;
      response.useChunkedEncodingByDefault = false;
    }
    if (framing === 'length')
      response.setHeader(
        'content-length',
        [...plan.steps].reduce((sum, step) => sum + step.bytes.length, 0),
      );
    if (typeof framing === 'object') response.setHeader('content-length', framing.length);
    response.writeHead(plan.status, plan.headers);
    response.flushHeaders();
    this.record.headSentAtMs = performance.now();
  }

  private async body(steps: Iterable<Step>): Promise<void> {
    if (await this.reached()) return;
    for (const step of steps) {
      await this.pause(step.waitMs);
      if (await this.write(step)) return;
      if (step.content) this.record.sentPieces += 1;
      if (await this.reached()) return;
    }
    await this.finish();
  }

  /** True when the answer was broken off inside this step. */
  private async write(step: Step): Promise<boolean> {
    for (const chunk of this.cut(step.bytes)) {
      const room = this.room();
      const kept = room < chunk.length ? chunk.subarray(0, room) : chunk;
      if (kept.length > 0) await this.put(kept);
      if (step.content && this.record.firstContentAtMs === undefined) this.record.firstContentAtMs = performance.now();
      if (room <= chunk.length && (await this.reached())) return true;
    }
    return false;
  }

  /** Bytes until the next place where something happens. */
  private room(): number {
    const places = [this.scenario.die?.atByte, this.scenario.stall?.atByte].filter((place) => place !== undefined);
    return Math.min(...places, Number.MAX_SAFE_INTEGER) - this.record.sentBytes;
  }

  private async put(bytes: Uint8Array): Promise<void> {
    const more = this.response.write(bytes);
    this.record.sentBytes += bytes.length;
    if (!more) await this.drained();
    else if (this.scenario.cut !== undefined || this.record.sentBytes % 64 === 0) await turn(undefined, { signal: this.gone.signal });
  }

  private drained(): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = (): void => reject(new Error('The caller has gone.'));
      this.gone.signal.addEventListener('abort', leave, { once: true });
      this.response.once('drain', () => {
        this.gone.signal.removeEventListener('abort', leave);
        resolve();
      });
    });
  }

  private *cut(bytes: Uint8Array): Iterable<Uint8Array> {
    if (this.scenario.cut === undefined || this.scenario.cut === 'frames') return yield bytes;
    for (let at = 0; at < bytes.length;) {
      const size = this.scenario.cut === 'bytes' ? 1 : (ODD_SIZES[this.cuts++ % ODD_SIZES.length] as number);
      yield bytes.subarray(at, at + size);
      at += size;
    }
  }

  /** Stalls or dies when its place is reached; true when nothing may follow. */
  private async reached(): Promise<boolean> {
    if (this.at(this.scenario.stall)) await this.pause(2 ** 31 - 1);
    const { die } = this.scenario;
    if (die === undefined || !this.at(die)) return false;
    await this.dies(die);
    return true;
  }

  private at(place: Place | undefined): boolean {
    if (place === undefined) return false;
    if (place.atByte !== undefined) return this.record.sentBytes >= place.atByte;
    return this.record.sentPieces >= (place.afterPieces ?? 0);
  }

  private async dies(die: Death): Promise<void> {
    if (die.midChunk === true) this.socket.write('ffff\r\ndata: {"half');
    await this.pause(BEFORE_DEATH_MS);
    this.record.diedAtMs = performance.now();
    if (die.how === 'rst') this.socket.resetAndDestroy();
    else this.socket.end();
  }

  private async finish(): Promise<void> {
    this.record.finishedAtMs = performance.now();
    await new Promise<void>((resolve) => this.response.end(resolve));
    if (typeof this.scenario.framing === 'object' || this.scenario.thenClose === 'fin') this.socket.end();
    if (this.scenario.thenClose === 'rst') this.socket.resetAndDestroy();
  }

  private async held(): Promise<void> {
    this.record.held = true;
    const gone = new Promise<never>((_, reject) => this.gone.signal.addEventListener('abort', () => reject(new Error('The caller has gone.')), { once: true }));
    await Promise.race([this.released(), gone]);
    this.record.held = false;
  }

  private async pause(ms: number): Promise<void> {
    if (this.gone.signal.aborted) throw new Error('The caller has gone.');
    if (ms > 0) await sleep(ms, undefined, { signal: this.gone.signal });
  }
}
