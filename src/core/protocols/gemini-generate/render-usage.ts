import { completionTokens, promptTokens, type Usage } from '../../chat/usage.js';
import type { AnswerSummary } from '../protocol.js';
import type { Wire } from './wire.js';

/** `usageMetadata` of disjoint classes, in Gemini's meaning: the prompt includes cached tokens, the candidates do not include thoughts. */
export function renderUsage(usage: Usage): Wire {
  const prompt = promptTokens(usage);
  const wire: Wire = {
    promptTokenCount: prompt,
    candidatesTokenCount: completionTokens(usage) - usage.reasoning,
    totalTokenCount: prompt + completionTokens(usage),
  };
  if (usage.reasoning > 0) wire['thoughtsTokenCount'] = usage.reasoning;
  if (usage.cacheRead > 0) wire['cachedContentTokenCount'] = usage.cacheRead;
  if (usage.audioIn > 0)
    wire['promptTokensDetails'] = [
      { modality: 'TEXT', tokenCount: prompt - usage.audioIn },
      { modality: 'AUDIO', tokenCount: usage.audioIn },
    ];
  const details = [
    { modality: 'TEXT', tokenCount: usage.output },
    { modality: 'AUDIO', tokenCount: usage.audioOut },
    { modality: 'IMAGE', tokenCount: usage.image },
  ].filter((detail) => detail.tokenCount > 0);
  if (usage.audioOut > 0 || usage.image > 0) wire['candidatesTokensDetails'] = details;
  return wire;
}

/** Counts in force and what they cost, over whatever the upstream said of them. */
export function summaryUsage(summary: AnswerSummary, raw?: unknown): Wire {
  const before = typeof raw === 'object' && raw !== null ? (raw as Wire) : {};
  const wire: Wire = { ...before, ...renderUsage(summary.usage) };
  if (summary.costUsd !== undefined) wire['cost'] = Number(summary.costUsd);
  if (summary.costDetails !== undefined) wire['costDetails'] = summary.costDetails;
  return wire;
}
