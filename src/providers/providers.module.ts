import { Global, Logger, Module, type DynamicModule, type OnApplicationShutdown, type OnModuleInit, type Provider } from '@nestjs/common';
import { SnapshotSource } from '../core/catalog/model.js';
import { InProcessTransport, UpstreamTransport } from '../core/upstream/upstream.js';
import { Boot, BOOT_ORDER } from '../platform/boot/index.js';
import { Clock } from '../platform/clock/index.js';
import { CHANGED_TOPIC, ProcessGroup } from '../platform/cluster/index.js';
import { Config } from '../platform/config/index.js';
import { Database } from '../platform/database/index.js';
import { Secrets } from '../platform/secrets/index.js';
import { Catalogue, loadCatalogue } from './catalog/index.js';
import {
  buildSnapshot,
  ConfigurationFollower,
  ConfigurationMetrics,
  configurationMetricProviders,
  ConfigurationService,
  effectiveProviders,
  SnapshotStore,
} from './configuration/index.js';
import { UPSTREAM_PROTOCOLS } from './protocols.js';
import { ProviderAdapter } from './provider-adapter.js';
import { RouteDrafts } from './routes/index.js';
import { UpstreamClient } from './upstream-client.js';

/** Others learn of a change within 5 s even when no notification reaches them. */
const FOLLOW_POLL_MS = 2_000;

const logger = new Logger('Providers');

const adapter: Provider = {
  provide: ProviderAdapter,
  inject: [UpstreamTransport, Clock, { token: InProcessTransport, optional: true }],
  useFactory: (transport: UpstreamTransport, clock: Clock, inProcess?: InProcessTransport) =>
    new ProviderAdapter({
      protocols: UPSTREAM_PROTOCOLS,
      transport,
      inProcess: inProcess ?? null,
      nowMs: () => clock.nowMs(),
      defect: (error) => logger.error({ err: error }, 'an answer could not be handled'),
    }),
};

const transports: Provider[] = [
  {
    provide: UpstreamClient,
    inject: [Config],
    useFactory: ({ environment }: Config) =>
      new UpstreamClient({
        httpsProxy: environment['HTTPS_PROXY'] ?? environment['https_proxy'],
        noProxy: environment['NO_PROXY'] ?? environment['no_proxy'],
      }),
  },
  { provide: UpstreamTransport, useExisting: UpstreamClient },
];

/** Before the database has been read there is a snapshot already: what the environment gives. */
const snapshots: Provider[] = [
  {
    provide: SnapshotStore,
    inject: [Config, Catalogue],
    useFactory: ({ environment }: Config, catalogue: Catalogue) =>
      new SnapshotStore(buildSnapshot({ providers: effectiveProviders([], environment) }, catalogue, { version: 0, hash: 'start', atMs: Date.now() })),
  },
  { provide: SnapshotSource, useExisting: SnapshotStore },
];

type ConfigurationInputs = [Database, Secrets, Catalogue, SnapshotStore, Config, ConfigurationMetrics];

type FollowerInputs = [ConfigurationService, Database, ConfigurationMetrics, Config, ProcessGroup];

const configuration: Provider[] = [
  ConfigurationMetrics,
  ...configurationMetricProviders,
  {
    provide: ConfigurationService,
    inject: [Database, Secrets, Catalogue, SnapshotStore, Config, ConfigurationMetrics],
    useFactory: (...[database, secrets, catalogue, store, { environment }, observer]: ConfigurationInputs) =>
      new ConfigurationService({ database, secrets, catalogue, store, environment, observer }),
  },
  {
    provide: RouteDrafts,
    inject: [Database, ConfigurationService, SnapshotSource],
    useFactory: (database: Database, service: ConfigurationService, source: SnapshotSource) => new RouteDrafts({ database, configuration: service, snapshots: source }),
  },
  {
    provide: ConfigurationFollower,
    inject: [ConfigurationService, Database, ConfigurationMetrics, Config, ProcessGroup],
    useFactory: (...[service, database, observer, { configFile: file }, group]: FollowerInputs) => {
      group.answer(CHANGED_TOPIC, () => service.follow());
      return new ConfigurationFollower({ service, database, observer, file, pollMs: FOLLOW_POLL_MS });
    },
  },
];

/** Global: everything that serves, plans or administers needs the snapshot. */
@Global()
@Module({
  providers: [{ provide: Catalogue, useFactory: () => loadCatalogue() }, ...transports, ...snapshots, ...configuration, adapter],
  exports: [SnapshotSource, ProviderAdapter, ConfigurationService, RouteDrafts, Catalogue],
})
export class ProvidersModule implements OnModuleInit, OnApplicationShutdown {
  constructor(
    private readonly boot: Boot,
    private readonly follower: ConfigurationFollower,
    private readonly client: UpstreamClient,
  ) {}

  /** `imports`: the module that exports InProcessTransport, for definitions whose upstream lives in this process. */
  static register(options: { imports: NonNullable<DynamicModule['imports']> }): DynamicModule {
    return { module: ProvidersModule, imports: options.imports };
  }

  onModuleInit(): void {
    this.boot.register({ name: 'configuration', order: BOOT_ORDER.configuration, run: () => this.follower.begin() });
  }

  async onApplicationShutdown(): Promise<void> {
    await this.follower.stop();
    await this.client.close();
  }
}
