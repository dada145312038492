import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance } from 'fastify';
import cluster from 'node:cluster';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { migrations } from '../migrations/index.js';
import { AppModule, configureServer } from './app.module.js';
import { GatewayError } from './core/errors/gateway-error.js';
import { WorkerEndedError } from './platform/cluster/index.js';
import { ConfigError, loadConfig, type Config } from './platform/config/index.js';
import { armFailpoint } from './platform/failpoint/index.js';
import { Drain, Readiness } from './platform/health/index.js';
import { BUILD } from './platform/index.js';
import { createLogger, PinoLogger } from './platform/logging/index.js';
import { Metrics, ProbeListener } from './platform/metrics/index.js';
import * as host from './platform/process/index.js';
import { JobWorker } from './platform/queue/index.js';
import { assertPortsFree, sayReady, startPrimary } from './primary.js';

/** After the patience for running requests: time to end streams in-band and to settle them. */
const DRAIN_GRACE_MS = 5_000;
/** How long connections on which nothing runs may take to close by themselves. */
const LINGER_MS = 1_000;
/** Flushing and closing may not hang a stop. */
const CLOSE_DEADLINE_MS = 20_000;
/** Connections that wait to be accepted: Linux's own bound (`net.core.somaxconn`). With node's 511 a burst of 5,000 lost some to resets (2026-11-30). */
const ACCEPT_BACKLOG = 4_096;
/** Asked by load balancers and scrapers also while the process drains. */
const PROBE_PATHS = new Set(['/healthz', '/readyz', '/metrics']);

interface RunningGateway {
  stop(): Promise<void>;
}

/** Boots the roles named in the configuration and resolves when requests are served. */
async function start(config: Config, logger: Logger): Promise<RunningGateway> {
  host.restoreFastStrings();
  host.makeGlobalsPlain();
  // A worker shares its siblings' port; the primary has looked already.
  if (!cluster.isWorker) await assertPortsFree(config);
  const platform = await host.openPlatform(config, migrations, logger);
  try {
    const app = await createApplication(config, platform, logger);
    await platform.boot.run();
    if (config.runs('worker')) await app.get(JobWorker).start();
    return await serve(app, platform);
  } catch (error) {
    await platform.close();
    throw error;
  }
}

async function createApplication(config: Config, platform: host.OpenedPlatform, logger: Logger): Promise<NestFastifyApplication> {
  const adapter = host.createHttpAdapter(config);
  const instance = adapter.getInstance() as unknown as FastifyInstance;
  const app = await NestFactory.create<NestFastifyApplication>(AppModule.forRoot(platform), adapter, {
    bodyParser: false,
    abortOnError: false,
    forceCloseConnections: false,
    logger: new PinoLogger(logger),
  });
  const drain = app.get(Drain);
  configureServer(app);
  host.trackRequests(instance.server, drain);
  instance.addHook('onRequest', async (request) => {
    if (drain.begun.aborted && !PROBE_PATHS.has(request.url.split('?')[0] ?? '')) {
      throw new GatewayError('server_shutdown', 'This server is shutting down; send the request again.', { retryAfterMs: 1_000 });
    }
  });
  await app.init();
  return app;
}

async function serve(app: NestFastifyApplication, platform: host.OpenedPlatform): Promise<RunningGateway> {
  const { config } = platform;
  const probes = config.metricsPort === null ? null : new ProbeListener(app.get(Metrics), app.get(Readiness));
  await probes?.listen(config.host, config.metricsPort ?? 0);
  await app.listen({ port: config.port, host: config.host, backlog: ACCEPT_BACKLOG }).catch((error: NodeJS.ErrnoException) => {
    throw host.listenError('PORT', config.host, config.port, error);
  });
  const { port } = app.getHttpServer().address() as AddressInfo;
  app.get(Readiness).started();
  const url = host.shownUrl(config.host, port);
  const banner = announce(url, platform);
  if (cluster.isWorker) platform.processes.tellPrimary('ready', { banner, url });
  else sayReady({ banner, url });
  const stop = async (): Promise<void> => {
    app.get(Readiness).drain();
    await app.get(Drain).run(config.drainTimeoutMs, DRAIN_GRACE_MS);
    // Every answer is out. A connection whose client read no further may still count as busy, and would hold up the stop.
    const late = setTimeout(() => (app.getHttpServer() as Server).closeAllConnections(), LINGER_MS);
    await within(CLOSE_DEADLINE_MS, app.close());
    clearTimeout(late);
    await probes?.close();
    await platform.close();
  };
  return { stop };
}

