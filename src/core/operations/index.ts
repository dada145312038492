import { embeddings } from './embeddings/embeddings.js';
import { imageEdits } from './images/edits.js';
import { images } from './images/images.js';
import { moderations } from './moderations/moderations.js';
import type { Operation, OperationKind } from './operation.js';
import { rerank } from './rerank/rerank.js';
import { speech } from './speech/speech.js';
import { transcriptions } from './transcriptions/transcriptions.js';

export type {
  Operation,
  OperationBounds,
  OperationContext,
  OperationKind,
  OperationReply,
  OperationRequest,
  OperationResult,
  OperationWire,
  RenderedOperation,
  WholeAnswer,
} from './operation.js';
export { parseMultipart } from './multipart.js';
export { needsOf, questionOf } from './question.js';
export { findWireId, type WireId } from './wire-id.js';

/** Every kind of request that has one answer and is no chat. */
export const OPERATIONS: Readonly<Record<OperationKind, Operation>> = { embeddings, rerank, moderations, images, 'image-edits': imageEdits, speech, transcriptions };
