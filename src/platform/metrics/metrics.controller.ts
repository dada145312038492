import { Controller, Get, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { GatewayError } from '../../core/errors/gateway-error.js';
import { Config } from '../config/index.js';
import { OperatorToken } from '../secrets/index.js';
import { Metrics } from './metrics.js';
import { isDirectLoopback } from './scrape-access.js';

/** `/metrics` on the main listener: for the operator, or for a program on this machine. */
@Controller()
export class MetricsController {
  readonly #config: Config;
  readonly #token: OperatorToken;
  readonly #metrics: Metrics;

  constructor(config: Config, token: OperatorToken, metrics: Metrics) {
    this.#config = config;
    this.#token = token;
    this.#metrics = metrics;
  }

  @Get()
  async read(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<string> {
    if (this.#config.metricsPort !== null) throw new GatewayError('not_found', 'Metrics are on their own port here.');
    if (!isDirectLoopback(request.raw) && !this.#token.matches(request.headers.authorization)) {
      throw new GatewayError('missing_api_key', 'Metrics are for the operator: send the admin token, or ask from this machine.');
    }
    void reply.header('content-type', this.#metrics.contentType).header('cache-control', 'no-store');
    return this.#metrics.text();
  }
}
