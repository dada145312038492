import { isWire, member, type Wire } from './wire.js';

/** `logprobsResult` as OpenAI's logprobs object; null when there is none. Pairs up the chosen token with the candidates of its step. */
export function parseLogprobs(value: unknown): Wire | null {
  if (!isWire(value)) return null;
  const chosen = value['chosenCandidates'];
  if (!Array.isArray(chosen)) return null;
  const steps: unknown[] = Array.isArray(value['topCandidates']) ? value['topCandidates'] : [];
  const content = chosen.filter(isWire).map((token, index) => ({ ...tokenOf(token), top_logprobs: topOf(steps[index]) }));
  return { content, refusal: null };
}

function tokenOf(token: Wire): Wire {
  const text = typeof token['token'] === 'string' ? token['token'] : '';
  const logprob = member(token, 'logProbability');
  return { token: text, logprob: typeof logprob === 'number' ? logprob : -9999, bytes: [...Buffer.from(text, 'utf8')] };
}

function topOf(step: unknown): Wire[] {
  const candidates = isWire(step) ? step['candidates'] : undefined;
  return Array.isArray(candidates) ? candidates.filter(isWire).map(tokenOf) : [];
}
