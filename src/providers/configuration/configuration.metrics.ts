import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { InjectMetric, makeCounterProvider, makeGaugeProvider } from '@willsoto/nestjs-prometheus';
import { Counter, Gauge } from 'prom-client';
import type { Snapshot } from '../../core/catalog/model.js';
import { Clock } from '../../platform/clock/index.js';
import { Metrics } from '../../platform/metrics/index.js';
import { Catalogue } from '../catalog/index.js';
import type { ConfigurationObserver } from './configuration.service.js';

export const configurationMetricProviders = [
  makeGaugeProvider({ name: 'og_config_info', aggregator: 'max', help: '1 for the configuration in force', labelNames: ['hash', 'version', 'source'] }),
  makeGaugeProvider({ name: 'og_config_last_reload_successful', aggregator: 'min', help: '0 when the last document could not be put in force; the one before it stays' }),
  makeGaugeProvider({ name: 'og_config_last_reload_timestamp_seconds', aggregator: 'min', help: 'When a configuration was last put in force' }),
  makeCounterProvider({ name: 'og_config_reloads_total', help: 'Attempts to put a configuration in force', labelNames: ['source', 'status'] }),
  makeGaugeProvider({ name: 'og_price_catalogue_age_seconds', aggregator: 'max', help: 'Age of the newest price in the catalogue', labelNames: ['source'] }),
];

/** What became of each configuration, as metrics and log lines. */
@Injectable()
export class ConfigurationMetrics implements OnModuleInit, ConfigurationObserver {
  private readonly logger = new Logger('Configuration');

  @InjectMetric('og_config_info')
  private readonly info!: Gauge<'hash' | 'version' | 'source'>;

  @InjectMetric('og_config_last_reload_successful')
  private readonly successful!: Gauge;

  @InjectMetric('og_config_last_reload_timestamp_seconds')
  private readonly reloadedAt!: Gauge;

  @InjectMetric('og_config_reloads_total')
  private readonly reloads!: Counter<'source' | 'status'>;

  @InjectMetric('og_price_catalogue_age_seconds')
  private readonly catalogueAge!: Gauge<'source'>;

  constructor(
    private readonly metrics: Metrics,
    private readonly clock: Clock,
    private readonly catalogue: Catalogue,
  ) {}

  onModuleInit(): void {
    this.metrics.beforeScrape(() => this.catalogueAge.set({ source: 'catalog' }, (this.clock.nowMs() - Date.parse(this.catalogue.newestDate)) / 1_000));
  }

  inForce(snapshot: Snapshot, source: string): void {
    const { hash, version } = snapshot;
    this.info.reset();
    this.info.set({ hash, version: String(version), source }, 1);
    this.successful.set(1);
    this.reloadedAt.set(this.clock.nowMs() / 1_000);
    this.reloads.inc({ source, status: 'ok' });
    this.logger.log({ hash, version, source, providers: snapshot.providers.size, models: snapshot.models.size }, 'configuration in force');
  }

  failed(source: string, error: Error): void {
    this.successful.set(0);
    this.reloads.inc({ source, status: 'failed' });
    this.logger.error({ source, err: error }, 'configuration refused; the one in force stays');
  }
}
