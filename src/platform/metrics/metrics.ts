import { Injectable } from '@nestjs/common';
import { AggregatorRegistry, register, type Registry } from 'prom-client';
import { ProcessGroup } from '../cluster/index.js';

/** Sets gauges right before they are read. */
export type BeforeScrape = () => void | Promise<void>;

const METRICS_TOPIC = 'metrics';
/** A process that is busier than this is left out of one scrape rather than holding it up. */
const OTHERS_DEADLINE_MS = 2_000;

/**
 * What `/metrics` answers. Modules declare their metrics with makeCounterProvider and the like of
 * @willsoto/nestjs-prometheus; gauges of something that can be asked are set in `beforeScrape`. Several processes of one
 * machine answer as one: counters and histograms add up, gauges by their `aggregator` (the sum, if they name none).
 */
@Injectable()
export class Metrics {
  readonly #before: BeforeScrape[] = [];
  readonly #group: ProcessGroup;

  constructor(group: ProcessGroup) {
    this.#group = group;
    group.answer(METRICS_TOPIC, () => this.#read());
  }

  get registry(): Registry {
    return register;
  }

  beforeScrape(work: BeforeScrape): void {
    this.#before.push(work);
  }

  /** In Prometheus' text format. A gauge that cannot be set keeps its last value; the rest is still answered. */
  async text(): Promise<string> {
    if (this.#group.size === 1) {
      await this.#refresh();
      return register.metrics();
    }
    const [own, others] = await Promise.all([this.#read(), this.#group.askOthers(METRICS_TOPIC, null, OTHERS_DEADLINE_MS)]);
    return AggregatorRegistry.aggregate([own, ...(others as object[])]).metrics();
  }

  get contentType(): string {
    return register.contentType;
  }

  async #read(): Promise<object> {
    await this.#refresh();
    return register.getMetricsAsJSON();
  }

  async #refresh(): Promise<void> {
    await Promise.allSettled(this.#before.map(async (work) => work()));
  }
}
