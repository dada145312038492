import { isObject, type JsonObject } from '../../json/index.js';
import { textOf } from './facts.js';

const MAX_CITATIONS = 256;

/**
 * Citations as OpenAI's `url_citation` annotations, the form clients read; one per source. A source without an address (a document the
 * client sent, a tool's result) is named by a URN that holds its id.
 */
export function annotationsOf(citations: readonly unknown[]): unknown[] {
  return citations.filter(isObject).flatMap(annotations).slice(0, MAX_CITATIONS);
}

function annotations(citation: JsonObject): unknown[] {
  const sources = Array.isArray(citation['sources']) ? citation['sources'].filter(isObject) : [];
  return sources.map((source) => ({
    type: 'url_citation',
    url_citation: { ...addressOf(source), start_index: placeOf(citation['start']), end_index: placeOf(citation['end']) },
  }));
}

function addressOf(source: JsonObject): { url: string; title: string } {
  const id = textOf(source['id']);
  const document = isObject(source['document']) ? source['document'] : {};
  const url = [textOf(document['url']), id].find((text) => /^https?:\/\//.test(text)) ?? `urn:cohere:${textOf(source['type'])}:${encodeURIComponent(id)}`;
  const title = textOf(document['title']);
  return { url, title: title === '' ? id : title };
}

const placeOf = (value: unknown): number => (Number.isSafeInteger(value) ? (value as number) : 0);
