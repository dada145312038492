import { Credits } from '../../src/billing/accounts/credits.service.js';
import { LedgerVerify } from '../../src/billing/accounts/ledger-verify.service.js';
import { generateCode } from '../../src/billing/redeem-codes/code-format.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { ending, holdOn, holdRequest, startLedger, temporaryDirectory } from './billing-harness.js';
import { RedeemBench, USD } from './redeem-codes-harness.js';

jest.setTimeout(30_000);
const soon = (ms: number): number => Date.now() + ms;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe('redeem codes against a real PostgreSQL', () => {
  let fixture: TestDatabase;
  let bench: RedeemBench;

  beforeAll(async () => {
    fixture = await createTestDatabase();
    bench = new RedeemBench(fixture.database);
  });
  afterEach(async () => {
    const report = await new LedgerVerify(fixture.database).verify();
    expect(report.invariants.filter(({ ok }) => !ok)).toEqual([]);
    expect(report.driftNanoUsd).toBe(0n);
  });
  afterAll(() => fixture.drop());

  it('gives one code to one of 50 racers, of one organization or of fifty, in two processes (A12)', async () => {
    const other = new RedeemBench(fixture.database);
    const {
      codes: [one = '', two = ''],
    } = await bench.create({ codeCount: 2 });
    const racers = Array.from({ length: 50 }, (_, i) => (i % 2 === 0 ? bench : other).redeem('racer', one));
    expect(await bench.outcomes(racers)).toEqual({ redeemed: 1, code_already_redeemed: 49 });
    expect(await bench.balance('racer')).toBe(5n * USD);
    const strangers = Array.from({ length: 50 }, (_, i) => (i % 2 === 0 ? bench : other).redeem(`stranger${i}`, two, `10.0.0.${i}`));
    expect(await bench.outcomes(strangers)).toEqual({ redeemed: 1, code_already_redeemed: 49 });
    const { rows } = await fixture.database.query("SELECT count(*)::int AS grants FROM ledger_grants WHERE source = 'redeem'");
    expect(rows).toEqual([{ grants: 2 }]);
  });

  it('gives a code of ten uses to ten of fifty organizations, once to each', async () => {
    const { id, codes } = await bench.create({ maxUses: 10 });
    const tries = Array.from({ length: 100 }, (_, i) => bench.redeem(`many${i % 50}`, codes[0]));
    expect(await bench.outcomes(tries)).toEqual({ redeemed: 10, code_already_redeemed: 90 });
    const uses = await bench.batches.listUses(id, { limit: 200 });
    expect(new Set(uses.map(({ organizationId }) => organizationId)).size).toBe(10);
    expect(await bench.batches.get(id)).toMatchObject({ useCount: 10, status: 'ready' });
  });

  it('takes the use back with the grant when one of them fails (F89, I16)', async () => {
    const { codes } = await bench.create();
    await fixture.database.query(`
      CREATE FUNCTION crash() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'crash'; END $$;
      CREATE TRIGGER crash BEFORE INSERT ON redeem_uses FOR EACH ROW EXECUTE FUNCTION crash()`);
    await expect(bench.redeem('crashed', codes[0])).rejects.toThrow('crash');
    expect(await bench.balance('crashed')).toBe(0n);
    await fixture.database.query('DROP TRIGGER crash ON redeem_uses; DROP FUNCTION crash()');
    await bench.redeem('crashed', codes[0]);
    expect(await bench.balance('crashed')).toBe(5n * USD);
    await expect(bench.redeem('crashed', codes[0])).rejects.toMatchObject({ code: 'code_already_redeemed', message: expect.stringMatching(/Your organization redeemed this code at 20/) });
  });

  it('has one validity for the code and another for its credit', async () => {
    const creditExpiresAtMs = soon(86_400_000);
    const {
      codes: [late = ''],
    } = await bench.create({ expiresAtMs: soon(150), creditExpiresAtMs });
    const {
      codes: [early = ''],
    } = await bench.create({ expiresAtMs: soon(60_000), creditExpiresAtMs });
    const {
      codes: [worthless = ''],
    } = await bench.create({ creditExpiresAtMs: soon(150) });
    await pause(200);
    await expect(bench.redeem('valid', late)).rejects.toMatchObject({ code: 'code_expired', status: 409 });
    await expect(bench.redeem('valid', worthless)).rejects.toMatchObject({ code: 'code_expired' });
    expect(await bench.redeem('valid', early)).toMatchObject({ amountNanoUsd: 5n * USD, creditExpiresAtMs });
    const { rows } = await fixture.database.query<{ expires_at: Date }>("SELECT expires_at FROM ledger_grants WHERE organization_id = 'valid'");
    expect(rows[0]?.expires_at.getTime()).toBe(creditExpiresAtMs);
  });

  it('does not exist for organizations that it is not for', async () => {
    const { codes } = await bench.create({ organizationIds: ['invited'], maxUses: 5 });
    await expect(bench.redeem('uninvited', codes[0])).rejects.toMatchObject({ code: 'code_not_found', message: 'There is no such code.' });
    await bench.redeem('invited', codes[0]);
    await expect(bench.redeem('uninvited', codes[0])).rejects.toMatchObject({ code: 'code_not_found', message: 'There is no such code.' });
  });

  it.each([undefined, null, 5, true, {}, [['x']], '', '  ', 'x'.repeat(129)])('names the field for %j, which is no guess', async (code) => {
    await expect(bench.redeem('bad', code)).rejects.toMatchObject({ code: 'invalid_request', status: 400, param: 'code' });
  });

  it.each([
    [{ codeCount: 0 }, 'count'], [{ codeCount: 1.5 }, 'count'], [{ codeCount: 100_001 }, 'count'], [{ maxUses: 0 }, 'max_uses'], [{ maxUses: 1_000_001 }, 'max_uses'],
    [{ amountNanoUsd: 0n }, 'amount_usd'], [{ amountNanoUsd: -1n }, 'amount_usd'], [{ amountNanoUsd: 10n ** 18n }, 'amount_usd'],
  ])('refuses a batch of %o', async (input, param) => {
    await expect(bench.create(input)).rejects.toMatchObject({ code: 'invalid_request', param });
  });

  it('withdraws a code and a batch, and takes back what is unspent but never what is leased', async () => {
    const directory = temporaryDirectory();
    const ledger = await startLedger(fixture.database, directory.path);
    const { id, codes } = await bench.create({ codeCount: 3, amountNanoUsd: 10_000n });
    await bench.redeem('clawed', codes[0]);
    const hold = await ledger.engine.hold(holdRequest('clawed', 4));
    const revoke = (codeNumber?: number) =>
      fixture.database.transaction((transaction) => bench.revocations.revoke({ batchId: id, codeNumber, reason: 'leaked', clawBack: true }, transaction));
    expect(await revoke(2)).toMatchObject({ codeNumber: 2, clawedBackNanoUsd: 0n, pendingNanoUsd: 0n });
    await expect(bench.redeem('clawed', codes[1])).rejects.toMatchObject({ code: 'code_expired', message: 'This code was withdrawn.' });
    expect(await revoke()).toEqual({ batchId: id, codeNumber: null, clawedBackNanoUsd: 6_000n, pendingNanoUsd: 4_000n });
    await expect(holdOn(ledger.engine, holdRequest('clawed', 1))).rejects.toMatchObject({ code: 'insufficient_credits' });
    await expect(bench.redeem('clawed2', codes[2])).rejects.toMatchObject({ code: 'code_expired' });
    hold.settle(ending(3));
    await ledger.engine.flush();
    expect(await revoke()).toMatchObject({ clawedBackNanoUsd: 1_000n, pendingNanoUsd: 0n });
    expect(await revoke()).toMatchObject({ clawedBackNanoUsd: 0n });
    expect(await bench.balance('clawed')).toBe(0n);
    expect(await bench.batches.funnel(id)).toEqual({ redeemedNanoUsd: 10_000n, spentNanoUsd: 3_000n, remainingNanoUsd: 0n, expiredNanoUsd: 7_000n });
    const { rows } = await fixture.database.query("SELECT kind, reason, actor FROM ledger_transactions WHERE organization_id = 'clawed' AND kind = 'expiry'");
    expect(rows[0]).toEqual({ kind: 'expiry', reason: 'redeem code revoked: leaked', actor: 'operator' });
    expect((await bench.batches.listCodes(id)).map(({ number, status, useCount }) => [number, status, useCount])).toEqual([[1, 'revoked', 1], [2, 'revoked', 0], [3, 'revoked', 0]]);
    await expect(fixture.database.transaction((transaction) => bench.revocations.revoke({ batchId: 'rcb_none', reason: 'x', clawBack: false }, transaction))).rejects.toMatchObject({ code: 'not_found' });
    await ledger.engine.stop();
    directory.remove();
  });

  it('makes all of a large claw-back unspendable at once and leaves the rest of the posting to the expiry job', async () => {
    const small = new RedeemBench(fixture.database, { clawBackCount: 1 });
    const { id, codes } = await small.create({ maxUses: 3 });
    for (const organization of ['claw1', 'claw2', 'claw3']) await small.redeem(organization, codes[0]);
    const result = await fixture.database.transaction((transaction) => small.revocations.revoke({ batchId: id, codeNumber: 1, reason: 'many', clawBack: true }, transaction));
    expect(result).toEqual({ batchId: id, codeNumber: 1, clawedBackNanoUsd: 5n * USD, pendingNanoUsd: 10n * USD });
    for (const organization of ['claw1', 'claw2', 'claw3']) expect(await small.balance(organization)).toBe(0n);
    expect(await new Credits(fixture.database).expire()).toBe(2);
    expect(await small.batches.funnel(id)).toEqual({ redeemedNanoUsd: 15n * USD, spentNanoUsd: 0n, remainingNanoUsd: 0n, expiredNanoUsd: 15n * USD });
  });

  it('makes every use taken back while a batch is being revoked, or refuses it', async () => {
    const { id, codes } = await bench.create({ codeCount: 30 });
    const tries = codes.map((code, i) => bench.redeem(`revoked${i}`, code));
    const revoked = pause(10).then(() =>
      fixture.database.transaction((transaction) => bench.revocations.revoke({ batchId: id, reason: 'race', clawBack: true }, transaction)),
    );
    const counts = await bench.outcomes(tries);
    const { clawedBackNanoUsd } = await revoked;
    expect(clawedBackNanoUsd).toBe(BigInt(counts['redeemed'] ?? 0) * 5n * USD);
    expect(await bench.batches.funnel(id)).toMatchObject({ remainingNanoUsd: 0n });
  });

  it('finds a code in hand', async () => {
    const { id, codes } = await bench.create({ codeCount: 2 });
    expect(await bench.revocations.locate(String(codes[1]).toLowerCase(), fixture.database)).toEqual({ batchId: id, codeNumber: 2 });
    await expect(bench.revocations.locate(generateCode(), fixture.database)).rejects.toMatchObject({ code: 'code_not_found' });
    await expect(bench.revocations.locate('OG-1', fixture.database)).rejects.toMatchObject({ code: 'invalid_request', param: 'code' });
  });

  it('lists batches and uses by key', async () => {
    const ids = [await bench.create(), await bench.create({ note: 'spring' })].map(({ id }) => id);
    const [newest, second] = await bench.batches.list({ limit: 2 });
    expect([second?.id, newest?.id]).toEqual(ids);
    expect(newest).toMatchObject({ note: 'spring', codeCount: 1, amountNanoUsd: 5n * USD });
    expect((await bench.batches.list({ limit: 1, before: newest?.id }))[0]?.id).toBe(ids[0]);
    await expect(bench.batches.get('rcb_none')).rejects.toMatchObject({ code: 'not_found' });
  });

  it('makes a large batch in steps, by whoever runs, and delivers it once', async () => {
    const small = new RedeemBench(fixture.database, { inReplyCount: 10, partCount: 40 });
    const { id, codes } = await small.create({ codeCount: 100 });
    expect(codes).toEqual([]);
    expect(await small.batches.get(id)).toMatchObject({ status: 'generating', generatedCount: 0, codeCount: 100 });
    const fetchAll = () => fixture.database.transaction((transaction) => small.deliveries.fetch(id, transaction));
    expect(await small.deliveries.generate()).toBe(0.4);
    await expect(fetchAll()).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining('40 of 100') });
    await Promise.all([small.deliveries.generate(), small.deliveries.generate()]);
    while ((await small.deliveries.generate()) !== null);
    expect(await small.batches.get(id)).toMatchObject({ status: 'ready', generatedCount: 100, deliveredAtMs: null });
    const both = await Promise.allSettled([fetchAll(), fetchAll()]);
    const got = both.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    expect(got).toHaveLength(1);
    expect(new Set(got[0]).size).toBe(100);
    await expect(fetchAll()).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining('their only time') });
    expect((await fixture.database.query('SELECT 1 FROM redeem_deliveries')).rowCount).toBe(0);
    expect(await small.revocations.locate(String(got[0]?.[99]), fixture.database)).toEqual({ batchId: id, codeNumber: 100 });
    await small.redeem('large', got[0]?.[57]);
    expect(await small.balance('large')).toBe(5n * USD);
  });

  it('lets sealed codes that nobody fetched go', async () => {
    const small = new RedeemBench(fixture.database, { inReplyCount: 1, deliverWithinMs: 1 });
    const { id } = await small.create({ codeCount: 2 });
    await small.deliveries.generate();
    await pause(10);
    await small.deliveries.purge();
    await expect(fixture.database.transaction((transaction) => small.deliveries.fetch(id, transaction))).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining('gone') });
  });
});

