import { createHash } from 'node:crypto';
import { Controller, Get, Headers, Param, Query, Req, Res, UseGuards } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { VirtualKeyGuard, type AuthenticatedRequest } from '../auth/index.js';
import { SnapshotSource, type Model, type Snapshot } from '../core/catalog/model.js';
import type { Caller } from '../core/policy/caller.js';
import { denyDeployment, mayUseModel } from '../core/policy/index.js';
import { modelNotFound, resolveName } from '../core/routing/index.js';
import { HealthStore, type DeploymentHealthReport } from '../routing/index.js';
import { DescribeCustomerCall } from './api-docs.js';
import { renderCodexModel } from './render-codex-model.js';
import { renderModel, renderMeasured } from './render-model.js';

/** What a key may call: only models that it could really be served, in a stable order. */
@Controller('v1/models')
@UseGuards(VirtualKeyGuard)
export class ModelsController {
  constructor(
    private readonly snapshots: SnapshotSource,
    private readonly health: HealthStore,
  ) {}

  /** Codex says its version and gets its own shape; everybody else one superset body (api-conventions 60). */
  @Get()
  @DescribeCustomerCall('The models this key may call')
  list(
    @Req() request: AuthenticatedRequest,
    @Headers('if-none-match') known: string | undefined,
    @Query('client_version') codexVersion: string | undefined,
    @Res() reply: FastifyReply,
  ): void {
    const models = listModels(this.snapshots.current(), request.caller as Caller);
    const body = JSON.stringify(codexVersion === undefined ? renderList(models) : { models: models.filter(canChat).map(renderCodexModel) });
    const etag = `"${createHash('sha1').update(body).digest('base64url')}"`;
    void reply.header('etag', etag).header('cache-control', 'private, no-cache');
    if (isKnown(known, etag)) return void reply.status(304).send();
    void reply.type('application/json').send(body);
  }

  /** The id may contain slashes, encoded or not. */
  @Get('*')
  @DescribeCustomerCall('One model, with what was measured of it')
  one(@Req() request: AuthenticatedRequest, @Param('*') id: string): Record<string, unknown> {
    const snapshot = this.snapshots.current();
    const caller = request.caller as Caller;
    const name = id.replace(/\/+$/, '');
    const model = resolveName(name, snapshot)[0]?.model;
    if (model === undefined || !canCall(model, caller)) throw modelNotFound(name, snapshot, (other) => canCall(other, caller));
    return { ...renderModel(model), measured: renderMeasured(this.measurementsOf(model)) };
  }

  private measurementsOf(model: Model): DeploymentHealthReport[] {
    const ids = new Set(model.deployments.map((deployment) => deployment.id));
    return this.health.list().filter((report) => ids.has(report.deployment));
  }
}

/** `If-None-Match` is a list, and compares weakly (RFC 9110, 13.1.2). */
function isKnown(header: string | undefined, etag: string): boolean {
  const tags = header?.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return tags !== undefined && (tags.includes(etag) || tags.includes('*'));
}

/** Codex offers what it is told for a conversation. */
const canChat = (model: Model): boolean => model.endpoints.includes('chat');

function renderList(models: readonly Model[]): Record<string, unknown> {
  return {
    object: 'list',
    data: models.map(renderModel),
    // Anthropic's clients page by these.
    has_more: false,
    first_id: models[0]?.id ?? null,
    last_id: models.at(-1)?.id ?? null,
  };
}

export function listModels(snapshot: Snapshot, caller: Caller): Model[] {
  return [...snapshot.models.values()].filter((model) => canCall(model, caller)).sort((a, b) => (a.id < b.id ? -1 : 1));
}

function canCall(model: Model, caller: Caller): boolean {
  if (model.retiredAtMs !== undefined && model.retiredAtMs <= Date.now()) return false;
  return mayUseModel(caller, model) && model.deployments.some((deployment) => deployment.price !== null && isAllowed(deployment, caller));
}

function isAllowed(deployment: Model['deployments'][number], caller: Caller): boolean {
  const { provider, price } = deployment;
  return denyDeployment(caller, { providerId: provider.id, providerType: provider.type, zones: provider.zones, price, promptTokensEstimate: 0 }) === null;
}
