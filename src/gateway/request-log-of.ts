import { TOKEN_CLASSES, type Usage } from '../core/chat/usage.js';
import type { RequestLog } from '../core/request-log/request-log.js';
import { cacheEffectOf, NO_CACHE_EFFECT } from '../core/pricing/index.js';
import { routingRecordOf } from '../core/routing/index.js';
import type { Exchange } from './exchange.js';

export interface LogContext {
  zone: string;
  configHash: string;
}

/**
 * The log record of a request that has ended, well or not: one flat object of references, filled in place. What is made of it
 * for the database is made when it is written.
 */
export function requestLogOf(exchange: Exchange, context: LogContext): RequestLog {
  const log = emptyLog(exchange, context);
  noteQuestion(log, exchange);
  notePlan(log, exchange);
  noteEnd(log, exchange);
  noteMoney(log, exchange);
  if (storesPayload(exchange)) notePayload(log, exchange);
  return log;
}

/** All members in one order, so that every record has the same shape in memory. */
function emptyLog(exchange: Exchange, { zone, configHash }: LogContext): RequestLog {
  const { caller, options, timings } = exchange;
  return {
    requestId: exchange.requestId,
    clientRequestId: options.clientRequestId,
    organizationId: caller.organizationId,
    projectId: caller.projectId,
    keyId: caller.keyId,
    keyName: caller.keyName,
    zone,
    endpoint: exchange.endpoint,
    protocol: exchange.protocol.id,
    requestedModel: '',
    servedModel: undefined,
    provider: undefined,
    upstreamModel: undefined,
    upstreamId: undefined,
    stream: false,
    state: stateOf(exchange),
    status: statusOf(exchange),
    errorCode: undefined,
    errorMessage: undefined,
    finishReason: undefined,
    rawFinishReason: undefined,
    fallback: exchange.fallback,
    route: undefined,
    strategy: undefined,
    arm: undefined,
    routing: undefined,
    attempts: exchange.attempts,
    candidates: NOBODY,
    parameters: exchange.parameters,
    timings,
    usage: undefined,
    usageEstimated: false,
    holdNanoUsd: 0n,
    chargedNanoUsd: 0n,
    costNanoUsd: 0n,
    cacheEffect: NO_CACHE_EFFECT,
    chargeLines: NO_LINES,
    tags: options.tags,
    sessionId: options.sessionId,
    clientRetries: options.clientRetries,
    userAgent: options.userAgent,
    clientIp: options.clientIp,
    requestBody: undefined,
    responseBody: undefined,
    drift: NO_DRIFT,
    configHash,
    receivedAtMs: exchange.receivedAtMs,
    endedAtMs: exchange.receivedAtMs + Math.round(timings.totalMs),
  };
}

const NOBODY: RequestLog['candidates'] = [];
const NO_LINES: RequestLog['chargeLines'] = [];
const NO_DRIFT: RequestLog['drift'] = [];

function noteQuestion(log: RequestLog, { request, needs, options, plan }: Exchange): void {
  if (request === undefined) return;
  log.requestedModel = request.model;
  log.stream = request.stream;
  if (needs !== undefined) log.routing = routingRecordOf({ request, needs, options }, plan);
}

/** Who was considered, who served. */
function notePlan(log: RequestLog, { plan, served, replayed }: Exchange): void {
  if (plan !== undefined) {
    log.route = plan.route;
    log.strategy = plan.strategy;
    log.arm = plan.arm;
    log.candidates = plan.candidates;
  }
  if (replayed === true) log.strategy = 'idempotent_replay';
  if (served === undefined) return;
  log.servedModel = served.model.id;
  log.provider = served.deployment.provider.id;
  log.upstreamModel = served.deployment.upstreamModel;
}

function noteEnd(log: RequestLog, { meter, error }: Exchange): void {
  if (error !== undefined) {
    log.errorCode = error.code;
    log.errorMessage = error.message;
  }
  if (meter === undefined) return;
  const { finish } = meter;
  log.upstreamId = meter.upstreamId;
  log.drift = meter.drift;
  log.finishReason = finish?.reason;
  log.rawFinishReason = finish?.raw ?? undefined;
}

function noteMoney(log: RequestLog, { settlement, hold, served }: Exchange): void {
  if (hold !== undefined) log.holdNanoUsd = hold.amountNanoUsd;
  if (settlement === undefined) return;
  if (!isEmpty(settlement.usage)) log.usage = settlement.usage;
  log.usageEstimated = settlement.estimated;
  log.chargedNanoUsd = settlement.chargedNanoUsd;
  log.costNanoUsd = settlement.providerCostNanoUsd;
  log.chargeLines = settlement.lines;
  if (settlement.chargedNanoUsd > 0n) log.cacheEffect = cacheEffectOf(settlement.usage, served?.deployment.price ?? null);
}

function notePayload(log: RequestLog, { body, responseBody }: Exchange): void {
  if (body === undefined) return;
  log.requestBody = body.bytes.toString('utf8');
  log.responseBody = responseBody;
}

/** A replay moves no money and asks nobody, and still did what it was asked for. */
function stateOf({ settlement, replayed }: Exchange): RequestLog['state'] {
  if (settlement !== undefined) return settlement.state;
  return replayed === true ? 'completed' : 'failed';
}

/** What the client got: a stream that broke after its first byte was still a 200. 499 is nginx's word for a client that left. */
function statusOf({ reply, settlement, error }: Exchange): number {
  const canceled = settlement?.state === 'canceled';
  const sent = reply?.status;
  if (sent !== undefined && !canceled) return sent;
  if (error !== undefined) return error.status;
  return canceled ? 499 : 200;
}

function isEmpty(usage: Usage): boolean {
  return TOKEN_CLASSES.every((tokenClass) => usage[tokenClass] === 0);
}

/** Payloads only under `store: full`; the client may ask for less with `x-og-store`, never for more. */
export function storesPayload({ caller, options }: Exchange): boolean {
  return caller.store === 'full' && (options.store ?? 'full') === 'full';
}
