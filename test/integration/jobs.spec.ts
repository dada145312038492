import 'reflect-metadata';
import { Module, type DynamicModule } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { register } from 'prom-client';
import { Clock, SystemClock } from '../../src/platform/clock/index.js';
import { databaseSettings, migrate } from '../../src/platform/database/index.js';
import { ProcessGroup, SoleProcess } from '../../src/platform/cluster/index.js';
import { Metrics } from '../../src/platform/metrics/index.js';
import { Jobs, JobWorker, migrateQueueSchema, postgresQueueBackend, QueueModule, redisQueueBackend, type QueueBackend } from '../../src/platform/queue/index.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { describeWithRedis, startRedis, type TestRedis } from '../support/redis.js';

jest.setTimeout(60_000);

@Module({})
class Ports {
  static forRoot(): DynamicModule {
    const providers = [{ provide: Clock, useClass: SystemClock }, { provide: ProcessGroup, useClass: SoleProcess }, Metrics];
    return { module: Ports, global: true, providers, exports: providers };
  }
}

async function bootWorker(backend: QueueBackend): Promise<TestingModule> {
  register.clear();
  const module = await Test.createTestingModule({ imports: [Ports.forRoot(), QueueModule.forRoot(backend, true)] }).compile();
  return module.init();
}

async function until(condition: () => boolean, deadlineMs = 20_000): Promise<void> {
  const deadline = Date.now() + deadlineMs;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('waited in vain');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** What must hold whatever the queue stands on. */
function behavesLikeJobs(open: () => { backend: QueueBackend; disturb: () => Promise<void> }): void {
  it('runs what recurs, again after a failure, and removes the schedule of what is gone', async () => {
    const { backend } = open();
    const first = await bootWorker(backend);
    let runs = 0;
    first.get(Jobs).register({
      name: 'sweep',
      everyMs: 200,
      run: async () => {
        runs += 1;
        if (runs === 1) throw new Error('once');
      },
    });
    first.get(Jobs).register({ name: 'obsolete', everyMs: 60_000, run: async () => undefined });
    await first.get(JobWorker).start();
    await until(() => runs >= 4);
    const text = await first.get(Metrics).text();
    expect(text).toMatch(/^og_job_runs_total\{job_name="sweep",status="failed"\} 1$/m);
    expect(text).toMatch(/^og_job_runs_total\{job_name="sweep",status="ok"\} [3-9]/m);
    expect(text).toMatch(/^og_job_interval_seconds\{job_name="sweep"\} 0.2$/m);
    expect(text).toMatch(/^og_queue_depth\{queue="jobs",state="delayed"\} \d+$/m);
    await first.close();
    await backend.close();
  });

  it('keeps one run at a time, and goes on after the store went away for a moment', async () => {
    const { backend, disturb } = open();
    const module = await bootWorker(backend);
    let running = 0;
    let most = 0;
    let runs = 0;
    module.get(Jobs).register({
      name: 'slow',
      everyMs: 100,
      run: async () => {
        running += 1;
        most = Math.max(most, running);
        await new Promise((resolve) => setTimeout(resolve, 250));
        running -= 1;
        runs += 1;
      },
    });
    await module.get(JobWorker).start();
    await until(() => runs >= 2);
    await disturb();
    const before = runs;
    await until(() => runs >= before + 2, 40_000);
    expect(most).toBe(1);
    await module.close();
    await backend.close();
  });
}

describe('jobs on PostgreSQL', () => {
  let fixture: TestDatabase;
  beforeAll(async () => {
    fixture = await createTestDatabase({ migrated: false });
    await migrate(databaseSettings(fixture.url), [], [migrateQueueSchema]);
  });
  afterAll(() => fixture.drop());

  behavesLikeJobs(() => ({
    backend: postgresQueueBackend(databaseSettings(fixture.url), () => undefined),
    disturb: async () => {
      await fixture.database.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name <> ''",
      );
    },
  }));
});

describeWithRedis('jobs on Redis', () => {
  let redis: TestRedis;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.stop());

  behavesLikeJobs(() => ({
    backend: redisQueueBackend(redis.url, () => undefined),
    disturb: async () => {
      const port = Number(new URL(redis.url).port);
      await redis.kill();
      redis = await startRedis(port);
      await new Promise((resolve) => setTimeout(resolve, 200));
    },
  }));
});
