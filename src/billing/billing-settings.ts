/** Times and bounds of the ledger. The defaults are production's; tests shorten them. An injectable class. */
export class BillingSettings {
  readonly heartbeatMs: number = 5_000;
  /** By the database's clock. */
  readonly deadAfterMs: number = 20_000;
  /** By the monotonic clock of the engine; shorter than `deadAfterMs`, or two engines could spend the same lease. */
  readonly fenceMs: number = 15_000;
  /** A lease of its own that an engine does not know is returned when it is older than this: an acknowledgement was lost. */
  readonly unknownLeaseAgeMs: number = 4_000;
  /** How often leases are sized. */
  readonly leaseTendMs: number = 250;
  /** A lease nobody carves from for so long is given back. */
  readonly leaseIdleMs: number = 10_000;
  /** After another engine asked for what this one could spare, holds are strict on that ceiling for so long. */
  readonly leaseShortMs: number = 10_000;
  /** The same after the database had too little to lease, or did not answer. */
  readonly leasePoorMs: number = 2_000;
  readonly sweepMs: number = 5_000;
  /**
   * How long an end waits for company on its way to PostgreSQL; the journal has it meanwhile, and whoever needs the money asks at
   * once. A batch costs PostgreSQL about 1.3 ms and each request in it 20 µs more (2026-11-30).
   */
  readonly flushMs: number = 200;
  readonly flushMaxCount: number = 1_000;
  /** A request that ends sooner is written once, in its end state; a longer one is first written as running. */
  readonly runningRowAfterMs: number = 1_000;
  readonly flushRetryMs: number = 250;
  readonly admissionDeadlineMs: number = 2_000;
  readonly admissionBatchCount: number = 256;
  readonly admissionQueueCount: number = 10_000;
  /** How long a refusal waits for what other engines may give back: leases they can spare, or ends they have not posted yet. */
  readonly askMs: number = 250;
  readonly fsyncMs: number = 1_000;
  readonly segmentBytes: number = 16 * 1_048_576;
  readonly journalMaxBytes: number = 1_073_741_824;
  /** Ended requests in memory that the database has not taken yet; beyond it nothing is admitted. */
  readonly unpostedMaxCount: number = 100_000;
  readonly stopDeadlineMs: number = 10_000;
  readonly refundValidMs: number = 30 * 86_400_000;

  constructor(overrides: Partial<BillingSettings> = {}) {
    Object.assign(this, overrides);
    if (this.fenceMs >= this.deadAfterMs) throw new Error('fenceMs must be shorter than deadAfterMs');
  }
}
