export { BoundedLabel, OTHER_LABEL, UNKNOWN_LABEL } from './bounded-label.js';
export { MetricsController } from './metrics.controller.js';
export { makeTalliedCounterProvider, makeTalliedHistogramProvider, TalliedCounter, TalliedHistogram, type CounterSeries, type HistogramSeries } from './tallied.js';
export { Metrics, type BeforeScrape } from './metrics.js';
export { ProbeListener } from './probe-listener.js';
