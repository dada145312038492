import { makeGaugeProvider } from '@willsoto/nestjs-prometheus';
import { makeTalliedCounterProvider, makeTalliedHistogramProvider } from '../platform/metrics/index.js';

const DURATION_S = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92, 163.84, 327.68, 655.36];
const TTFT_S = [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 15, 20, 30, 45, 60, 120, 300];
const OVERHEAD_S = [0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1];

export const GATEWAY_METRIC_PROVIDERS = [
  makeTalliedCounterProvider({
    name: 'og_requests_total',
    help: "Clients' requests that have ended",
    labelNames: ['zone', 'operation', 'model', 'provider', 'http_status', 'error_class', 'error_type', 'stream', 'cache'],
  }),
  makeTalliedCounterProvider({
    name: 'og_upstream_attempts_total',
    help: 'Calls to providers',
    labelNames: ['zone', 'provider', 'model', 'credential', 'outcome', 'error_type', 'attempt'],
  }),
  makeTalliedCounterProvider({
    name: 'og_fallbacks_total',
    help: 'Requests that a second deployment was asked for',
    labelNames: ['zone', 'model', 'from_provider', 'to_provider', 'reason', 'outcome'],
  }),
  makeTalliedCounterProvider({
    name: 'og_tokens_total',
    help: 'Tokens by class; the classes do not overlap',
    labelNames: ['zone', 'model', 'provider', 'token_class'],
  }),
  makeTalliedCounterProvider({
    name: 'og_cost_usd_total',
    help: 'Cost in USD, charged to customers and taken by providers; for trends, the ledger is the truth',
    labelNames: ['zone', 'model', 'provider', 'side'],
  }),
  makeTalliedCounterProvider({
    name: 'og_cache_effect_usd_total',
    help: 'What prompt caches did to charges, in USD: saved by reading, surcharge for writing',
    labelNames: ['zone', 'model', 'provider', 'side'],
  }),
  makeTalliedCounterProvider({ name: 'og_usage_estimated_total', help: 'Charges from our own estimate', labelNames: ['model', 'provider', 'reason'] }),
  makeTalliedCounterProvider({ name: 'og_upstream_drift_total', help: 'Things a provider sent that this version does not know', labelNames: ['provider', 'what'] }),
  makeTalliedCounterProvider({ name: 'og_stream_terminations_total', help: 'How streams ended', labelNames: ['zone', 'provider', 'model', 'reason'] }),
  makeGaugeProvider({ name: 'og_inflight_requests', help: 'Requests being served', labelNames: ['zone', 'operation'] }),
  makeTalliedHistogramProvider({
    name: 'gen_ai_server_request_duration_seconds',
    help: 'Whole requests as the client felt them',
    labelNames: ['zone', 'gen_ai_operation_name', 'gen_ai_provider_name', 'gen_ai_request_model', 'error_type', 'stream'],
    buckets: DURATION_S,
  }),
  makeTalliedHistogramProvider({
    name: 'gen_ai_server_time_to_first_token_seconds',
    help: 'Streams: request to first content',
    labelNames: ['zone', 'gen_ai_operation_name', 'gen_ai_provider_name', 'gen_ai_request_model'],
    buckets: TTFT_S,
  }),
  makeTalliedHistogramProvider({
    name: 'gen_ai_client_operation_duration_seconds',
    help: 'Calls to providers',
    labelNames: ['zone', 'gen_ai_operation_name', 'gen_ai_provider_name', 'gen_ai_request_model', 'error_type', 'attempt'],
    buckets: DURATION_S,
  }),
  makeTalliedHistogramProvider({ name: 'og_gateway_overhead_seconds', help: "The gateway's own work by phase", labelNames: ['zone', 'phase'], buckets: OVERHEAD_S }),
];
