import { anthropicCompatible } from './anthropic-compatible.js';
import { anthropic } from './anthropic.js';
import { deepseek } from './deepseek.js';
import type { ProviderDefinition } from './definition.js';
import { gemini } from './gemini.js';
import { groq } from './groq.js';
import { mistral } from './mistral.js';
import { openaiCompatible } from './openai-compatible.js';
import { openai } from './openai.js';
import { openrouter } from './openrouter.js';
import { sandbox } from './sandbox.js';
import { xai } from './xai.js';

/** Every provider there is. The conformance test iterates it: a definition without fixtures fails the build. */
export const DEFINITIONS: readonly ProviderDefinition[] = [
  openai,
  anthropic,
  gemini,
  groq,
  deepseek,
  mistral,
  openrouter,
  xai,
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