/** Leaves what `og` and the examples look for, and returns what a person is shown. */
function announce(url: string, { config, operatorToken, boot }: host.OpenedPlatform): string {
  const demoKey = boot.demoKey;
  const shown = config.publicUrl ?? url;
  host.writeBootstrapFile(config.dataDirectory, {
    base_url: url,
    admin_token: operatorToken.value,
    demo_key: demoKey,
    console_url: `${shown}/console`,
  });
  const database = config.databaseUrl === null ? `embedded PostgreSQL in ${config.dataDirectory}` : 'PostgreSQL';
  const counters = config.redisUrl === null ? 'counters in process' : 'Redis';
  const storage = `${database}, ${counters}${config.workerCount > 1 ? `, ${config.workerCount} processes` : ''}`;
  const bootstrapPath = join(config.dataDirectory, 'bootstrap.json');
  return host.renderBanner({ version: BUILD.version, baseUrl: url, demoKey, bootstrapPath, storage });
}

async function within(deadlineMs: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, deadlineMs);
  });
  await Promise.race([work, late]);
  clearTimeout(timer);
}

/** One clear line for a person; anything unexpected with its stack. */
function explain(error: unknown): string {
  // A worker has said already why it could not start.
  const expected = error instanceof ConfigError || error instanceof host.StartError || error instanceof WorkerEndedError;
  const text = expected ? error.message : ((error as Error).stack ?? String(error));
  return text
    .split('\n')
    .map((line) => (expected ? `OpenGateway cannot start: ${line}` : line))
    .join('\n');
}

/** A signal during the start ends it at once; the embedded database goes with its parent. */
function stopOnSignals(running: () => RunningGateway | null, logger: Logger): void {
  let stopping = false;
  const stop = (exitCode: number): void => {
    const gateway = running();
    if (gateway === null) process.exit(exitCode);
    if (stopping) return;
    stopping = true;
    gateway.stop().then(
      () => process.exit(exitCode),
      (error: unknown) => {
        logger.fatal({ context: 'Stop', err: error }, 'the stop failed');
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', () => stop(0));
  process.on('SIGINT', () => stop(0));
  // The primary is gone, and with it the port and the counters.
  if (cluster.isWorker) process.on('disconnect', () => stop(1));
  process.on('uncaughtException', (error) => {
    logger.fatal({ context: 'Process', err: error }, 'uncaught exception');
    stop(1);
  });
  // One request's bug must not end the others: logged, and counted as the bug it is.
  process.on('unhandledRejection', (error) => logger.error({ context: 'Process', err: error }, 'unhandled rejection'));
}

async function main(): Promise<void> {
  try {
    const config = loadConfig(process.env);
    const fault = armFailpoint(process.env);
    if (fault !== null) throw new ConfigError(fault);
    const logger = createLogger({ level: config.logLevel, zone: config.zone });
    host.yieldToEventLoop();
    let running: RunningGateway | null = null;
    stopOnSignals(() => running, logger);
    running = config.workerCount > 1 && cluster.isPrimary ? await startPrimary(config, logger) : await start(config, logger);
  } catch (error) {
    process.stderr.write(`${explain(error)}\n`);
    process.exit(1);
  }
}

await main();
