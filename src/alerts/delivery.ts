import { Injectable } from '@nestjs/common';
import { Clock } from '../platform/clock/index.js';
import { failpoint } from '../platform/failpoint/index.js';
import { Outbox, type DeliveryResult, type DueDelivery } from './outbox.js';
import { WebhookSender } from './webhook-sender.js';
import { Webhooks } from './webhooks.js';

/** One run sends at most so many batches; the next goes on. */
const MAX_BATCHES = 20;

/** Sends what is due. Sent and not marked as sent (a process died between) means sent twice, with the same id. */
@Injectable()
export class Delivery {
  constructor(
    private readonly outbox: Outbox,
    private readonly webhooks: Webhooks,
    private readonly sender: WebhookSender,
    private readonly clock: Clock,
  ) {}

  /** Returns how many attempts were made. */
  async run(signal: AbortSignal): Promise<number> {
    let count = 0;
    for (let batch = 0; batch < MAX_BATCHES && !signal.aborted; batch += 1) {
      const due = await this.outbox.claim();
      if (due.length === 0) break;
      await Promise.all(due.map(async (delivery) => this.outbox.finish(delivery, await this.#attempt(delivery))));
      count += due.length;
    }
    return count;
  }

  async #attempt(delivery: DueDelivery): Promise<DeliveryResult> {
    try {
      const secret = this.webhooks.openSecret(delivery.webhookId, delivery.sealedSecret);
      const result = await this.sender.send({ url: delivery.url, allowPrivate: delivery.allowPrivate, secret }, delivery.event, this.clock.nowMs());
      failpoint('webhook-sent');
      return result;
    } catch (error) {
      return { ok: false, status: null, error: (error as Error).message };
    }
  }
}
