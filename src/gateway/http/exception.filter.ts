import { Catch, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { GatewayError } from '../../core/errors/gateway-error.js';
import type { ChatProtocol } from '../../core/protocols/protocol.js';
import { PROTOCOLS } from '../protocols.js';
import { Refusals } from '../refusals.js';
import { renderErrorReply, toGatewayError } from './error-reply.js';
import { RouteTable } from './route-table.js';

/**
 * Guards, unknown paths and malformed bodies never pass an interceptor in Nest. Inference has a door of its own (Refusals),
 * and the in-stream frame, written by the spine.
 */
@Catch()
export class GatewayExceptionFilter implements ExceptionFilter {
  constructor(
    private readonly refusals: Refusals,
    private readonly routes: RouteTable,
  ) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const error = this.named(toGatewayError(thrown), request);
    this.refusals.note(error, request.id);
    this.reply(error, request, http.getResponse<FastifyReply>());
  }

  private reply(error: GatewayError, request: FastifyRequest, reply: FastifyReply): void {
    if (reply.sent) return;
    const { status, headers, body } = renderErrorReply(error, protocolOf(request.url), request.id);
    void reply.status(status).headers(headers).type('application/json').send(JSON.stringify(body));
  }

  /** An unknown path says what is near; a known one with another method says which methods there are. */
  private named(error: GatewayError, request: FastifyRequest): GatewayError {
    if (error.code !== 'not_found' || error.cause === undefined) return error;
    const path = request.url.split('?', 1)[0] as string;
    const methods = this.routes.methodsFor(path);
    if (methods.length > 0) {
      const allow = methods.join(', ');
      return new GatewayError('method_not_allowed', `${request.method} is not allowed on ${path}; it takes ${allow}.`, { headers: { allow } });
    }
    return new GatewayError('not_found', `There is no ${request.method} ${path}.${hintFor(path)}`);
  }
}

function hintFor(path: string): string {
  if (path.startsWith('/v1/v1/')) return ' The base URL already ends in /v1; leave one of the two out.';
  if (/^\/(chat\/completions|completions|embeddings|models|responses|messages)\b/.test(path)) return ` Did you mean /v1${path}?`;
  return '';
}

function protocolOf(url: string): ChatProtocol {
  return PROTOCOLS[url.startsWith('/v1/messages') ? 'anthropic-messages' : 'openai-chat'];
}
