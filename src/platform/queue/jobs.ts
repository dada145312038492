import { getQueueToken } from '@nestjs/bullmq';
import { Inject, Injectable } from '@nestjs/common';
import type { Queue } from 'bullmq';

export const JOB_QUEUE = 'jobs';
/** Kept for a look at what happened; BullMQ keeps everything unless told. */
const KEEP = { removeOnComplete: { count: 20 }, removeOnFail: { count: 100 } };
/** A known scheduler whose owner is gone is removed; there are never this many. */
const SCHEDULER_LIMIT = 1_000;

export interface JobContext {
  /** Fires when the process stops: end soon, the next run goes on. */
  readonly signal: AbortSignal;
  /** @param ratio from 0 to 1, for `og_job_progress_ratio` */
  progress(ratio: number): void;
}

/**
 * Work that recurs: any one worker process runs it, at most one at a time, and a missed run is not made up for. The durable
 * truth is in the job's own tables; a run that fails or is lost must be done by the next.
 */
export interface RecurringJob {
  readonly name: string;
  readonly everyMs: number;
  run(context: JobContext): Promise<void>;
}

/** Modules register their recurring jobs in `onModuleInit`. An injectable class. */
@Injectable()
export class Jobs {
  readonly #queue: Queue;
  readonly #jobs = new Map<string, RecurringJob>();

  constructor(@Inject(getQueueToken(JOB_QUEUE)) queue: Queue) {
    this.#queue = queue;
    // The backend tells of lost connections; unheard here, they would end the process.
    queue.on('error', () => undefined);
  }

  register(job: RecurringJob): void {
    if (this.#jobs.has(job.name)) throw new Error(`two jobs are called ${job.name}`);
    this.#jobs.set(job.name, job);
  }

  find(name: string): RecurringJob | null {
    return this.#jobs.get(name) ?? null;
  }

  list(): readonly RecurringJob[] {
    return [...this.#jobs.values()];
  }

  /** Asks for one run soon, besides the schedule. */
  async runSoon(name: string): Promise<void> {
    await this.#queue.add(name, {}, KEEP);
  }

  /** Makes the stored schedule equal to what is registered; what is there already stays as it is. */
  async schedule(): Promise<void> {
    const stored = new Map<string, number | undefined>();
    for (const { key, every } of await this.#queue.getJobSchedulers(0, SCHEDULER_LIMIT)) stored.set(key, every);
    for (const key of stored.keys()) {
      if (!this.#jobs.has(key)) await this.#queue.removeJobScheduler(key);
    }
    for (const { name, everyMs } of this.#jobs.values()) {
      if (Number(stored.get(name)) !== everyMs) await this.#queue.upsertJobScheduler(name, { every: everyMs }, { name, opts: KEEP });
    }
  }

  /** Waiting, delayed, active and failed runs. */
  counts(): Promise<Record<string, number>> {
    return this.#queue.getJobCounts('waiting', 'delayed', 'active', 'failed');
  }
}
