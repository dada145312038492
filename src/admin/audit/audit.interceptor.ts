import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { concatMap, from, lastValueFrom, type Observable } from 'rxjs';
import { GatewayError } from '../../core/errors/gateway-error.js';
import { AuditLog, type AuditEntry } from './audit-log.js';
import { maskSecrets } from './mask-secrets.js';

const MUTATIONS: ReadonlySet<string> = new Set(['POST', 'PATCH', 'PUT', 'DELETE']);

/** What a handler may leave for the audit row: the state before its change. */
export interface AuditedRequest {
  auditBefore?: unknown;
}

/**
 * Every mutation passes here. The row `begun` is durable before the change is tried (no audit store, no change), the row
 * `done` or `refused` after it; a crash between the two leaves a `begun` that says what was being done.
 */
@Injectable()
export class AuditInterceptor implements NestInterceptor {
  constructor(private readonly audit: AuditLog) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = context.switchToHttp().getRequest<FastifyRequest & AuditedRequest>();
    if (!MUTATIONS.has(request.method) || isQuestion(request)) return next.handle();
    return from(this.begin(request)).pipe(concatMap((begun) => from(this.finish(begun, request, next))));
  }

  private async begin(request: FastifyRequest): Promise<AuditEntry> {
    const url = (request.routeOptions.url ?? request.url).replace('/admin/v1/', '');
    const { id } = (request.params ?? {}) as { id?: string };
    const entry: AuditEntry = { action: `${request.method} ${url}`, target: id ?? null, outcome: 'begun', requestId: request.id, clientIp: request.ip, before: null, after: maskSecrets(request.body) };
    await this.audit.append(entry).catch((cause: unknown) => {
      throw new GatewayError('service_unavailable', 'The audit log cannot be written, so nothing was changed.', { cause });
    });
    return entry;
  }

  private async finish(begun: AuditEntry, request: AuditedRequest, next: CallHandler): Promise<unknown> {
    try {
      const result: unknown = await lastValueFrom(next.handle(), { defaultValue: undefined });
      const target = begun.target ?? (result as { id?: string } | undefined)?.id ?? null;
      await this.audit.append({ ...begun, target, outcome: 'done', before: maskSecrets(request.auditBefore), after: maskSecrets(result) });
      return result;
    } catch (error) {
      await this.audit.append({ ...begun, outcome: 'refused', after: { error: (error as Error).message } });
      throw error;
    }
  }
}

/** POSTs that change nothing. */
function isQuestion(request: FastifyRequest): boolean {
  const query = (request.query ?? {}) as { dry_run?: string };
  return request.url.startsWith('/admin/v1/routes/explain') || query.dry_run === 'true';
}
