import { join } from 'node:path';
import { readOrCreateSecretFile } from './key-file.js';
import { equalSecrets } from './secrets.js';
import { generateToken } from './token.js';

/** The operator's bearer token in force, given or generated. An injectable class. */
export class OperatorToken {
  /** For bootstrap.json only; never logged. */
  readonly value: string;

  constructor(value: string) {
    this.value = value;
  }

  /** @param authorization the whole header, `Bearer mk-og-…` */
  matches(authorization: string | undefined): boolean {
    const given = /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1];
    return given !== undefined && equalSecrets(given, this.value);
  }
}

/** Generated once per data directory and kept, so that a restart does not lock the operator out. */
export function loadOperatorToken(given: string | null, dataDirectory: string): OperatorToken {
  return new OperatorToken(given ?? readOrCreateSecretFile(join(dataDirectory, 'admin-token'), () => generateToken('mk-og')));
}
