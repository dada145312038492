import { Injectable } from '@nestjs/common';
import type { Queryable } from '../../platform/database/index.js';
import { Secrets } from '../../platform/secrets/index.js';
import { generateCode, parseCode } from './code-format.js';
import { CODE_DIGEST_PURPOSE } from './redeem-digest.js';

export interface CodeRun {
  readonly batchId: string;
  readonly firstNumber: number;
  readonly count: number;
}

/** Makes codes and stores their digests. */
@Injectable()
export class CodeMaker {
  constructor(private readonly secrets: Secrets) {}

  /** The codes, which nothing but the caller has; their digests are part of its transaction. */
  async make(transaction: Queryable, run: CodeRun): Promise<string[]> {
    const codes = Array.from({ length: run.count }, generateCode);
    await transaction.query(
      `INSERT INTO redeem_codes (batch_id, number, digest, max_uses)
       SELECT b.id, $2 + d.n - 1, decode(d.digest, 'hex'), b.max_uses FROM redeem_batches b, unnest($3::text[]) WITH ORDINALITY d (digest, n) WHERE b.id = $1`,
      [run.batchId, run.firstNumber, codes.map((code) => this.findDigest(code))],
    );
    return codes;
  }

  /** Hex; of a code as shown or as typed. Null for a typing error. */
  findDigest(code: string): string | null {
    const digits = parseCode(code);
    return digits === null ? null : this.secrets.digest(CODE_DIGEST_PURPOSE, digits);
  }
}
