import { invalidRequest } from '../errors/gateway-error.js';
import { InvalidAmountError, parseUsd } from '../pricing/index.js';

/** Keeps the text, so that what an operator wrote is what is stored and shown. */
export function readUsd(value: unknown, path: string): string {
  try {
    parseUsd(value);
  } catch (error) {
    if (error instanceof InvalidAmountError) throw invalidRequest(path, `\`${path}\` ${error.message}.`);
    throw error;
  }
  return value as string;
}
