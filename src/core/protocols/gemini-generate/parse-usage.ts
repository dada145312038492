import type { Usage } from '../../chat/usage.js';
import type { ResponseDialect } from '../dialect.js';
import { isWire, type Wire } from './wire.js';

/** Numbers of `Modality` under integer enum encoding. */
const MODALITY_BY_NUMBER: Readonly<Record<number, string>> = { 1: 'TEXT', 2: 'IMAGE', 3: 'VIDEO', 4: 'AUDIO', 5: 'DOCUMENT' };

/** `missing`: no counts (Vertex sends just `trafficType` until the last frame). `invalid`: numbers that cannot be believed. */
export type ParsedUsage = Usage | 'missing' | 'invalid';

/**
 * `usageMetadata` in disjoint classes. The prompt's count includes cached tokens, tool-use prompt tokens come on top and are prompt;
 * thoughts come on top of the candidates' tokens, unless the total shows that they are inside
 * (https://ai.google.dev/api/generate-content#UsageMetadata, read 2026-11-21).
 */
export function parseUsage(value: unknown, dialect: ResponseDialect): ParsedUsage {
  if (!isWire(value)) return value === undefined || value === null ? 'missing' : 'invalid';
  if (COUNTS.every((name) => value[name] === undefined || value[name] === null)) return 'missing';
  const counts = COUNTS.map((name) => count(value[name]));
  if (counts.includes(null)) return 'invalid';
  const [prompt, cached, toolUse, candidates, thoughts, total] = counts as [number, number, number, number, number, number];
  return consistent(value, { prompt: prompt + toolUse, cached, candidates, thoughts, total }, dialect);
}

function consistent(usage: Wire, counts: Counts, dialect: ResponseDialect): ParsedUsage {
  const { prompt, cached, candidates, thoughts, total } = counts;
  const inside = thoughtsInside(counts, dialect);
  const visible = inside ? candidates - thoughts : candidates;
  if (cached > prompt || visible < 0) return 'invalid';
  // A total below its parts contradicts them; one above them counts something not itemised, which is nobody's to bill.
  if (total > 0 && total < prompt + visible + thoughts) return 'invalid';
  return split(usage, { fresh: prompt - cached, cached, visible, thoughts });
}

const COUNTS = ['promptTokenCount', 'cachedContentTokenCount', 'toolUsePromptTokenCount', 'candidatesTokenCount', 'thoughtsTokenCount', 'totalTokenCount'];

interface Counts {
  /** Tool-use tokens included. */
  prompt: number;
  cached: number;
  candidates: number;
  thoughts: number;
  total: number;
}

function thoughtsInside(counts: Counts, dialect: ResponseDialect): boolean {
  const stated = dialect.usageSemantics?.completionIncludesReasoning;
  if (stated !== undefined) return stated;
  return counts.thoughts > 0 && counts.thoughts <= counts.candidates && counts.prompt + counts.candidates === counts.total;
}

function count(value: unknown): number | null {
  if (value === undefined || value === null) return 0;
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : null;
}

function split(usage: Wire, parts: { fresh: number; cached: number; visible: number; thoughts: number }): Usage {
  const cachedAudio = modality(usage['cacheTokensDetails'], 'AUDIO');
  const promptAudio = modality(usage['promptTokensDetails'], 'AUDIO') + modality(usage['toolUsePromptTokensDetails'], 'AUDIO');
  const audioIn = Math.min(Math.max(0, promptAudio - cachedAudio), parts.fresh);
  const audioOut = Math.min(modality(usage['candidatesTokensDetails'], 'AUDIO'), parts.visible);
  const image = Math.min(modality(usage['candidatesTokensDetails'], 'IMAGE'), parts.visible - audioOut);
  return {
    input: parts.fresh - audioIn,
    cacheRead: parts.cached,
    cacheWrite: 0,
    cacheWrite1h: 0,
    output: parts.visible - audioOut - image,
    reasoning: parts.thoughts,
    audioIn,
    audioOut,
    image,
  };
}

function modality(details: unknown, wanted: string): number {
  if (!Array.isArray(details)) return 0;
  return details.reduce<number>((sum, detail: unknown) => {
    if (!isWire(detail)) return sum;
    const name = typeof detail['modality'] === 'number' ? MODALITY_BY_NUMBER[detail['modality']] : detail['modality'];
    return name === wanted ? sum + (count(detail['tokenCount']) ?? 0) : sum;
  }, 0);
}
