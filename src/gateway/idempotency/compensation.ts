import { Injectable, Logger } from '@nestjs/common';
import { Refunds } from '../../billing/index.js';
import { GatewayError } from '../../core/errors/gateway-error.js';

/** Gives back what requests were charged whose process died under them, once a repeat with the same key and body has completed. */
@Injectable()
export class Compensation {
  private readonly logger = new Logger('Idempotency');

  constructor(private readonly refunds: Refunds) {}

  /** In the background: the answer does not wait for it. Idempotent per superseded request. */
  start(superseded: readonly string[], requestId: string): void {
    for (const each of superseded) void this.compensate(each, requestId);
  }

  private async compensate(superseded: string, requestId: string): Promise<void> {
    try {
      await this.refunds.refund({ requestId: superseded, reason: `repeated as ${requestId}`, idempotencyKey: `idempotent-retry:${superseded}` });
    } catch (error) {
      // Never reached the ledger, or was not charged.
      if (error instanceof GatewayError && (error.status === 404 || error.code === 'refund_exceeds_captured')) return;
      this.logger.error({ msg: 'A superseded request could not be refunded; refund it by hand', superseded, request_id: requestId, error: String(error) });
    }
  }
}
