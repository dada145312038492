import { alibaba } from './alibaba.js';
import { anthropicCompatible } from './anthropic-compatible.js';
import { anthropic } from './anthropic.js';
import { azureOpenai } from './azure-openai.js';
import { bedrock } from './bedrock.js';
import { cerebras } from './cerebras.js';
import { cloudflare } from './cloudflare.js';
import { clova } from './clova.js';
import { cohere } from './cohere.js';
import { databricks } from './databricks.js';
import { deepinfra } from './deepinfra.js';
import { deepseek } from './deepseek.js';
import type { ProviderDefinition } from './definition.js';
import { fireworks } from './fireworks.js';
import { friendli } from './friendli.js';
import { gemini } from './gemini.js';
import { groq } from './groq.js';
import { huggingface } from './huggingface.js';
import { jina } from './jina.js';
import { llamacpp } from './llamacpp.js';
import { lmstudio } from './lmstudio.js';
import { minimax } from './minimax.js';
import { mistral } from './mistral.js';
import { moonshot } from './moonshot.js';
import { novita } from './novita.js';
import { nvidia } from './nvidia.js';
import { ollama } from './ollama.js';
import { openaiCompatible } from './openai-compatible.js';
import { openai } from './openai.js';
import { openrouter } from './openrouter.js';
import { perplexity } from './perplexity.js';
import { plamo } from './plamo.js';
import { sakana } from './sakana.js';
import { sambanova } from './sambanova.js';
import { sandbox } from './sandbox.js';
import { sglang } from './sglang.js';
import { together } from './together.js';
import { upstage } from './upstage.js';
import { vertex } from './vertex.js';
import { vllm } from './vllm.js';
import { voyage } from './voyage.js';
import { xai } from './xai.js';
import { zai } from './zai.js';

/** Every provider there is. The conformance test iterates it: a definition without fixtures fails the build. */
export const DEFINITIONS: readonly ProviderDefinition[] = [
  openai,
  anthropic,
  gemini,
  vertex,
  bedrock,
  azureOpenai,
  cohere,
  groq,
  deepseek,
  mistral,
  openrouter,
  xai,
  together,
  fireworks,
  perplexity,
  cerebras,
  alibaba,
  moonshot,
  zai,
  minimax,
  deepinfra,
  nvidia,
  huggingface,
  sambanova,
  novita,
  cloudflare,
  databricks,
  voyage,
  jina,
  upstage,
  clova,
  friendli,
  plamo,
  sakana,
  ollama,
  vllm,
  sglang,
  llamacpp,
  lmstudio,
  openaiCompatible,
  anthropicCompatible,
  sandbox,
];

const BY_ID: ReadonlyMap<string, ProviderDefinition> = new Map(DEFINITIONS.map((definition) => [definition.id, definition]));

export function findDefinition(id: string): ProviderDefinition | null {
  return BY_ID.get(id) ?? null;
}

/** Throws when there is none: for ids that were validated before. */
export function getDefinition(id: string): ProviderDefinition {
  const definition = BY_ID.get(id);
  if (definition === undefined) throw new Error(`no provider definition "${id}"`);
  return definition;
}
