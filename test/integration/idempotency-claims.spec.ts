import { randomBytes } from 'node:crypto';
import { IdempotencyExpiryJob } from '../../src/gateway/idempotency/expiry.job.js';
import { IdempotencyClaims, type NewClaim, type StoredAnswer } from '../../src/gateway/idempotency/claims.repository.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

const BODY = Buffer.alloc(32, 1);
const ANSWER: StoredAnswer = { status: 200, headers: { 'content-type': 'application/json' }, answer: Buffer.from([0, 255, 10]), sealed: false };

/** The rows of idempotency keys in a real PostgreSQL. */
describe('claims of idempotency keys', () => {
  let fixture: TestDatabase;
  let claims: IdempotencyClaims;
  let number = 0;

  beforeAll(async () => {
    fixture = await createTestDatabase();
    claims = new IdempotencyClaims(fixture.database);
  });
  afterAll(() => fixture?.drop());

  function claim(changes: Partial<NewClaim> = {}): NewClaim {
    number += 1;
    return { scope: randomBytes(32), organizationId: 'org', keyId: 'key', bodyDigest: BODY, requestId: `req_${number}`, ...changes };
  }
  const again = (first: NewClaim, changes: Partial<NewClaim> = {}): NewClaim => claim({ scope: first.scope, ...changes });
  const age = (row: NewClaim, column: 'renewed_at' | 'expires_at', seconds: number): Promise<unknown> =>
    fixture.database.query(`UPDATE idempotency_claims SET ${column} = clock_timestamp() - $2 * interval '1 second' WHERE scope = $1`, [row.scope, seconds]);

  /** A ledger row of that request, open or ended. */
  async function ledger(requestId: string, state: 'forwarded' | 'completed'): Promise<void> {
    await fixture.database.query(
      `INSERT INTO ledger_requests (request_id, engine_id, organization_id, project_id, key_id, state, hold, model, received_at, admitted_at, settled_at)
       VALUES ($1, 1, 'org', 'p', 'key', $2::ledger_request_state, 1, 'm', now(), now(), CASE WHEN $2 = 'completed' THEN now() END)`,
      [requestId, state],
    );
  }

  it('go to one of many', async () => {
    const first = claim();
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => claims.claim(again(first))));
    expect(outcomes.filter(({ kind }) => kind === 'claimed')).toHaveLength(1);
    expect(outcomes.filter(({ kind }) => kind === 'running')).toHaveLength(19);
  });

  it('return what was stored, to the same body only', async () => {
    const first = claim();
    await claims.claim(first);
    await claims.store(first, ANSWER);
    expect(await claims.claim(again(first))).toEqual({ kind: 'stored', stored: ANSWER });
    expect(await claims.claim(again(first, { bodyDigest: Buffer.alloc(32, 2) }))).toEqual({ kind: 'mismatch' });
  });

  it('say that an answer was not kept', async () => {
    const first = claim();
    await claims.claim(first);
    await claims.store(first, null);
    expect(await claims.claim(again(first))).toEqual({ kind: 'unstored' });
  });

  it('are free for any body after a failure, and belong to who took them', async () => {
    const first = claim();
    await claims.claim(first);
    await claims.free(first);
    const second = again(first, { bodyDigest: Buffer.alloc(32, 2) });
    expect(await claims.claim(second)).toEqual({ kind: 'claimed', superseded: [] });
    await claims.store(first, ANSWER);
    await claims.free(first);
    expect(await claims.claim(again(second, { bodyDigest: second.bodyDigest }))).toEqual({ kind: 'running' });
  });

  it.each([
    ['unknown to the ledger', null, 10, 'running'],
    ['unknown to the ledger', null, 16, 'claimed'],
    ['open in the ledger', 'forwarded', 60, 'running'],
    ['settled by the ledger', 'completed', 4, 'running'],
    ['settled by the ledger', 'completed', 6, 'claimed'],
  ] as const)('of a process that may be dead, %s (%s), after %i s: %s', async (_name, state, seconds, expected) => {
    const first = claim();
    await claims.claim(first);
    if (state !== null) await ledger(first.requestId, state);
    await age(first, 'renewed_at', seconds);
    expect((await claims.claim(again(first))).kind).toBe(expected);
  });

  it('stay with a process that renews them', async () => {
    const first = claim();
    await claims.claim(first);
    await age(first, 'renewed_at', 60);
    await claims.renew([first, claim()]);
    expect((await claims.claim(again(first))).kind).toBe('running');
  });

  it('remember every request that died under the same body, until one completes', async () => {
    const first = claim();
    await claims.claim(first);
    await age(first, 'renewed_at', 60);
    const second = again(first);
    expect(await claims.claim(second)).toEqual({ kind: 'claimed', superseded: [first.requestId] });
    await claims.free(second);
    const third = again(first);
    expect(await claims.claim(third)).toEqual({ kind: 'claimed', superseded: [first.requestId] });
    await age(first, 'renewed_at', 60);
    expect(await claims.claim(again(first))).toEqual({ kind: 'claimed', superseded: [first.requestId, third.requestId] });
  });

  it('end after 24 h, deleted or not', async () => {
    const [kept, expired, deleted] = [claim(), claim(), claim()] as const;
    for (const each of [kept, expired, deleted]) {
      await claims.claim(each);
      await claims.store(each, ANSWER);
    }
    await age(expired, 'expires_at', 1);
    expect(await claims.claim(again(expired, { bodyDigest: Buffer.alloc(32, 2) }))).toEqual({ kind: 'claimed', superseded: [] });
    await age(deleted, 'expires_at', 1);
    await new IdempotencyExpiryJob({ register: () => undefined } as never, claims).run(AbortSignal.timeout(5_000));
    const { rows } = await fixture.database.query<{ scope: Buffer }>('SELECT scope FROM idempotency_claims WHERE scope = ANY ($1)', [[kept.scope, expired.scope, deleted.scope]]);
    expect(rows.map(({ scope }) => scope.toString('hex')).sort()).toEqual([kept.scope, expired.scope].map((scope) => scope.toString('hex')).sort());
  });
});
