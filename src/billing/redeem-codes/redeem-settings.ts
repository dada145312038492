/** Bounds of redeem codes. The defaults are production's; tests change them. An injectable class. */
export class RedeemSettings {
  /** Unknown codes are counted over this long; a refusal ends when the oldest that counts leaves it. */
  readonly guessWindowMs: number = 15 * 60_000;
  readonly organizationGuessCount: number = 5;
  readonly clientGuessCount: number = 30;
  /** The circuit over all organizations. */
  readonly globalGuessCount: number = 1_000;
  /** Attempts of this process that may be in the database at once: redeeming never takes the pool from requests. */
  readonly activeCount: number = 4;
  readonly waitingCount: number = 256;
  /** Batches up to this size are answered at once, larger ones are made by a job. */
  readonly inReplyCount: number = 1_000;
  /** A fetched part of a large batch, and one step of the job. */
  readonly partCount: number = 1_000;
  /** How long the codes of a large batch wait, sealed, to be fetched. */
  readonly deliverWithinMs: number = 24 * 3_600_000;
  /** Uses that a claw-back posts in its own transaction; the expiry job posts the rest, which is unspendable at once. */
  readonly clawBackCount: number = 200;

  constructor(overrides: Partial<RedeemSettings> = {}) {
    Object.assign(this, overrides);
  }
}
