import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { OperatorToken } from '../../platform/secrets/index.js';
import { AuthMetrics } from '../auth-metrics.js';
import { AuthenticationError, hasTwoAuthorizations } from '../keys/credential.js';

const MISSING_MESSAGE = 'This is for the operator: send the admin token as `Authorization: Bearer …`.';
const INVALID_MESSAGE = 'The admin token is not valid.';

/** The operator's bearer token, compared in constant time. Throws GatewayError 401. */
@Injectable()
export class OperatorGuard implements CanActivate {
  constructor(
    private readonly token: OperatorToken,
    private readonly metrics: AuthMetrics,
  ) {}

  canActivate(context: ExecutionContext): boolean {
    const { headers, rawHeaders } = context.switchToHttp().getRequest<{ raw: IncomingMessage }>().raw;
    const authorization = headers.authorization?.trim();
    if (authorization === undefined || authorization === '') throw this.#refuse('missing', 'missing_api_key', MISSING_MESSAGE);
    if (hasTwoAuthorizations(rawHeaders)) throw this.#refuse('malformed', 'invalid_api_key', 'Two Authorization headers were sent. Send one.');
    if (!this.token.matches(authorization)) throw this.#refuse('unknown', 'invalid_api_key', INVALID_MESSAGE);
    return true;
  }

  #refuse(...facts: ConstructorParameters<typeof AuthenticationError>): AuthenticationError {
    this.metrics.failed(facts[0]);
    return new AuthenticationError(...facts);
  }
}
