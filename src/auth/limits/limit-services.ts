import type { PrimaryService } from '../../platform/cluster/index.js';
import { AllowanceHost } from './allowance-host.js';
import { ALLOWANCES_TOPIC } from './allowance-messages.js';
import { LimitHost } from './limit-host.js';
import { LIMITS_TOPIC } from './limit-messages.js';
import type { MemoryLimitStore } from './memory-limit-store.js';

/** What a primary does for its workers about limits, by topic. */
export function limitServices(store: MemoryLimitStore, workerCount: number): Record<string, PrimaryService> {
  const allowances = new AllowanceHost(store, workerCount);
  return { [LIMITS_TOPIC]: new LimitHost(store, allowances), [ALLOWANCES_TOPIC]: allowances };
}
