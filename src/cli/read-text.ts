import { readFileSync } from 'node:fs';
import { UsageError } from './command.js';

/** A file's text; `-` is standard input. */
export function readTextFile(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    throw new UsageError(`cannot read ${file}: ${(error as Error).message}`);
  }
}
