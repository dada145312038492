import { Controller, Post, Res, UseGuards } from '@nestjs/common';
import { VirtualKeyGuard } from '../../auth/index.js';
import { DescribeInference } from '../api-docs.js';
import { CompleteChat } from '../complete-chat.service.js';
import type { AdmittedExchange } from '../exchange.js';
import { Exchanges, type InferenceReply, type InferenceRequest } from '../exchanges.js';
import { Serves, Speaks } from '../inference.js';
import { InferenceGuard } from '../inference.guard.js';
import { LoadGuard } from '../load/load.guard.js';
import { COMPLETIONS, EMBEDDINGS, IMAGES, MODERATIONS, RERANK, SPEECH, TRANSCRIPTIONS } from './operation-docs.js';

/** What is no chat, and the legacy Completions: one request, one answer. The same guards and the same spine; errors in OpenAI's envelope. */
@Controller('v1')
@UseGuards(LoadGuard, VirtualKeyGuard, InferenceGuard)
@Speaks('openai-chat')
export class OperationsController {
  constructor(
    private readonly completeChat: CompleteChat,
    private readonly exchanges: Exchanges,
  ) {}

  @Post('completions')
  @DescribeInference(COMPLETIONS)
  @Speaks('openai-completions')
  completions(@Res() { request }: InferenceReply): Promise<void> {
    return this.complete(request);
  }

  @Post('embeddings')
  @DescribeInference(EMBEDDINGS)
  @Serves('embeddings')
  embeddings(@Res() { request }: InferenceReply): Promise<void> {
    return this.complete(request);
  }

  @Post('rerank')
  @DescribeInference(RERANK)
  @Serves('rerank')
  rerank(@Res() { request }: InferenceReply): Promise<void> {
    return this.complete(request);
  }

  @Post('moderations')
  @DescribeInference(MODERATIONS)
  @Serves('moderations')
  moderations(@Res() { request }: InferenceReply): Promise<void> {
    return this.complete(request);
  }

  @Post('images/generations')
  @DescribeInference(IMAGES)
  @Serves('images')
  images(@Res() { request }: InferenceReply): Promise<void> {
    return this.complete(request);
  }

  @Post('audio/speech')
  @DescribeInference(SPEECH)
  @Serves('speech')
  speech(@Res() { request }: InferenceReply): Promise<void> {
    return this.complete(request);
  }

  @Post('audio/transcriptions')
  @DescribeInference(TRANSCRIPTIONS)
  @Serves('transcriptions')
  transcriptions(@Res() { request }: InferenceReply): Promise<void> {
    return this.complete(request);
  }

  private async complete(request: InferenceRequest): Promise<void> {
    const exchange = request.exchange as AdmittedExchange;
    await this.completeChat.complete(exchange);
    this.exchanges.close(exchange);
  }
}
