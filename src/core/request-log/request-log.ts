import type { ParameterAdjustment } from '../chat/parameter-report.js';
import type { Usage } from '../chat/usage.js';
import type { CacheEffect } from '../pricing/cache-effect.js';
import type { RoutingRecord } from '../routing/routing-record.js';
import type { UsualPlace } from '../routing/usual-place.js';
import type { ChargeLine, RequestState } from '../ledger/settlement.js';

export interface AttemptLog {
  number: number;
  provider: string;
  upstreamModel: string;
  deployment: string;
  credential: string;
  zone?: string;
  /** `hedge`: asked beside the one before it, which took long. */
  kind: 'first' | 'retry' | 'fallback' | 'hedge';
  outcome: 'ok' | 'error' | 'timeout' | 'canceled';
  status?: number;
  errorCode?: string;
  errorMessage?: string;
  startedAtMs: number;
  connectMs?: number;
  firstByteMs?: number;
  totalMs: number;
}

/** A deployment that was considered, as the plan has it. */
export interface ConsideredDeployment {
  readonly deployment: { readonly id: string; readonly upstreamModel: string; readonly provider: { readonly id: string; readonly zones: readonly string[] } };
  readonly model: { readonly id: string };
  readonly place?: number;
  readonly excluded?: string;
  /** Worded when they are read; not needed where the usual place says it all. */
  readonly reasons: readonly string[];
  readonly usualPlace?: UsualPlace | null;
}

/** Milliseconds of each stage; undefined when the request did not reach it. */
export interface StageTimings {
  authMs?: number;
  parseMs?: number;
  policyMs?: number;
  limitsMs?: number;
  routingMs?: number;
  holdMs?: number;
  connectMs?: number;
  ttftMs?: number;
  generationMs?: number;
  settleMs?: number;
  totalMs: number;
}

/** Everything about one request but its money of record (the ledger's row has that). */
export interface RequestLog {
  requestId: string;
  clientRequestId?: string;
  organizationId: string;
  projectId: string;
  keyId: string;
  keyName: string;
  zone: string;
  endpoint: string;
  protocol: string;
  requestedModel: string;
  servedModel?: string;
  provider?: string;
  upstreamModel?: string;
  upstreamId?: string;
  stream: boolean;
  state: RequestState;
  status: number;
  errorCode?: string;
  errorMessage?: string;
  finishReason?: string;
  rawFinishReason?: string;
  fallback?: string;
  route?: string;
  strategy?: string;
  /** The arm of the route's experiment. */
  arm?: string;
  /** What the plan was made from; undefined when the request was refused unread. */
  routing?: RoutingRecord;
  attempts: AttemptLog[];
  /** As they were planned; rendered when the record is written. */
  candidates: readonly ConsideredDeployment[];
  parameters: ParameterAdjustment[];
  timings: StageTimings;
  usage?: Usage;
  usageEstimated: boolean;
  /** Nano-USD. */
  holdNanoUsd: bigint;
  chargedNanoUsd: bigint;
  costNanoUsd: bigint;
  /** What the prompt cache saved the customer and cost it, in nano-USD. */
  cacheEffect: CacheEffect;
  chargeLines: readonly ChargeLine[];
  tags: string[];
  sessionId?: string;
  clientRetries: number;
  userAgent?: string;
  clientIp?: string;
  /** What `store` allows: payloads only under `full`. */
  requestBody?: string;
  responseBody?: string;
  drift: readonly string[];
  configHash: string;
  receivedAtMs: number;
  endedAtMs: number;
}

/** Where finished requests are recorded: queued in memory (bounded), written in batches off the hot path. Never throws, never waits. */
export abstract class RequestLogs {
  abstract record(log: RequestLog): void;
}
