import { TOKEN_CLASSES, type Usage } from '../core/chat/usage.js';
import type { CandidateLog, RequestLog } from '../core/request-log/request-log.js';
import { cacheEffectOf, NO_CACHE_EFFECT } from '../core/pricing/index.js';
import { routingRecordOf } from '../core/routing/index.js';
import type { Candidate } from '../core/routing/plan.js';
import type { Exchange } from './exchange.js';

export interface LogContext {
  zone: string;
  configHash: string;
  /** Monotonic end. */
  endedMs: number;
}

/** The log record of a request that has ended, well or not. */
export function requestLogOf(exchange: Exchange, context: LogContext): RequestLog {
  const totalMs = context.endedMs - exchange.startedMs;
  return {
    ...askedOf(exchange),
    ...routedOf(exchange),
    routing: recordOf(exchange),
    ...endedOf(exchange),
    ...paidOf(exchange),
    ...payloadOf(exchange),
    zone: context.zone,
    configHash: context.configHash,
    attempts: exchange.attempts,
    parameters: exchange.parameters,
    timings: { ...exchange.timings, totalMs },
    receivedAtMs: exchange.receivedAtMs,
    endedAtMs: exchange.receivedAtMs + Math.round(totalMs),
  };
}

/** Who asked for what. */
function askedOf(exchange: Exchange) {
  const { caller, options, request } = exchange;
  return {
    requestId: exchange.requestId,
    clientRequestId: options.clientRequestId,
    organizationId: caller.organizationId,
    projectId: caller.projectId,
    keyId: caller.keyId,
    keyName: caller.keyName,
    endpoint: exchange.endpoint,
    protocol: exchange.protocol.id,
    requestedModel: request === undefined ? '' : request.model,
    stream: request !== undefined && request.stream,
    tags: options.tags,
    sessionId: options.sessionId,
    clientRetries: options.clientRetries,
    userAgent: options.userAgent,
    clientIp: options.clientIp,
  };
}

/** Who was considered, who served. */
function routedOf({ served, plan, fallback, replayed }: Exchange) {
  const deployment = served?.deployment;
  return {
    servedModel: served?.model.id,
    provider: deployment?.provider.id,
    upstreamModel: deployment?.upstreamModel,
    fallback,
    route: plan?.route,
    strategy: replayed === true ? 'idempotent_replay' : plan?.strategy,
    arm: plan?.arm,
    candidates: plan === undefined ? [] : plan.candidates.map(candidateLogOf),
  };
}

/** Undefined of a request that was refused unread. */
function recordOf({ request, needs, options, plan }: Exchange): RequestLog['routing'] {
  return request === undefined || needs === undefined ? undefined : routingRecordOf({ request, needs, options }, plan);
}

function endedOf(exchange: Exchange) {
  const { meter, error } = exchange;
  const finish = meter?.finish;
  return {
    state: stateOf(exchange),
    status: statusOf(exchange),
    errorCode: error?.code,
    errorMessage: error?.message,
    finishReason: finish?.reason,
    rawFinishReason: finish?.raw ?? undefined,
    upstreamId: meter?.upstreamId,
    drift: meter === undefined ? [] : meter.drift,
  };
}

/** A replay moves no money and asks nobody, and still did what it was asked for. */
function stateOf({ settlement, replayed }: Exchange): RequestLog['state'] {
  if (settlement !== undefined) return settlement.state;
  return replayed === true ? 'completed' : 'failed';
}

function paidOf({ settlement, hold, served }: Exchange) {
  const holdNanoUsd = hold === undefined ? 0n : hold.amountNanoUsd;
  if (settlement === undefined) return { usageEstimated: false, holdNanoUsd, chargedNanoUsd: 0n, costNanoUsd: 0n, cacheEffect: NO_CACHE_EFFECT, chargeLines: [] };
  return {
    usage: isEmpty(settlement.usage) ? undefined : settlement.usage,
    usageEstimated: settlement.estimated,
    holdNanoUsd,
    chargedNanoUsd: settlement.chargedNanoUsd,
    costNanoUsd: settlement.providerCostNanoUsd,
    cacheEffect: settlement.chargedNanoUsd === 0n ? NO_CACHE_EFFECT : cacheEffectOf(settlement.usage, served?.deployment.price ?? null),
    chargeLines: settlement.lines,
  };
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

function candidateLogOf(candidate: Candidate): CandidateLog {
  const { deployment, model } = candidate;
  return {
    provider: deployment.provider.id,
    model: model.id,
    upstreamModel: deployment.upstreamModel,
    deployment: deployment.id,
    zone: deployment.provider.zones.join(',') || undefined,
    place: candidate.place,
    excluded: candidate.excluded,
    reasons: candidate.reasons,
  };
}

/** Payloads only under `store: full`; the client may ask for less with `x-og-store`, never for more. */
function payloadOf(exchange: Exchange): Pick<RequestLog, 'requestBody' | 'responseBody'> {
  if (!storesPayload(exchange) || exchange.body === undefined) return {};
  return { requestBody: exchange.body.bytes.toString('utf8'), responseBody: exchange.responseBody };
}

export function storesPayload({ caller, options }: Exchange): boolean {
  return caller.store === 'full' && (options.store ?? 'full') === 'full';
}
