import { Controller, HttpCode, Post, Req, Res, UseGuards } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { VirtualKeyGuard, type AuthenticatedRequest } from '../../auth/index.js';
import { SnapshotSource } from '../../core/catalog/model.js';
import { requestNeeds } from '../../core/chat/request-needs.js';
import { scanBody } from '../../core/json/index.js';
import type { Caller } from '../../core/policy/caller.js';
import { decide, denialError, mayUseModel } from '../../core/policy/index.js';
import type { ClientProtocolId } from '../../core/protocols/protocol.js';
import { modelNotFound, resolveName } from '../../core/routing/index.js';
import { Config } from '../../platform/config/index.js';
import { NodeMessage } from '../../platform/inbound/index.js';
import { DescribeCustomerCall } from '../api-docs.js';
import { BODY_DEADLINE_MS, readJsonBody } from '../http/request-body.js';
import { PROTOCOLS } from '../protocols.js';

/** How large a prompt is, by our estimate: free, judged by the policy, counted against no limit (CONTRACT: limits). */
@Controller('v1')
@UseGuards(VirtualKeyGuard)
export class CountTokensController {
  constructor(
    private readonly snapshots: SnapshotSource,
    private readonly config: Config,
  ) {}

  @Post('messages/count_tokens')
  @HttpCode(200)
  @DescribeCustomerCall('Input tokens of a Messages request, estimated')
  async messages(@Req() request: FastifyRequest & AuthenticatedRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<Record<string, unknown>> {
    const tokens = await this.count(request, 'anthropic-messages', { max_tokens: 1 });
    void reply.headers({ 'x-og-estimated': 'true', 'request-id': request.id });
    return { input_tokens: tokens };
  }

  @Post('responses/input_tokens')
  @HttpCode(200)
  @DescribeCustomerCall('Input tokens of a Responses request, estimated')
  async responses(@Req() request: FastifyRequest & AuthenticatedRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<Record<string, unknown>> {
    const tokens = await this.count(request, 'openai-responses', {});
    void reply.header('x-og-estimated', 'true');
    return { object: 'response.input_tokens', input_tokens: tokens };
  }

  private async count(request: FastifyRequest & AuthenticatedRequest, protocol: ClientProtocolId, missing: Record<string, unknown>): Promise<number> {
    const caller = request.caller as Caller;
    const bytes = await readJsonBody(new NodeMessage(request.raw), { maxBytes: this.config.bodyLimitBytes, deadlineMs: BODY_DEADLINE_MS });
    const chat = PROTOCOLS[protocol].parseRequest({ ...missing, ...scanBody(bytes).value });
    const snapshot = this.snapshots.current();
    const model = resolveName(chat.model, snapshot)[0]?.model;
    if (model === undefined) throw modelNotFound(chat.model, snapshot, (other) => mayUseModel(caller, other));
    const needs = requestNeeds(chat);
    // Nothing is generated: how long an answer may be, and whether it streams, is not asked here.
    const decision = decide(caller, { nowMs: Date.now(), clientIp: request.ip, model, needs });
    if (!decision.allowed) throw denialError(decision);
    return needs.promptTokensEstimate;
  }
}
