import { Injectable } from '@nestjs/common';
import { Database, type Queryable } from '../../platform/database/index.js';
import { Secrets } from '../../platform/secrets/index.js';
import { CLIENT_DIGEST_PURPOSE } from './redeem-digest.js';
import { RedeemSettings } from './redeem-settings.js';

/** Whose guess it is. Of the address a keyed digest is stored, and only of a guess. */
export interface Guesser {
  readonly organizationId: string;
  readonly clientIp: string;
}

/** The guess that must leave the window before another is let in: the n-th youngest of each kind, where there are n. */
const FULL_WINDOWS = `
  SELECT max(extract(epoch FROM w.guessed_at - clock_timestamp()) * 1000 + $3::float8) AS wait_ms FROM (
    (SELECT guessed_at FROM redeem_guesses WHERE organization_id = $1 AND guessed_at > clock_timestamp() - $3 * interval '1 ms' ORDER BY guessed_at DESC OFFSET $4 - 1 LIMIT 1)
    UNION ALL
    (SELECT guessed_at FROM redeem_guesses WHERE client_digest = decode($2, 'hex') AND guessed_at > clock_timestamp() - $3 * interval '1 ms' ORDER BY guessed_at DESC OFFSET $5 - 1 LIMIT 1)
    UNION ALL
    (SELECT guessed_at FROM redeem_guesses WHERE guessed_at > clock_timestamp() - $3 * interval '1 ms' ORDER BY guessed_at DESC OFFSET $6 - 1 LIMIT 1)
  ) w`;

/** Any constant that no other advisory lock of two numbers uses. */
const LOCK_CLASS = 4_812_301;

/**
 * Unknown codes in sliding windows, in the database, so that they hold over all processes. An organization's attempts pass
 * one at a time (its lock is held until the transaction ends), so its window is exact; address and circuit may be exceeded
 * by the attempts that run at the same moment.
 */
@Injectable()
export class GuessLimits {
  constructor(
    private readonly database: Database,
    private readonly secrets: Secrets,
    private readonly settings: RedeemSettings,
  ) {}

  /** How long this guesser must wait, null when it need not. Takes the organization's lock. */
  async enter(transaction: Queryable, guesser: Guesser): Promise<number | null> {
    const { guessWindowMs, organizationGuessCount, clientGuessCount, globalGuessCount } = this.settings;
    await transaction.query('SELECT pg_advisory_xact_lock($1::int, hashtext($2))', [LOCK_CLASS, guesser.organizationId]);
    const { rows } = await transaction.query<{ wait_ms: number | string | null }>(FULL_WINDOWS, [
      guesser.organizationId, this.#client(guesser), guessWindowMs, organizationGuessCount, clientGuessCount, globalGuessCount,
    ]);
    const waitMs = rows[0]?.wait_ms ?? null;
    return waitMs === null ? null : Math.max(1, Math.ceil(Number(waitMs)));
  }

  async record(transaction: Queryable, guesser: Guesser): Promise<void> {
    await transaction.query("INSERT INTO redeem_guesses (organization_id, client_digest) VALUES ($1, decode($2, 'hex'))", [
      guesser.organizationId, this.#client(guesser),
    ]);
  }

  /** Removes what no window looks at any more. */
  async purge(): Promise<void> {
    await this.database.query("DELETE FROM redeem_guesses WHERE guessed_at < clock_timestamp() - $1 * interval '1 ms'", [this.settings.guessWindowMs]);
  }

  #client({ clientIp }: Guesser): string {
    return this.secrets.digest(CLIENT_DIGEST_PURPOSE, clientIp);
  }
}
