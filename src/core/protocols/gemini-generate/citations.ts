import { isWire, type Wire } from './wire.js';

const MAX_CITATIONS = 256;

/**
 * Grounding and citations as OpenAI's `url_citation` annotations, the form most clients read. Gemini counts segments in UTF-8 bytes,
 * annotations count characters, so the text they point into is needed.
 */
export function parseCitations(candidate: Wire, answer: string): unknown[] {
  if (candidate['groundingMetadata'] === undefined && candidate['citationMetadata'] === undefined) return [];
  const text = Buffer.from(answer, 'utf8');
  const grounding = candidate['groundingMetadata'];
  const found = isWire(grounding) ? groundingCitations(grounding, text) : [];
  const citations = candidate['citationMetadata'];
  const sources = isWire(citations) ? (citations['citations'] ?? citations['citationSources']) : undefined;
  const recited = Array.isArray(sources) ? sources.filter(isWire).flatMap((source) => citation(source, source, text)) : [];
  return [...found, ...recited].slice(0, MAX_CITATIONS);
}

function groundingCitations(grounding: Wire, text: Buffer): unknown[] {
  const chunks: unknown[] = Array.isArray(grounding['groundingChunks']) ? grounding['groundingChunks'] : [];
  const supports: unknown[] = Array.isArray(grounding['groundingSupports']) ? grounding['groundingSupports'] : [];
  return supports.filter(isWire).flatMap((support) => {
    const indices: unknown[] = Array.isArray(support['groundingChunkIndices']) ? support['groundingChunkIndices'] : [];
    return indices.flatMap((index) => {
      const chunk = chunks[Number(index)];
      const source = isWire(chunk) ? (chunk['web'] ?? chunk['retrievedContext']) : undefined;
      return isWire(source) ? citation(source, isWire(support['segment']) ? support['segment'] : {}, text) : [];
    });
  });
}

function citation(source: Wire, segment: Wire, text: Buffer): unknown[] {
  if (typeof source['uri'] !== 'string') return [];
  const title = typeof source['title'] === 'string' ? source['title'] : source['uri'];
  const place = { start_index: characterAt(text, segment['startIndex'] ?? 0), end_index: characterAt(text, segment['endIndex']) };
  return [{ type: 'url_citation', url_citation: { url: source['uri'], title, ...place } }];
}

function characterAt(text: Buffer, byteOffset: unknown): number {
  if (!Number.isSafeInteger(byteOffset) || (byteOffset as number) < 0) return text.toString('utf8').length;
  return text.subarray(0, byteOffset as number).toString('utf8').length;
}
