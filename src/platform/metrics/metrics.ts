import { register, type Registry } from 'prom-client';

/** Sets gauges right before they are read. */
export type BeforeScrape = () => void | Promise<void>;

/**
 * What `/metrics` answers. Modules declare their metrics with makeCounterProvider and the like of
 * @willsoto/nestjs-prometheus; gauges of something that can be asked are set in `beforeScrape`. An injectable class.
 */
export class Metrics {
  readonly #before: BeforeScrape[] = [];

  get registry(): Registry {
    return register;
  }

  beforeScrape(work: BeforeScrape): void {
    this.#before.push(work);
  }

  /** In Prometheus' text format. A gauge that cannot be set keeps its last value; the rest is still answered. */
  async text(): Promise<string> {
    await Promise.allSettled(this.#before.map(async (work) => work()));
    return register.metrics();
  }

  get contentType(): string {
    return register.contentType;
  }
}
