import { Controller, Post, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { DescribeInference } from '../api-docs.js';
import { arrivalOf } from '../exchanges.js';
import { INFERENCE_ROUTES } from '../inference-routes.js';
import { Inference } from '../inference.service.js';
import { COMPLETIONS, EMBEDDINGS, IMAGE_EDITS, IMAGES, MODERATIONS, RERANK, SPEECH, TRANSCRIPTIONS } from './operation-docs.js';

/** What is no chat, and the legacy Completions: one request, one answer. The same way and the same spine; errors in OpenAI's envelope. */
@Controller()
export class OperationsController {
  constructor(private readonly inference: Inference) {}

  @Post(INFERENCE_ROUTES.completions.path)
  @DescribeInference(COMPLETIONS)
  completions(@Res() reply: FastifyReply): Promise<void> {
    return this.inference.serve(arrivalOf(reply), INFERENCE_ROUTES.completions);
  }

  @Post(INFERENCE_ROUTES.embeddings.path)
  @DescribeInference(EMBEDDINGS)
  embeddings(@Res() reply: FastifyReply): Promise<void> {
    return this.inference.serve(arrivalOf(reply), INFERENCE_ROUTES.embeddings);
  }

  @Post(INFERENCE_ROUTES.rerank.path)
  @DescribeInference(RERANK)
  rerank(@Res() reply: FastifyReply): Promise<void> {
    return this.inference.serve(arrivalOf(reply), INFERENCE_ROUTES.rerank);
  }

  @Post(INFERENCE_ROUTES.moderations.path)
  @DescribeInference(MODERATIONS)
  moderations(@Res() reply: FastifyReply): Promise<void> {
    return this.inference.serve(arrivalOf(reply), INFERENCE_ROUTES.moderations);
  }

  @Post(INFERENCE_ROUTES.images.path)
  @DescribeInference(IMAGES)
  images(@Res() reply: FastifyReply): Promise<void> {
    return this.inference.serve(arrivalOf(reply), INFERENCE_ROUTES.images);
  }

  @Post(INFERENCE_ROUTES.imageEdits.path)
  @DescribeInference(IMAGE_EDITS)
  imageEdits(@Res() reply: FastifyReply): Promise<void> {
    return this.inference.serve(arrivalOf(reply), INFERENCE_ROUTES.imageEdits);
  }

  @Post(INFERENCE_ROUTES.speech.path)
  @DescribeInference(SPEECH)
  speech(@Res() reply: FastifyReply): Promise<void> {
    return this.inference.serve(arrivalOf(reply), INFERENCE_ROUTES.speech);
  }

  @Post(INFERENCE_ROUTES.transcriptions.path)
  @DescribeInference(TRANSCRIPTIONS)
  transcriptions(@Res() reply: FastifyReply): Promise<void> {
    return this.inference.serve(arrivalOf(reply), INFERENCE_ROUTES.transcriptions);
  }
}
