import { Controller, Post, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { CHAT_COMPLETIONS, DescribeInference, MESSAGES, RESPONSES } from './api-docs.js';
import { arrivalOf } from './exchanges.js';
import { INFERENCE_ROUTES } from './inference-routes.js';
import { Inference } from './inference.service.js';

/** Inference for clients of every chat protocol; what differs between them stands in their protocol. */
@Controller()
export class ChatController {
  constructor(private readonly inference: Inference) {}

  @Post(INFERENCE_ROUTES.chatCompletions.path)
  @DescribeInference(CHAT_COMPLETIONS)
  chatCompletions(@Res() reply: FastifyReply): Promise<void> {
    return this.inference.serve(arrivalOf(reply), INFERENCE_ROUTES.chatCompletions);
  }

  @Post(INFERENCE_ROUTES.messages.path)
  @DescribeInference(MESSAGES)
  messages(@Res() reply: FastifyReply): Promise<void> {
    return this.inference.serve(arrivalOf(reply), INFERENCE_ROUTES.messages);
  }

  @Post(INFERENCE_ROUTES.responses.path)
  @DescribeInference(RESPONSES)
  responses(@Res() reply: FastifyReply): Promise<void> {
    return this.inference.serve(arrivalOf(reply), INFERENCE_ROUTES.responses);
  }
}
