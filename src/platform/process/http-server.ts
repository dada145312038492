import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { EventEmitter } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:net';
import type { Config } from '../config/index.js';
import type { Drain } from '../health/index.js';
import { LeanServer, type LeanService } from '../inbound/index.js';
import { answerFrameworkFault, answerParserFault } from './http-faults.js';
import { StartError } from './start-error.js';

/** A client that sends its headers one by one would hold a connection for ever with Fastify's defaults (none). */
const HEADERS_TIMEOUT_MS = 15_000;
/** The whole request; the reader of the body has a shorter deadline of its own that answers in our envelope. */
const REQUEST_TIMEOUT_MS = 120_000;
/** Longer than any call may be silent: a non-streaming answer may take 30 minutes. */
const SILENCE_TIMEOUT_MS = 35 * 60_000;
/** Longer than the idle timeout of common load balancers (60 s), so that they close first and never send into a closing socket. */
const KEEP_ALIVE_TIMEOUT_MS = 75_000;
const MAX_HEADER_BYTES = 32_768;

export function createHttpAdapter(config: Config): FastifyAdapter {
  return new FastifyAdapter({
    logger: false,
    trustProxy: config.trustedProxies.length === 0 ? false : [...config.trustedProxies],
    bodyLimit: config.bodyLimitBytes,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionTimeout: SILENCE_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    onProtoPoisoning: 'error',
    onConstructorPoisoning: 'error',
    forceCloseConnections: 'idle',
    clientErrorHandler: answerParserFault,
    frameworkErrors: answerFrameworkFault,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 512 },
    http: { headersTimeout: HEADERS_TIMEOUT_MS, maxHeaderSize: MAX_HEADER_BYTES, noDelay: true },
  });
}

interface HttpServer {
  prependListener(event: 'request', heard: (request: IncomingMessage, response: ServerResponse) => void): unknown;
}

/** Counts every request until its connection is done with it, however it is answered, and closes connections while draining. */
export function trackRequests(server: HttpServer, drain: Drain): void {
  const leave = (): void => drain.leave();
  server.prependListener('request', (_request, response) => {
    drain.enter();
    response.on('close', leave);
    if (drain.begun.aborted) response.setHeader('connection', 'close');
  });
}

type RequestListener = (request: IncomingMessage, response: ServerResponse) => void;

/** Lets `take` have each request first; what it declines (false) goes to those who listened before. To be called before `trackRequests`. */
export function serveFirst(server: EventEmitter, take: (request: IncomingMessage, response: ServerResponse) => boolean): void {
  const others = server.listeners('request') as RequestListener[];
  server.removeAllListeners('request');
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    if (!take(request, response)) for (const listener of others) listener.call(server, request, response);
  });
}

/** Lets `service` read the plainest requests to its paths off their connections, before node's server sees these. */
export function serveLean(server: Server, service: LeanService, drain: Drain): void {
  new LeanServer(server, service, drain, { keepAliveMs: KEEP_ALIVE_TIMEOUT_MS, silenceMs: SILENCE_TIMEOUT_MS });
}

/** Before anything is started or written: a taken port is one clear line. */
export function assertPortFree(name: string, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => reject(listenError(name, host, port, error)));
    probe.listen(port, host, () => probe.close(() => resolve()));
  });
}

export function listenError(name: string, host: string, port: number, error: NodeJS.ErrnoException): StartError {
  const reasons: Record<string, string> = {
    EADDRINUSE: `port ${port} on ${host} is in use; choose another with ${name}=…`,
    EACCES: `port ${port} needs rights that this user does not have; choose one above 1023 with ${name}=…`,
    EADDRNOTAVAIL: `${host} is no address of this machine`,
  };
  return new StartError(`${name}: ${reasons[error.code ?? ''] ?? `cannot listen on ${host}:${port} (${error.message})`}`, { cause: error });
}
