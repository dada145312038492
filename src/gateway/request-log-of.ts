import { TOKEN_CLASSES, type Usage } from '../core/chat/usage.js';
import type { CandidateLog, RequestLog } from '../core/request-log/request-log.js';
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
  const { caller, options, settlement, served, error } = exchange;
  const finish = exchange.meter?.finish;
  const totalMs = context.endedMs - exchange.startedMs;
  return {
    requestId: exchange.requestId,
    clientRequestId: options.clientRequestId,
    organizationId: caller.organizationId,
    projectId: caller.projectId,
    keyId: caller.keyId,
    keyName: caller.keyName,
    zone: context.zone,
    endpoint: exchange.endpoint,
    protocol: exchange.protocol.id,
    requestedModel: exchange.request?.model ?? '',
    servedModel: served?.model.id,
    provider: served?.deployment.provider.id,
    upstreamModel: served?.deployment.upstreamModel,
    upstreamId: exchange.meter?.upstreamId,
    stream: exchange.request?.stream ?? false,
    state: settlement?.state ?? 'failed',
    status: statusOf(exchange),
    errorCode: error?.code,
    errorMessage: error?.message,
    finishReason: finish?.reason,
    rawFinishReason: finish?.raw ?? undefined,
    fallback: exchange.fallback,
    route: exchange.plan?.route,
    strategy: exchange.plan?.strategy,
    attempts: exchange.attempts,
    candidates: (exchange.plan?.candidates ?? []).map(candidateLogOf),
    parameters: exchange.parameters,
    timings: { ...exchange.timings, totalMs },
    usage: settlement === undefined || isEmpty(settlement.usage) ? undefined : settlement.usage,
    usageEstimated: settlement?.estimated ?? false,
    holdNanoUsd: exchange.hold?.amountNanoUsd ?? 0n,
    chargedNanoUsd: settlement?.chargedNanoUsd ?? 0n,
    costNanoUsd: settlement?.providerCostNanoUsd ?? 0n,
    chargeLines: settlement?.lines ?? [],
    tags: options.tags,
    sessionId: options.sessionId,
    clientRetries: options.clientRetries,
    userAgent: options.userAgent,
    clientIp: options.clientIp,
    ...payloadOf(exchange),
    drift: exchange.meter?.drift ?? [],
    configHash: context.configHash,
    receivedAtMs: exchange.receivedAtMs,
    endedAtMs: exchange.receivedAtMs + Math.round(totalMs),
  };
}

/** What the client got: a stream that broke after its first byte was still a 200. 499 is nginx's word for a client that left. */
function statusOf(exchange: Exchange): number {
  const sent = exchange.reply?.status;
  if (sent !== undefined && exchange.settlement?.state !== 'canceled') return sent;
  if (exchange.error !== undefined) return exchange.error.status;
  return exchange.settlement?.state === 'canceled' ? 499 : 200;
}

function isEmpty(usage: Usage): boolean {
  return TOKEN_CLASSES.every((tokenClass) => usage[tokenClass] === 0);
}

export function candidateLogOf(candidate: Candidate): CandidateLog {
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
  const wanted = exchange.options.store ?? 'full';
  if (exchange.caller.store !== 'full' || wanted !== 'full' || exchange.body === undefined) return {};
  return { requestBody: Buffer.from(exchange.body.bytes).toString('utf8'), responseBody: exchange.responseBody };
}
