import type { ChatRequest, RequestNeeds } from '../core/chat/request.js';
import type { ParameterAdjustment } from '../core/chat/parameter-report.js';
import type { ScannedBody } from '../core/json/scan-body.js';
import type { Operation, OperationRequest } from '../core/operations/index.js';
import type { Hold, Settlement } from '../core/ledger/settlement.js';
import type { Caller } from '../core/policy/caller.js';
import type { ChatProtocol, RenderContext } from '../core/protocols/protocol.js';
import type { AttemptLog, StageTimings } from '../core/request-log/request-log.js';
import type { Candidate, Plan } from '../core/routing/plan.js';
import type { GatewayError } from '../core/errors/gateway-error.js';
import type { Admission } from '../auth/index.js';
import type { PreparedCall, PreparedOperation } from '../providers/index.js';
import type { ClientReply } from './client-reply.js';
import type { StoredAnswer } from './idempotency/claims.repository.js';
import type { Meter } from './meter.js';
import type { ResponseState } from './responses/response-state.js';

/** What the client asked of the gateway itself, in headers (CONTRACT section 5). */
export interface GatewayOptions {
  strict: boolean;
  noFallback: boolean;
  /** A model that the operator calls degraded is welcome when nobody else is left. */
  allowDegraded: boolean;
  sessionId?: string;
  /** The kind of call, for the planner; default `chat`. */
  endpoint?: string;
  store?: 'none' | 'metadata' | 'full';
  tags: string[];
  reasoningField: RenderContext['reasoningField'];
  clientRequestId?: string;
  clientRetries: number;
  userAgent?: string;
  clientIp?: string;
  /** Headers that may reach an upstream of the same protocol (`anthropic-beta`). */
  passThrough: Record<string, string>;
  /** Gateways like this one on the way so far. */
  hopCount: number;
}

/**
 * One request on its way: what each stage found out, for the next stages and for the log. Nothing of it outlives the request.
 * What belongs to a request stands here and not in a WeakMap keyed by it, whose entries wait for a full collection.
 */
export interface Exchange {
  readonly requestId: string;
  readonly receivedAtMs: number;
  /** Monotonic start, for durations. */
  readonly startedMs: number;
  readonly endpoint: string;
  readonly protocol: ChatProtocol;
  readonly caller: Caller;
  readonly options: GatewayOptions;
  readonly timings: StageTimings;
  readonly attempts: AttemptLog[];
  readonly tried: Candidate[];
  body?: ScannedBody;
  request?: ChatRequest;
  /** Set for what is no chat: `request` is then the question without messages that routing, policy and log know. */
  operation?: { operation: Operation; request: OperationRequest };
  needs?: RequestNeeds;
  admission?: Admission;
  plan?: Plan;
  parameters: ParameterAdjustment[];
  hold?: Hold;
  settlement?: Settlement;
  served?: Candidate;
  fallback?: string;
  meter?: Meter;
  reply?: ClientReply;
  error?: GatewayError;
  /** This process works on it: its body is there, and no provider has been called yet. */
  isWorkedOn?: boolean;
  /** The answer that is stored under its idempotency key, and stands for its own. */
  stored?: StoredAnswer;
  /** Answered with it. */
  replayed?: boolean;
  responseBody?: string;
  /** The request as it was rendered for a candidate, the last one. */
  prepared?: { candidate: Candidate; call: PreparedCall | PreparedOperation };
  /** Of requests to the Responses API. */
  responseState?: ResponseState;
}

/** What the spine works on: everything the guard has established. */
export interface AdmittedExchange extends Exchange {
  body: ScannedBody;
  request: ChatRequest;
  needs: RequestNeeds;
  admission: Admission;
  reply: ClientReply;
}
