import { Injectable, Logger } from '@nestjs/common';
import type { GatewayError } from '../core/errors/gateway-error.js';
import { Answers } from './answers.js';
import type { Exchange } from './exchange.js';
import type { Arrival } from './exchanges.js';
import { renderErrorReply, toGatewayError } from './http/error-reply.js';
import { ClientGone } from './http/request-body.js';
import type { InferenceRoute } from './inference-routes.js';
import { PROTOCOLS } from './protocols.js';

interface Refused {
  arrival: Arrival;
  route: InferenceRoute;
  /** Undefined when not even the key was accepted. */
  exchange: Exchange | undefined;
}

/** The door through which every error of an inference request leaves; the two of Nest (interceptor, filter) are for everything else. */
@Injectable()
export class Refusals {
  private readonly logger = new Logger('errors');

  constructor(private readonly answers: Answers) {}

  answer(thrown: unknown, { arrival, route, exchange }: Refused): void {
    if (thrown instanceof ClientGone) return;
    const error = toGatewayError(thrown);
    this.note(error, arrival.requestId);
    if (exchange !== undefined) return this.answers.refuse(exchange, error);
    const { reply, requestId } = arrival;
    if (reply.headersSent || reply.destroyed) return;
    const { status, headers, body } = renderErrorReply(error, PROTOCOLS[route.protocol], requestId);
    const text = JSON.stringify(body);
    reply.head(status, { 'x-request-id': requestId, ...headers, 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(text)) });
    reply.end(text);
  }

  /** A mistake of ours is logged with its stack; the client is told nothing of it. */
  note(error: GatewayError, requestId: string): void {
    if (error.status < 500 || error.code !== 'internal_error') return;
    const cause = error.cause instanceof Error ? error.cause.stack : String(error.cause);
    this.logger.error({ msg: error.message, request_id: requestId }, cause);
  }
}
