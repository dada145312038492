/** The database could not be asked, or not in time: the caller answers 503, never 401 or 402 (nobody was refused anything). */
export class DatabaseUnavailableError extends Error {
  override name = 'DatabaseUnavailableError';
}

/** System errors of a connection that was refused, cut or never made. */
const CONNECTION_CODES = new Set(['ECONNREFUSED', 'ECONNRESET', 'ENOENT', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'EACCES']);
/** Conditions of the server that pass: canceled by a timeout, lock not available, shutdown, start-up, read-only during a failover. */
const PASSING_STATES = new Set(['57014', '55P03', '57P01', '57P02', '57P03', '57P05', '25006', '25P03']);
/** Classes of the same kind: 08 connection, 53 insufficient resources (disk full, too many connections), 58 system error. */
const PASSING_CLASSES = new Set(['08', '53', '58']);
/** What pg says without a code (pg 8.23: pool, client, query timeout). */
const CONNECTION_MESSAGES =
  /timeout exceeded when trying to connect|timeout expired|Connection terminated|Query read timeout|Client has encountered a connection error|Client was closed|Cannot use a pool after calling end/i;

/** Whether an error means "not now" instead of "never": retry later, or answer 503. */
export function isDatabaseUnavailable(error: unknown): boolean {
  if (error instanceof DatabaseUnavailableError) return true;
  // By its shape: an error of node's own may belong to another realm, where `instanceof Error` does not hold (vm contexts).
  if (typeof error !== 'object' || error === null) return false;
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (typeof code === 'string' && isPassing(code)) return true;
  return typeof message === 'string' && CONNECTION_MESSAGES.test(message);
}

function isPassing(code: string): boolean {
  return CONNECTION_CODES.has(code) || PASSING_STATES.has(code) || (code.length === 5 && PASSING_CLASSES.has(code.slice(0, 2)));
}

/** Turns what pg throws into the one error that callers know; anything else stays as it is. */
export function asDatabaseError(error: unknown): unknown {
  if (error instanceof DatabaseUnavailableError || !isDatabaseUnavailable(error)) return error;
  return new DatabaseUnavailableError((error as Error).message, { cause: error });
}
