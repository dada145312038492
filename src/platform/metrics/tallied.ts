import type { Provider } from '@nestjs/common';
import { getToken } from '@willsoto/nestjs-prometheus';
import { register, type Counter, type Histogram } from 'prom-client';

type Labels = Readonly<Record<string, string>>;

interface Options {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
}

interface HistogramOptions extends Options {
  /** Upper bounds, ascending. */
  readonly buckets: readonly number[];
}

interface Sample {
  readonly metricName?: string;
  readonly labels: Record<string, string | number>;
  readonly value: number;
}

/** One label set of a counter: whoever counts often keeps it and adds to it, a number in memory. */
export class CounterSeries {
  value = 0;

  constructor(readonly labels: Labels) {}
}

/** One label set of a histogram. */
export class HistogramSeries {
  sum = 0;
  /** By bucket, not cumulative; the last one is `+Inf`. */
  readonly counts: Float64Array;

  constructor(
    readonly labels: Labels,
    private readonly buckets: readonly number[],
  ) {
    this.counts = new Float64Array(buckets.length + 1);
  }

  observe(value: number): void {
    const { buckets, counts } = this;
    let at = 0;
    while (at < buckets.length && value > (buckets[at] as number)) at += 1;
    counts[at] = (counts[at] as number) + 1;
    this.sum += value;
  }
}

/**
 * Metrics of the hot path. prom-client's children build a string of their labels and look it up at every call (0.3–2 µs each, a
 * dozen a request); here a series is found once and counted in place, and prom-client's registry reads it when it is scraped.
 */
abstract class Tallied<Series extends { readonly labels: Labels }> {
  readonly name: string;
  readonly help: string;
  protected readonly all: Series[] = [];
  readonly #known = new Map<string, Series>();
  readonly #labelNames: readonly string[];

  constructor({ name, help, labelNames }: Options) {
    this.name = name;
    this.help = help;
    this.#labelNames = labelNames;
  }

  /** The same object for the same labels. All labels must be given; their number must be bounded by the caller. */
  series(labels: Labels): Series {
    const key = this.#labelNames.map((name) => labels[name]).join('\u0000');
    let series = this.#known.get(key);
    if (series === undefined) {
      series = this.create(labels);
      this.#known.set(key, series);
      this.all.push(series);
    }
    return series;
  }

  protected abstract create(labels: Labels): Series;
}

export class TalliedCounter extends Tallied<CounterSeries> {
  readonly type = 'counter';

  /** What prom-client's registry asks of a metric. */
  get(): { name: string; help: string; type: string; values: Sample[]; aggregator: string } {
    const values = this.all.map(({ labels, value }) => ({ labels, value }));
    return { name: this.name, help: this.help, type: this.type, values, aggregator: 'sum' };
  }

  protected override create(labels: Labels): CounterSeries {
    return new CounterSeries(labels);
  }
}

export class TalliedHistogram extends Tallied<HistogramSeries> {
  readonly type = 'histogram';
  readonly #buckets: readonly number[];

  constructor(options: HistogramOptions) {
    super(options);
    this.#buckets = options.buckets;
  }

  /** What prom-client's registry asks of a metric. */
  get(): { name: string; help: string; type: string; values: Sample[]; aggregator: string } {
    return { name: this.name, help: this.help, type: this.type, values: this.all.flatMap((series) => this.#samples(series)), aggregator: 'sum' };
  }

  protected override create(labels: Labels): HistogramSeries {
    return new HistogramSeries(labels, this.#buckets);
  }

  #samples({ labels, counts, sum }: HistogramSeries): Sample[] {
    let total = 0;
    const samples: Sample[] = [];
    for (const [at, count] of counts.entries()) {
      total += count;
      samples.push({ metricName: `${this.name}_bucket`, labels: { le: this.#buckets[at] ?? '+Inf', ...labels }, value: total });
    }
    samples.push({ metricName: `${this.name}_sum`, labels, value: sum }, { metricName: `${this.name}_count`, labels, value: total });
    return samples;
  }
}

/** Like makeCounterProvider of @willsoto/nestjs-prometheus; injected by `@InjectMetric` as a TalliedCounter. */
export function makeTalliedCounterProvider(options: Options): Provider {
  return { provide: getToken(options.name), useFactory: () => registered(new TalliedCounter(options)) };
}

export function makeTalliedHistogramProvider(options: HistogramOptions): Provider {
  return { provide: getToken(options.name), useFactory: () => registered(new TalliedHistogram(options)) };
}

/** One per name and process, as prom-client has it. */
function registered<Metric extends TalliedCounter | TalliedHistogram>(metric: Metric): Metric {
  const known = register.getSingleMetric(metric.name) as unknown as Metric | undefined;
  if (known !== undefined) return known;
  // The registry asks for no more than `name`, `type` and `get`.
  register.registerMetric(metric as unknown as Counter | Histogram);
  return metric;
}
