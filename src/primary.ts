import cluster from 'node:cluster';
import type { Logger } from 'pino';
import { migrations } from '../migrations/index.js';
import { limitServices, openLimitStore } from './auth/index.js';
import { SystemClock } from './platform/clock/index.js';
import { PrimaryProcess } from './platform/cluster/index.js';
import type { Config } from './platform/config/index.js';
import * as host from './platform/process/index.js';

/** What a process that serves says of itself when it is ready. */
export interface ReadyGateway {
  readonly banner: string;
  readonly url: string;
}

/**
 * `WEB_CONCURRENCY` above 1: this process starts the embedded database and the workers, counts limits for all of them, and
 * serves nothing itself. Each worker is an engine of its own to the ledger; credit stays exact by its leases.
 */
export async function startPrimary(config: Config, logger: Logger): Promise<{ stop(): Promise<void> }> {
  await assertPortsFree(config);
  host.prepareDataDirectory(config.dataDirectory);
  const { embedded } = await host.openDatabase(config, migrations, logger);
  const limits = config.redisUrl === null ? openLimitStore(config, new SystemClock()) : null;
  const primary = new PrimaryProcess({
    cluster,
    logger,
    workers: config.workerCount,
    environmentOf: (place) => (place === 0 ? {} : rolesBesides(config)),
    services: limits === null ? {} : limitServices(limits, config.workerCount),
  });
  const stop = async (): Promise<void> => {
    await primary.stop();
    limits?.close();
    await embedded?.stop();
  };
  try {
    sayReady((await primary.start()) as ReadyGateway);
    return { stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Before anything is started or written: a taken port is one clear line. */
export async function assertPortsFree(config: Config): Promise<void> {
  await host.assertPortFree('PORT', config.host, config.port);
  if (config.metricsPort !== null) await host.assertPortFree('OG_METRICS_PORT', config.host, config.metricsPort);
}

/** For a person, then the line that scripts wait for. */
export function sayReady({ banner, url }: ReadyGateway): void {
  process.stdout.write(`${banner}\n`);
  process.stdout.write(`OpenGateway is ready at ${url}\n`);
}

/** Recurring jobs need one process; the others serve. */
function rolesBesides({ roles }: Config): Record<string, string> {
  const serving = roles.filter((role) => role !== 'worker');
  return serving.length === 0 ? {} : { ROLES: serving.join(',') };
}
