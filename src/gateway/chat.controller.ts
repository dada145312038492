import { Controller, Post, Res, UseGuards } from '@nestjs/common';
import { VirtualKeyGuard } from '../auth/index.js';
import { CHAT_COMPLETIONS, DescribeInference, MESSAGES, RESPONSES } from './api-docs.js';
import { CompleteChat } from './complete-chat.service.js';
import type { AdmittedExchange } from './exchange.js';
import { Exchanges, type InferenceReply, type InferenceRequest } from './exchanges.js';
import { Speaks } from './inference.js';
import { InferenceGuard } from './inference.guard.js';
import { LoadGuard } from './load/load.guard.js';
import { ResponseHistories } from './responses/response-histories.js';

/** Inference for clients of every chat protocol; what differs between them stands in their protocol. */
@Controller('v1')
@UseGuards(LoadGuard, VirtualKeyGuard, InferenceGuard)
export class ChatController {
  constructor(
    private readonly completeChat: CompleteChat,
    private readonly exchanges: Exchanges,
    private readonly histories: ResponseHistories,
  ) {}

  @Post('chat/completions')
  @DescribeInference(CHAT_COMPLETIONS)
  @Speaks('openai-chat')
  chatCompletions(@Res() { request }: InferenceReply): Promise<void> {
    return this.complete(request);
  }

  @Post('messages')
  @DescribeInference(MESSAGES)
  @Speaks('anthropic-messages')
  messages(@Res() { request }: InferenceReply): Promise<void> {
    return this.complete(request);
  }

  @Post('responses')
  @DescribeInference(RESPONSES)
  @Speaks('openai-responses')
  async responses(@Res() { request }: InferenceReply): Promise<void> {
    await this.complete(request);
    this.histories.keep(request.exchange as AdmittedExchange);
  }

  private async complete(request: InferenceRequest): Promise<void> {
    const exchange = request.exchange as AdmittedExchange;
    await this.completeChat.complete(exchange);
    this.exchanges.close(exchange);
  }
}
