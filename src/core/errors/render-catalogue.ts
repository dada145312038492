import { ERROR_CATALOGUE, type CatalogueEntry } from './catalogue.js';

export interface RenderedCatalogueEntry {
  code: string;
  status: number;
  type: string;
  remedy: string;
  /** The `x-should-retry` a client gets; null leaves it to the client's rule for the status. */
  should_retry: boolean | null;
  docs_url: string;
}

/** `GET /v1/errors`: every code a client can see, in the order of their statuses. */
export function renderErrorCatalogue(): { object: 'list'; data: RenderedCatalogueEntry[] } {
  const entries: [string, CatalogueEntry][] = Object.entries(ERROR_CATALOGUE);
  const data = entries.map(([code, entry]) => ({
    code,
    status: entry.status,
    type: entry.type,
    remedy: entry.remedy,
    should_retry: entry.shouldRetry ?? null,
    docs_url: `/docs/errors#${code.replaceAll('_', '-')}`,
  }));
  return { object: 'list', data };
}
