import { isDatabaseUnavailable } from '../../platform/database/index.js';

/** Data exception, integrity violation, program limit, raised by a function of ours: about the record, not about the moment. */
const RECORD_CLASSES = new Set(['22', '23', '54', 'P0']);

/**
 * Whether the database refuses these very records, so that trying again cannot help. Everything else is waited for: an outage,
 * a deadlock, a wrong password, a missing privilege or table are mended by a person, and then everything is posted.
 */
export function isRefusal(error: unknown): boolean {
  if (isDatabaseUnavailable(error)) return false;
  const { code } = error as { code?: unknown };
  return typeof code !== 'string' || RECORD_CLASSES.has(code.slice(0, 2));
}
