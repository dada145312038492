import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { KeyDirectory } from '../../auth/index.js';
import { requestNeeds } from '../../core/chat/request-needs.js';
import { GatewayError, invalidRequest } from '../../core/errors/gateway-error.js';
import type { Caller } from '../../core/policy/caller.js';
import { openaiChat } from '../../core/protocols/openai-chat/index.js';
import { parseRoutingRecord, questionOfRecord, type PlanQuestion } from '../../core/routing/index.js';
import { RequestLogReader } from '../../logs/index.js';
import { RouteDrafts } from '../../providers/index.js';
import { Planner, type ExplainOptions } from '../../routing/index.js';
import { ExplainDto } from '../dto/routes.dto.js';
import { Operated } from '../operated.js';
import { renderDecision, renderExplanation } from './render-explanation.js';

/** Why a request goes, went or would go where it does. */
@Operated('routes')
@Controller('admin/v1/routes')
export class ExplainController {
  constructor(
    private readonly planner: Planner,
    private readonly directory: KeyDirectory,
    private readonly reader: RequestLogReader,
    private readonly drafts: RouteDrafts,
  ) {}

  /**
   * Which deployments would serve a request, in which order and why; nothing is sent. With `request_id`: what was decided for
   * that request (`then`), and what would be now, by the same function from the same facts.
   */
  @Post('explain')
  @HttpCode(200)
  async explain(@Body() body: ExplainDto): Promise<Record<string, unknown>> {
    if ((body.request === undefined) === (body.request_id === undefined))
      throw invalidRequest('request', 'Send either `request`, the body of a chat completion, or `request_id`, a logged request.');
    const options: ExplainOptions = {
      seed: body.seed,
      atMs: body.at === undefined ? undefined : Date.parse(body.at),
      snapshot: body.draft_id === undefined ? undefined : await this.drafts.snapshotOf(body.draft_id),
    };
    return body.request_id === undefined ? renderExplanation(this.planner.explain(this.asked(body), options)) : this.again(body.request_id, body, options);
  }

  private asked(body: ExplainDto): PlanQuestion {
    const request = openaiChat.parseRequest(body.request);
    const caller = body.key_id === undefined ? null : this.directory.callerOf(body.key_id);
    return withWishes({ request, needs: requestNeeds(request), caller, options: { noFallback: false } }, body);
  }

  private async again(requestId: string, body: ExplainDto, options: ExplainOptions): Promise<Record<string, unknown>> {
    const logged = await this.reader.get(requestId);
    const record = parseRoutingRecord(logged['routing']);
    if (record === null) throw new GatewayError('not_found', `The log of ${requestId} has nothing to plan from: it was refused before it was read.`, { param: 'request_id' });
    const keyId = body.key_id ?? String(logged['key_id']);
    const caller = this.callerOf(keyId);
    const sessionId = logged['session_id'];
    const question = questionOfRecord(record, { caller, tags: logged['tags'] as string[], ...(typeof sessionId === 'string' && { sessionId }) });
    const explained = this.planner.explain(withWishes(question, body), { ...options, seed: options.seed ?? record.seed });
    return { request_id: requestId, ...renderExplanation(explained), key_known: caller !== null, then: renderDecision(logged) };
  }

  /** The key may be gone since. */
  private callerOf(keyId: string): Caller | null {
    try {
      return this.directory.callerOf(keyId);
    } catch (error) {
      if (error instanceof GatewayError && error.code === 'not_found') return null;
      throw error;
    }
  }
}

/** What the operator wants to be different from the request as it stands. */
function withWishes(question: PlanQuestion, wishes: ExplainDto): PlanQuestion {
  const { needs, options } = question;
  return {
    ...question,
    needs: wishes.prompt_tokens === undefined ? needs : { ...needs, promptTokensEstimate: wishes.prompt_tokens },
    options: {
      ...options,
      ...(wishes.tags !== undefined && { tags: wishes.tags }),
      ...(wishes.session_id !== undefined && { sessionId: wishes.session_id }),
      ...(wishes.endpoint !== undefined && { endpoint: wishes.endpoint }),
      ...(wishes.no_fallback !== undefined && { noFallback: wishes.no_fallback }),
      ...(wishes.allow_degraded !== undefined && { allowDegraded: wishes.allow_degraded }),
    },
    // Another session than the recorded one: its key is worked out anew.
    ...(wishes.session_id !== undefined && question.recalled !== undefined && { recalled: { historyOrigin: question.recalled.historyOrigin } }),
  };
}
