import { Processor, WorkerHost } from '@nestjs/bullmq';
import { Injectable, Logger, type BeforeApplicationShutdown } from '@nestjs/common';
import type { Job } from 'bullmq';
import { Clock } from '../clock/index.js';
import { throttled } from '../logging/index.js';
import { Metrics } from '../metrics/index.js';
import { JobMetrics } from './job-metrics.js';
import { JOB_QUEUE, Jobs } from './jobs.js';

const CONCURRENCY = 4;
/** A Redis that came back empty has lost the schedule. */
const RESCHEDULE_MS = 10_000;
const COMPLAINT_PERIOD_MS = 10_000;

/** Runs the registered jobs in a process with the worker role, from `start()` until the process stops. */
@Injectable()
@Processor(JOB_QUEUE, { autorun: false, concurrency: CONCURRENCY })
export class JobWorker extends WorkerHost implements BeforeApplicationShutdown {
  readonly #logger = new Logger('Jobs');
  readonly #stop = new AbortController();
  readonly #running = new Set<string>();
  #repair: NodeJS.Timeout | undefined;

  constructor(
    private readonly jobs: Jobs,
    private readonly clock: Clock,
    private readonly metrics: JobMetrics,
    private readonly scrape: Metrics,
  ) {
    super();
  }

  /** After the schema is up and the boot tasks are done. */
  async start(): Promise<void> {
    for (const job of this.jobs.list()) this.metrics.known(job.name, job.everyMs);
    this.scrape.beforeScrape(async () => this.metrics.depth(JOB_QUEUE, await this.jobs.counts()));
    const complain = throttled(COMPLAINT_PERIOD_MS, (err, leftOutCount) => this.#logger.warn({ message: 'The job worker met an error', err, leftOutCount }));
    this.worker.on('error', (error) => {
      if (!this.#stop.signal.aborted) complain(error);
    });
    await this.jobs.schedule();
    this.#repair = setInterval(() => void this.jobs.schedule().catch(() => undefined), RESCHEDULE_MS);
    this.#repair.unref();
    void this.worker.run().catch((error: unknown) => this.#logger.error('The job worker ended', error));
  }

  beforeApplicationShutdown(): void {
    this.#stop.abort();
    clearInterval(this.#repair);
  }

  override async process(job: Job): Promise<void> {
    const found = this.jobs.find(job.name);
    // A run of another version's job, or one that outlasts its interval: the next run will do.
    if (found === null || this.#running.has(job.name)) return;
    const startedMs = this.clock.monotonicMs();
    this.#running.add(job.name);
    try {
      this.metrics.progress(job.name, 0);
      await found.run({ signal: this.#stop.signal, progress: (ratio) => this.metrics.progress(job.name, ratio) });
      this.metrics.ended(job.name, true, this.clock.monotonicMs() - startedMs);
    } catch (error) {
      this.metrics.ended(job.name, false, this.clock.monotonicMs() - startedMs);
      this.#logger.error({ message: `Job ${job.name} failed`, err: error });
      throw error;
    } finally {
      this.#running.delete(job.name);
    }
  }
}
