import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { readOrCreateSecretFile } from './key-file.js';
import { Secrets } from './secrets.js';

/** The master key given, or the data directory's own, made at the first start. */
export function loadSecrets(masterKey: string | null, dataDirectory: string): Secrets {
  return new Secrets(masterKey ?? readOrCreateSecretFile(join(dataDirectory, 'master.key'), () => randomBytes(32).toString('base64')));
}
