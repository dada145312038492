/** Ends the start with one clear line instead of a stack: a port in use, an unwritable directory, a database that is not there. */
export class StartError extends Error {
  override name = 'StartError';
}
