import type { Provider, Type } from '@nestjs/common';
import { AttemptGate } from './attempt-gate.js';
import { RedeemBatches } from './batches.service.js';
import { CodeMaker } from './code-maker.js';
import { RedeemDeliveries } from './delivery.service.js';
import { GuessLimits } from './guess-limits.js';
import { RedeemCodes } from './redeem-codes.service.js';
import { RedeemJobs } from './redeem-jobs.js';
import { redeemMetricProviders, RedeemMetrics } from './redeem-metrics.js';
import { RedeemSettings } from './redeem-settings.js';
import { RedeemRevocations } from './revocation.service.js';

/** What other modules use of redeem codes. */
export const redeemServices: Type[] = [RedeemBatches, RedeemCodes, RedeemDeliveries, RedeemRevocations];

export const redeemProviders: Provider[] = [
  { provide: RedeemSettings, useValue: new RedeemSettings() },
  ...redeemMetricProviders,
  RedeemMetrics,
  AttemptGate,
  CodeMaker,
  GuessLimits,
  RedeemJobs,
  ...redeemServices,
];
