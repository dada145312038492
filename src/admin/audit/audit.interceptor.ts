import { Inject, Injectable, Logger, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { from, lastValueFrom, type Observable } from 'rxjs';
import { GatewayError } from '../../core/errors/gateway-error.js';
import { KeyDirectory } from '../../auth/index.js';
import { CHANGED_DEADLINE_MS, CHANGED_TOPIC, ProcessGroup } from '../../platform/cluster/index.js';
import { Database, type Queryable } from '../../platform/database/index.js';
import { ConfigurationService } from '../../providers/index.js';
import { AuditLog, type AuditEntry } from './audit-log.js';
import { maskSecrets } from './mask-secrets.js';

const MUTATIONS: ReadonlySet<string> = new Set(['POST', 'PATCH', 'PUT', 'DELETE']);

/** What the interceptor gives a handler, and what a handler may leave for the audit row. */
export interface AuditedRequest {
  /** The transaction of this mutation: what is written on it is committed together with its audit row, or not at all. */
  transaction?: Queryable;
  /** The state before the change. */
  auditBefore?: unknown;
}

/**
 * Every mutation passes here: handler and audit row in one transaction, the answer only after the commit and after this
 * process knows the change. A change that cannot be audited is not made. A refused mutation leaves a row of its own.
 */
@Injectable()
export class AuditInterceptor implements NestInterceptor {
  @Inject(ConfigurationService)
  private readonly configuration!: ConfigurationService;

  private readonly logger = new Logger('audit');

  constructor(
    private readonly audit: AuditLog,
    private readonly database: Database,
    private readonly directory: KeyDirectory,
    private readonly group: ProcessGroup,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = context.switchToHttp().getRequest<FastifyRequest & AuditedRequest>();
    if (!MUTATIONS.has(request.method) || isQuestion(request)) return next.handle();
    return from(this.run(request, next));
  }

  private async run(request: FastifyRequest & AuditedRequest, next: CallHandler): Promise<unknown> {
    const entry = entryOf(request);
    try {
      const result = await this.database.transaction(async (transaction) => {
        request.transaction = transaction;
        const answer: unknown = await lastValueFrom(next.handle(), { defaultValue: undefined });
        await this.append({ ...entry, ...changeOf(request, entry, answer) }, transaction);
        return answer;
      });
      await this.inForce();
      return result;
    } catch (error) {
      await this.refused(entry, error as Error);
      throw error;
    }
  }

  /** The change is committed whatever happens here: without the database's answer the next poll brings it into force. */
  private async inForce(): Promise<void> {
    const others = this.group.askOthers(CHANGED_TOPIC, null, CHANGED_DEADLINE_MS);
    await Promise.all([this.directory.refresh(), this.configuration.follow()]).catch((error: unknown) =>
      this.logger.warn({ msg: 'a committed change is not in force here yet' }, String(error)),
    );
    await others;
  }

  private async append(entry: AuditEntry, transaction: Queryable): Promise<void> {
    await this.audit.append(entry, transaction).catch((cause: unknown) => {
      throw new GatewayError('service_unavailable', 'The audit log cannot be written, so the change was not made.', { cause });
    });
  }

  private async refused(entry: AuditEntry, error: Error): Promise<void> {
    const row: AuditEntry = { ...entry, outcome: 'refused', after: { error: error.message } };
    await this.database
      .transaction((transaction) => this.audit.append(row, transaction))
      .catch((cause: unknown) => this.logger.error({ msg: 'a refused mutation could not be audited', action: entry.action }, String(cause)));
  }
}

function entryOf(request: FastifyRequest): AuditEntry {
  const url = (request.routeOptions.url ?? request.url).replace('/admin/v1/', '');
  const { id } = (request.params ?? {}) as { id?: string };
  return {
    action: `${request.method} ${url}`,
    target: id ?? null,
    outcome: 'done',
    requestId: request.id,
    clientIp: request.ip,
    input: maskSecrets(request.body),
    before: null,
    after: null,
  };
}

function changeOf(request: AuditedRequest, entry: AuditEntry, answer: unknown): Partial<AuditEntry> {
  const target = entry.target ?? (answer as { id?: string } | undefined)?.id ?? null;
  return { target, before: maskSecrets(request.auditBefore), after: maskSecrets(answer) };
}

/** POSTs that change nothing. */
function isQuestion(request: FastifyRequest): boolean {
  const query = (request.query ?? {}) as { dry_run?: string };
  return request.url.startsWith('/admin/v1/routes/explain') || query.dry_run === 'true';
}
