import { Injectable, type OnModuleInit } from '@nestjs/common';
import { InjectMetric, makeGaugeProvider } from '@willsoto/nestjs-prometheus';
import { Gauge } from 'prom-client';
import { Config } from '../platform/config/index.js';
import { Metrics } from '../platform/metrics/index.js';
import { HealthStore, type DeploymentHealthReport } from './health.store.js';

export const routingMetricProviders = [
  makeGaugeProvider({
    name: 'og_provider_up',
    aggregator: 'min',
    help: '1 closed, 0.5 half-open or limited, 0 open or refused: the best credential of a provider for a model',
    labelNames: ['zone', 'provider', 'model'],
  }),
  makeGaugeProvider({
    name: 'og_circuit_state',
    aggregator: 'max',
    help: '0 closed, 1 half-open, 2 open: the best credential of a provider for a model',
    labelNames: ['zone', 'provider', 'model'],
  }),
  makeGaugeProvider({ name: 'og_credential_up', aggregator: 'min', help: '0 when the provider refuses the credential', labelNames: ['zone', 'provider', 'credential'] }),
  makeGaugeProvider({ name: 'og_route_healthy_candidates', aggregator: 'min', help: 'Deployments of a model that may be asked now', labelNames: ['zone', 'model'] }),
];

const CIRCUIT = { closed: 0, 'half-open': 1, open: 2 } as const;

/** Health as gauges, set right before a scrape. Labels are bounded by the configuration. */
@Injectable()
export class RoutingMetrics implements OnModuleInit {
  @InjectMetric('og_provider_up')
  private readonly providerUp!: Gauge<'zone' | 'provider' | 'model'>;

  @InjectMetric('og_circuit_state')
  private readonly circuitState!: Gauge<'zone' | 'provider' | 'model'>;

  @InjectMetric('og_credential_up')
  private readonly credentialUp!: Gauge<'zone' | 'provider' | 'credential'>;

  @InjectMetric('og_route_healthy_candidates')
  private readonly healthyCandidates!: Gauge<'zone' | 'model'>;

  constructor(
    private readonly health: HealthStore,
    private readonly metrics: Metrics,
    private readonly config: Config,
  ) {}

  onModuleInit(): void {
    this.metrics.beforeScrape(() => this.set(this.health.list()));
  }

  private set(reports: readonly DeploymentHealthReport[]): void {
    const { zone } = this.config;
    for (const gauge of [this.providerUp, this.circuitState, this.credentialUp, this.healthyCandidates]) gauge.reset();
    const up = new Map<string, number>();
    const healthy = new Map<string, number>();
    for (const report of reports) {
      const { provider, model, credential } = report;
      const key = `${provider}\u0000${model}`;
      const value = upOf(report);
      if (value >= (up.get(key) ?? 0)) {
        up.set(key, value);
        this.providerUp.set({ zone, provider, model }, value);
        this.circuitState.set({ zone, provider, model }, CIRCUIT[report.circuit]);
      }
      this.credentialUp.set({ zone, provider, credential }, isRefused(report.credentialState) ? 0 : 1);
      healthy.set(model, (healthy.get(model) ?? 0) + (value > 0 ? 1 : 0));
    }
    for (const [model, count] of healthy) this.healthyCandidates.set({ zone, model }, count);
  }
}

const isRefused = (state: DeploymentHealthReport['credentialState']): boolean => state === 'rejected' || state === 'exhausted';

function upOf({ circuit, credentialState }: DeploymentHealthReport): number {
  if (circuit === 'open' || isRefused(credentialState)) return 0;
  return circuit === 'half-open' || credentialState === 'rate-limited' ? 0.5 : 1;
}
