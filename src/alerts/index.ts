export { AlertsModule } from './alerts.module.js';
export { ALERT_TYPES } from './alert-event.js';
export { Outbox } from './outbox.js';
export { Webhooks, type Webhook } from './webhooks.js';
