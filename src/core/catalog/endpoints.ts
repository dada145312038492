/** Kinds of calls a model can serve, by the names that catalogue rows, configuration and `GET /v1/models` use. */
export const ENDPOINTS = ['chat', 'completions', 'embeddings', 'rerank', 'moderations', 'images', 'audio'] as const;
