import { ValidationPipe } from '@nestjs/common';
import type { ValidationError } from 'class-validator';
import { GatewayError, invalidRequest } from '../core/errors/gateway-error.js';

/** Admin bodies: unknown members are refused, every fault names the member. */
export const ADMIN_VALIDATION = new ValidationPipe({
  transform: true,
  whitelist: true,
  forbidNonWhitelisted: true,
  forbidUnknownValues: true,
  stopAtFirstError: true,
  exceptionFactory: (errors) => faultOf(errors),
});

function faultOf(errors: readonly ValidationError[]): GatewayError {
  const path: string[] = [];
  let error = errors[0];
  while (error !== undefined) {
    path.push(error.property);
    if (error.constraints !== undefined) break;
    error = error.children?.[0];
  }
  const [constraint, message] = Object.entries(error?.constraints ?? { invalid: 'The body is not valid.' })[0] as [string, string];
  const words = constraint === 'whitelistValidation' ? `${path.join('.')} is not a member of this body` : message;
  return invalidRequest(path.join('.'), `${words}.`);
}