describe('verification of redeem codes (I16)', () => {
  it.each([
    ['a use that was not counted', 'UPDATE redeem_codes SET uses = 0'],
    ['a use that was not made', 'UPDATE redeem_codes SET uses = 2'],
    ['a use without its grant', "UPDATE ledger_grants SET source = 'operator' WHERE source = 'redeem'"],
    ['a use by another organization', "UPDATE redeem_uses SET organization_id = 'thief'"],
    ['a grant without its use', 'UPDATE redeem_codes SET uses = 0; DELETE FROM redeem_uses'],
  ])('finds %s', async (_what, tamper) => {
    const fixture = await createTestDatabase();
    const bench = new RedeemBench(fixture.database);
    const { codes } = await bench.create({ maxUses: 2 });
    await bench.redeem('org', codes[0]);
    const verify = new LedgerVerify(fixture.database);
    expect(await verify.verify()).toMatchObject({ ok: true, driftNanoUsd: 0n });
    await expect(fixture.database.query('UPDATE redeem_codes SET uses = 3')).rejects.toMatchObject({ code: '23514' });
    await fixture.database.query(tamper);
    const { invariants } = await verify.verify();
    expect(invariants.filter(({ ok }) => !ok).map(({ id }) => id)).toEqual(['I16']);
    await fixture.drop();
  });
});
