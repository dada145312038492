import { isObject, type JsonObject } from '../../json/index.js';
import { textOf } from './facts.js';

/** Where in the answer a citation belongs; Converse says in which source it is found, not in which of the answer's words. */
export interface Span {
  start: number;
  end: number;
}

/** Citations as OpenAI's `url_citation` annotations. A source without an address (a document that was sent) is named by a URN. */
export function annotationsOf(citations: readonly unknown[], span: Span): unknown[] {
  return citations.filter(isObject).map((citation) => ({
    type: 'url_citation',
    url_citation: { ...addressOf(citation), start_index: span.start, end_index: span.end },
  }));
}

function addressOf(citation: JsonObject): { url: string; title: string } {
  const location = isObject(citation['location']) ? citation['location'] : {};
  const web = isObject(location['web']) ? location['web'] : {};
  const title = [textOf(citation['title']), textOf(web['domain']), textOf(citation['source'])].find((text) => text !== '') ?? 'document';
  const url = [textOf(web['url']), textOf(citation['source'])].find((text) => /^https?:\/\//.test(text));
  return { url: url ?? `urn:bedrock:document:${encodeURIComponent(title)}`, title };
}
