import { Injectable } from '@nestjs/common';
import { InjectMetric, makeCounterProvider, makeGaugeProvider } from '@willsoto/nestjs-prometheus';
import { Counter, Gauge } from 'prom-client';

export const jobMetricProviders = [
  makeCounterProvider({ name: 'og_job_runs_total', help: 'Runs of recurring jobs', labelNames: ['job_name', 'status'] }),
  makeGaugeProvider({ name: 'og_job_last_success_timestamp_seconds', aggregator: 'max', help: 'When a job last succeeded', labelNames: ['job_name'] }),
  makeGaugeProvider({ name: 'og_job_interval_seconds', aggregator: 'max', help: 'How often a job should run', labelNames: ['job_name'] }),
  makeGaugeProvider({ name: 'og_job_last_duration_seconds', aggregator: 'max', help: 'How long its last run took', labelNames: ['job_name'] }),
  makeGaugeProvider({ name: 'og_job_progress_ratio', aggregator: 'max', help: 'How far the present run is', labelNames: ['job_name'] }),
  makeGaugeProvider({ name: 'og_queue_depth', aggregator: 'max', help: 'Jobs in the queue by state', labelNames: ['queue', 'state'] }),
];

@Injectable()
export class JobMetrics {
  @InjectMetric('og_job_runs_total')
  private readonly runs!: Counter<'job_name' | 'status'>;

  @InjectMetric('og_job_last_success_timestamp_seconds')
  private readonly lastSuccess!: Gauge<'job_name'>;

  @InjectMetric('og_job_interval_seconds')
  private readonly interval!: Gauge<'job_name'>;

  @InjectMetric('og_job_last_duration_seconds')
  private readonly lastDuration!: Gauge<'job_name'>;

  @InjectMetric('og_job_progress_ratio')
  private readonly progressRatio!: Gauge<'job_name'>;

  @InjectMetric('og_queue_depth')
  private readonly queueDepth!: Gauge<'queue' | 'state'>;


  /** Counters start at 0, or a ratio over a job that never ran shows "no data". */
  known(jobName: string, everyMs: number): void {
    this.interval.set({ job_name: jobName }, everyMs / 1_000);
    for (const status of ['ok', 'failed']) this.runs.inc({ job_name: jobName, status }, 0);
  }

  progress(jobName: string, ratio: number): void {
    this.progressRatio.set({ job_name: jobName }, ratio);
  }

  ended(jobName: string, ok: boolean, durationMs: number): void {
    this.runs.inc({ job_name: jobName, status: ok ? 'ok' : 'failed' });
    this.lastDuration.set({ job_name: jobName }, durationMs / 1_000);
    this.progressRatio.set({ job_name: jobName }, ok ? 1 : 0);
    if (ok) this.lastSuccess.setToCurrentTime({ job_name: jobName });
  }

  depth(queue: string, counts: Readonly<Record<string, number>>): void {
    for (const [state, count] of Object.entries(counts)) this.queueDepth.set({ queue, state }, count);
  }
}
