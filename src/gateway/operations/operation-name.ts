/** OpenTelemetry's names of operations where it has some (semantic conventions for generative AI, read 2026-11-21). */
const NAMES: Readonly<Record<string, string>> = {
  '/v1/embeddings': 'embeddings',
  '/v1/completions': 'text_completion',
  '/v1/rerank': 'rerank',
  '/v1/moderations': 'moderations',
  '/v1/images/generations': 'image_generation',
  '/v1/images/edits': 'image_edit',
  '/v1/audio/speech': 'speech',
  '/v1/audio/transcriptions': 'transcription',
};

/** `gen_ai_operation_name` of a call to this endpoint. */
export function operationNameOf(endpoint: string): string {
  return NAMES[endpoint] ?? 'chat';
}
