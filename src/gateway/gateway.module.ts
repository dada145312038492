import { Module, type DynamicModule, type Provider } from '@nestjs/common';
import { APP_FILTER, APP_INTERCEPTOR } from '@nestjs/core';
import { Answers } from './answers.js';
import { AttemptRunner } from './attempt-runner.js';
import { ChatController } from './chat.controller.js';
import { CompleteChat } from './complete-chat.service.js';
import { CurrencyViews } from './currency-views.js';
import { CustomerController } from './customer.controller.js';
import { ErrorDocsController } from './error-docs.controller.js';
import { Exchanges } from './exchanges.js';
import { GATEWAY_METRIC_PROVIDERS } from './gateway-metric-definitions.js';
import { GatewayMetrics } from './gateway.metrics.js';
import { ErrorInterceptor } from './http/error.interceptor.js';
import { GatewayExceptionFilter } from './http/exception.filter.js';
import { InferenceDoor } from './http/inference-door.js';
import { RouteTable } from './http/route-table.js';
import { Hedges } from './hedges.js';
import { IdempotencyClaims } from './idempotency/claims.repository.js';
import { Compensation } from './idempotency/compensation.js';
import { IdempotencyExpiryJob } from './idempotency/expiry.job.js';
import { Idempotency } from './idempotency/idempotency.service.js';
import { Inference } from './inference.service.js';
import { BULKHEAD_METRIC_PROVIDERS, Bulkheads } from './load/bulkheads.js';
import { LOAD_METRIC_PROVIDERS, LoadGate } from './load/load-gate.js';
import { ModelsController } from './models.controller.js';
import { OperationsController } from './operations/operations.controller.js';
import { CountTokensController } from './responses/count-tokens.controller.js';
import { ResponseHistories } from './responses/response-histories.js';
import { ResponsesController } from './responses/responses.controller.js';
import { StoredResponsesRetention } from './responses/retention.job.js';
import { StoredResponses } from './responses/stored-responses.js';
import { Overages } from './overages.js';
import { RedeemController } from './redeem.controller.js';
import { Refusals } from './refusals.js';
import { RootController } from './root.controller.js';
import { SHADOW_METRIC_PROVIDERS, ShadowMetrics } from './shadow/shadow.metrics.js';
import { ShadowTraffic } from './shadow/shadow-traffic.js';
import { StreamTicker } from './stream-ticker.js';
import { UsageController } from './usage.controller.js';

/**
 * The `/v1` API. Needs the leaves in scope: Planner and HealthStore (routing), Holds (billing), ProviderAdapter and
 * SnapshotSource (providers), Limits and the key guard (auth), RequestLogs (logs).
 */
const ENGINE_CONTROLLERS = [ChatController, CountTokensController, ResponsesController, OperationsController, ModelsController, CustomerController, RedeemController, UsageController];

const PROVIDERS: Provider[] = [
  Answers,
  AttemptRunner,
  Bulkheads,
  Compensation,
  CompleteChat,
  CurrencyViews,
  Exchanges,
  GatewayMetrics,
  Hedges,
  Idempotency,
  IdempotencyClaims,
  IdempotencyExpiryJob,
  Inference,
  InferenceDoor,
  LoadGate,
  Overages,
  Refusals,
  ResponseHistories,
  RouteTable,
  StoredResponses,
  StoredResponsesRetention,
  ShadowMetrics,
  ShadowTraffic,
  ...SHADOW_METRIC_PROVIDERS,
  StreamTicker,
  ...GATEWAY_METRIC_PROVIDERS,
  ...LOAD_METRIC_PROVIDERS,
  ...BULKHEAD_METRIC_PROVIDERS,
  { provide: APP_INTERCEPTOR, useClass: ErrorInterceptor },
  { provide: APP_FILTER, useClass: GatewayExceptionFilter },
];

@Module({})
export class GatewayModule {
  /** @param serves false in a process without the engine role: errors are normalised there too, `/v1` is not served */
  static forRoot(serves: boolean): DynamicModule {
    const controllers = [RootController, ErrorDocsController, ...(serves ? ENGINE_CONTROLLERS : [])];
    return { module: GatewayModule, controllers, providers: PROVIDERS, exports: [RouteTable, InferenceDoor] };
  }
}
