import { Controller, Get, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Readiness, renderReadiness } from './readiness.js';

@Controller()
export class HealthController {
  readonly #readiness: Readiness;

  constructor(readiness: Readiness) {
    this.#readiness = readiness;
  }

  /** Alive: the event loop turns. Nothing else, or an outage of the database would have every replica restarted. */
  @Get('healthz')
  healthz(): { status: string } {
    return { status: 'ok' };
  }

  @Get('readyz')
  async readyz(@Res({ passthrough: true }) reply: FastifyReply): Promise<Record<string, unknown>> {
    const { status, body } = renderReadiness(await this.#readiness.report());
    void reply.status(status).header('cache-control', 'no-store');
    return body;
  }
}
