import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Jobs } from '../../platform/queue/index.js';
import { UsageRollUp } from './usage-roll-up.js';

const ROLL_UP_INTERVAL_MS = 300_000;

@Injectable()
export class UsageJobs implements OnModuleInit {
  constructor(
    private readonly jobs: Jobs,
    private readonly rollUp: UsageRollUp,
  ) {}

  onModuleInit(): void {
    this.jobs.register({ name: 'usage-roll-up', everyMs: ROLL_UP_INTERVAL_MS, run: async (context) => void (await this.rollUp.run(context)) });
  }
}
