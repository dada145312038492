import { appendFileSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { JournalRecord, RequestFold } from '../../core/ledger/index.js';
import { ownIdentity } from '../engine/process-identity.js';
import { encodeRecord } from './journal-codec.js';

/**
 * Keeps what the database refuses to take for the person whom the alarm calls: beside the journals, in their own format, one
 * directory per engine. When the cause is mended, moving the directory into `journal` posts it.
 */
export function setAside(dataDirectory: string, fold: RequestFold): void {
  const { admitted, forwarded, checkpoint, ended } = fold;
  const directory = join(dataDirectory, 'journal-set-aside', `engine-${admitted.engineId}`);
  const path = join(directory, '00000001.journal');
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const header: JournalRecord = { type: 'engine', engineId: admitted.engineId, ...ownIdentity() };
  const records = [existsSync(path) ? null : header, admitted, forwarded, checkpoint, ended].filter((record) => record !== null);
  appendFileSync(path, records.map(encodeRecord).join(''), { mode: 0o600 });
}
