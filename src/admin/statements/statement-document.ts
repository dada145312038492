import type { Statement } from '../../billing/index.js';
import type { ExchangeRate } from '../../core/pricing/index.js';

/** A statement with the names that people know. */
export interface StatementDocument {
  readonly statement: Statement;
  readonly organizationName: string;
  readonly projectNames: ReadonlyMap<string, string>;
  /** Null: USD alone. */
  readonly rate: ExchangeRate | null;
}
