import { isWire, type Wire } from './wire.js';

/** What an answer, or the first frame of one, says of itself. */
export interface AnswerFacts {
  upstreamId?: string;
  upstreamModel?: string;
  createdS?: number;
  serviceTier?: string;
}

export function answerFacts(raw: Wire): AnswerFacts {
  const facts: AnswerFacts = {};
  const id = raw['responseId'];
  const tier = isWire(raw['usageMetadata']) ? raw['usageMetadata']['serviceTier'] : undefined;
  const createdMs = Date.parse(String(raw['createTime']));
  if (typeof id === 'string' && id !== '') facts.upstreamId = id;
  if (typeof raw['modelVersion'] === 'string') facts.upstreamModel = raw['modelVersion'];
  if (typeof tier === 'string') facts.serviceTier = tier.toLowerCase();
  if (Number.isFinite(createdMs)) facts.createdS = Math.floor(createdMs / 1_000);
  return facts;
}
