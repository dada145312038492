import { Drain, Readiness } from './index.js';

describe('Readiness', () => {
  it('is ready when started, not draining and every required check holds', async () => {
    const readiness = new Readiness();
    readiness.register('database', () => Promise.resolve(true));
    readiness.register('redis', () => false, false);
    expect((await readiness.report()).ready).toBe(false);
    readiness.started();
    expect(await readiness.report()).toEqual({ ready: true, draining: false, checks: { database: true, redis: false } });
    readiness.drain();
    expect((await readiness.report()).ready).toBe(false);
  });

  it('takes a check that throws or hangs as no', async () => {
    const readiness = new Readiness();
    readiness.started();
    readiness.register('throws', () => Promise.reject(new Error('down')));
    readiness.register('hangs', () => new Promise(() => undefined));
    expect(await readiness.report()).toEqual({ ready: false, draining: false, checks: { throws: false, hangs: false } });
  });
});

describe('Drain', () => {
  it('waits for what runs', async () => {
    const drain = new Drain();
    drain.enter();
    setTimeout(() => drain.leave(), 60);
    const startedMs = performance.now();
    expect(await drain.run(2_000, 0)).toBe(true);
    expect(performance.now() - startedMs).toBeGreaterThan(50);
    expect(drain.begun.aborted).toBe(true);
    expect(drain.expired.aborted).toBe(false);
  });

  it('tells what still runs to end when the patience is over', async () => {
    const drain = new Drain();
    drain.enter();
    drain.expired.addEventListener('abort', () => drain.leave());
    expect(await drain.run(50, 1_000)).toBe(true);
    drain.enter();
    expect(await drain.run(10, 10)).toBe(false);
    expect(drain.activeCount).toBe(1);
  });
});
