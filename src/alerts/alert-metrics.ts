import { Injectable } from '@nestjs/common';
import { InjectMetric, makeCounterProvider, makeGaugeProvider } from '@willsoto/nestjs-prometheus';
import { Counter, Gauge } from 'prom-client';
import { ALERT_TYPES, type AlertType } from './alert-event.js';

type Result = 'delivered' | 'retried' | 'failed';

export const alertMetricProviders = [
  makeCounterProvider({ name: 'og_alerts_total', help: 'Events that operators are told: thresholds of budgets, exhausted credit, ledger drift', labelNames: ['type'] }),
  makeCounterProvider({ name: 'og_webhook_attempts_total', help: 'Attempts to deliver an event; failed: given up after the last one', labelNames: ['result'] }),
  makeGaugeProvider({ name: 'og_webhook_pending', help: 'Deliveries that wait' }),
];

@Injectable()
export class AlertMetrics {
  @InjectMetric('og_alerts_total')
  private readonly alerts!: Counter<'type'>;

  @InjectMetric('og_webhook_attempts_total')
  private readonly attempts!: Counter<'result'>;

  @InjectMetric('og_webhook_pending')
  private readonly waiting!: Gauge;

  begin(): void {
    for (const type of ALERT_TYPES) this.alerts.inc({ type }, 0);
    for (const result of ['delivered', 'retried', 'failed'] as const) this.attempts.inc({ result }, 0);
    this.waiting.set(0);
  }

  raised(type: AlertType): void {
    this.alerts.inc({ type });
  }

  attempted(result: Result): void {
    this.attempts.inc({ result });
  }

  pending(count: number): void {
    this.waiting.set(count);
  }
}
