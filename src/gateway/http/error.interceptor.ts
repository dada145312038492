import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { catchError, throwError, type Observable } from 'rxjs';
import { toGatewayError } from './error-reply.js';

/** The first door of error normalisation: what a handler throws leaves it as the one GatewayError. */
@Injectable()
export class ErrorInterceptor implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(catchError((thrown: unknown) => throwError(() => toGatewayError(thrown))));
  }
}
