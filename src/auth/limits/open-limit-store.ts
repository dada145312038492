import { join } from 'node:path';
import type { Clock } from '../../platform/clock/index.js';
import type { Config } from '../../platform/config/index.js';
import { KeptLimitStore } from './kept-limit-store.js';

/** The windows of this machine, kept over a restart: of its one process, or of the primary that counts for all. */
export function openLimitStore(config: Config, clock: Clock): KeptLimitStore {
  return new KeptLimitStore(join(config.dataDirectory, 'limits.json'), clock);
}
