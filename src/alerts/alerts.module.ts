import { Module } from '@nestjs/common';
import { AlertJobs, AlertParts } from './alert-jobs.js';
import { alertMetricProviders, AlertMetrics } from './alert-metrics.js';
import { BudgetWatch } from './budget-watch.js';
import { Delivery } from './delivery.js';
import { Outbox } from './outbox.js';
import { WebhookSender } from './webhook-sender.js';
import { Webhooks } from './webhooks.js';

/** Needs auth, billing and logs in scope, whose figures it watches. */
@Module({
  providers: [...alertMetricProviders, AlertMetrics, AlertJobs, AlertParts, BudgetWatch, Delivery, Outbox, WebhookSender, Webhooks],
  exports: [Outbox, Webhooks],
})
export class AlertsModule {}
