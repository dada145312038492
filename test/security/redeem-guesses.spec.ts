import { generateCode } from '../../src/billing/redeem-codes/code-format.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { RedeemBench } from '../integration/redeem-codes-harness.js';

jest.setTimeout(240_000);
const WINDOW_MS = 15 * 60_000;

/** Attack A13: guessing codes, and reading them where they are stored. */
describe('guessing redeem codes', () => {
  let fixture: TestDatabase;

  beforeEach(async () => {
    fixture = await createTestDatabase();
  });
  afterEach(() => fixture.drop());

  it('ends after 5 unknown codes per organization, a right code included, and says truly for how long', async () => {
    const bench = new RedeemBench(fixture.database);
    const { codes } = await bench.create({ codeCount: 2 });
    await bench.redeem('guesser', codes[0]);
    for (let i = 0; i < 4; i += 1) await expect(bench.redeem('guesser', generateCode())).rejects.toMatchObject({ code: 'code_not_found', status: 404 });
    // Known codes are no guesses, however often.
    for (let i = 0; i < 20; i += 1) await expect(bench.redeem('guesser', codes[0])).rejects.toMatchObject({ code: 'code_already_redeemed' });
    await expect(bench.redeem('guesser', 'a mistyped one')).rejects.toMatchObject({ code: 'code_not_found', message: expect.stringContaining('checksum') });
    const refused = (await bench.redeem('guesser', codes[1]).catch((error: unknown) => error)) as { code: string; status: number; retryAfterMs: number };
    expect(refused).toMatchObject({ code: 'rate_limit_exceeded', status: 429 });
    expect(refused.retryAfterMs).toBeGreaterThan(WINDOW_MS - 10_000);
    expect(refused.retryAfterMs).toBeLessThanOrEqual(WINDOW_MS);
    await bench.redeem('bystander', codes[1]);
  });

  it('lets go on when the oldest guess leaves the window, to the millisecond it named', async () => {
    const bench = new RedeemBench(fixture.database, { guessWindowMs: 3_000 });
    const { codes } = await bench.create();
    for (let i = 0; i < 5; i += 1) await bench.redeem('patient', generateCode()).catch(() => undefined);
    const ask = async (): Promise<{ fromMs: number; toMs: number; waitMs: number }> => {
      const fromMs = performance.now();
      const { retryAfterMs: waitMs } = (await bench.redeem('patient', codes[0]).catch((error: unknown) => error)) as { retryAfterMs: number };
      return { fromMs, toMs: performance.now(), waitMs };
    };
    const first = await ask();
    await new Promise((resolve) => setTimeout(resolve, 200));
    const second = await ask();
    // Both name the same moment, as exactly as the calls themselves are placed in time.
    expect(second.fromMs + second.waitMs).toBeLessThanOrEqual(first.toMs + first.waitMs + 2);
    expect(second.toMs + second.waitMs).toBeGreaterThanOrEqual(first.fromMs + first.waitMs - 2);
    await new Promise((resolve) => setTimeout(resolve, second.waitMs + 5));
    await bench.redeem('patient', codes[0]);
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    await bench.guesses.purge();
    expect((await fixture.database.query('SELECT 1 FROM redeem_guesses')).rowCount).toBe(0);
  });

  it('counts exactly under 60 guesses at once in two processes', async () => {
    const [one, other] = [new RedeemBench(fixture.database), new RedeemBench(fixture.database)];
    const tries = Array.from({ length: 60 }, (_, i) => (i % 2 === 0 ? one : other).redeem('swarm', generateCode()));
    expect(await one.outcomes(tries)).toEqual({ code_not_found: 5, rate_limit_exceeded: 55 });
  });

  it('ends per address and over all organizations, too', async () => {
    const bench = new RedeemBench(fixture.database, { activeCount: 1, clientGuessCount: 7, globalGuessCount: 10 });
    const { codes } = await bench.create();
    const ofOneAddress = Array.from({ length: 20 }, (_, i) => bench.redeem(`farm${i}`, generateCode(), '203.0.113.9'));
    expect(await bench.outcomes(ofOneAddress)).toEqual({ code_not_found: 7, rate_limit_exceeded: 13 });
    const ofMany = Array.from({ length: 20 }, (_, i) => bench.redeem(`net${i}`, generateCode(), `203.0.113.${100 + i}`));
    expect(await bench.outcomes(ofMany)).toEqual({ code_not_found: 3, rate_limit_exceeded: 17 });
    await expect(bench.redeem('honest', codes[0], '198.51.100.1')).rejects.toMatchObject({ code: 'rate_limit_exceeded' });
  });

  it('hits nothing in 10,000 guesses with a window of a millisecond, and the stored rows hold no code and no address', async () => {
    const bench = new RedeemBench(fixture.database, { guessWindowMs: 1, activeCount: 8, waitingCount: 20_000 });
    const { codes } = await bench.create({ codeCount: 300 });
    const guesses = Array.from({ length: 10_000 }, (_, i) => bench.redeem(`g${i % 500}`, generateCode(), '198.51.100.77'));
    expect(await bench.outcomes(guesses)).toEqual({ code_not_found: 10_000 });
    await bench.redeem('owner', codes[0]);
    const large = new RedeemBench(fixture.database, { inReplyCount: 1 });
    const { id } = await large.create({ codeCount: 100 });
    while ((await large.deliveries.generate()) !== null);
    const dump = await dumpOf(fixture);
    const delivered = await fixture.database.transaction((transaction) => large.deliveries.fetch(id, transaction));
    expect(dump.length).toBeGreaterThan(1_000_000);
    for (const code of [...codes, ...delivered]) {
      const digits = code.slice(3).replaceAll('-', '');
      for (const form of [code.slice(0, 14), digits.slice(0, 12), Buffer.from(digits.slice(0, 12)).toString('hex'), Buffer.from(code).toString('base64').slice(0, 16)]) {
        if (dump.includes(form)) throw new Error(`the dump holds ${form}`);
      }
    }
    expect(dump).not.toContain('198.51.100.77');
    expect(bench.results.filter((result) => result === 'unknown')).toHaveLength(10_000);
  });
});

/** Every row of every table as text. */
async function dumpOf(fixture: TestDatabase): Promise<string> {
  const tables = await fixture.database.query<{ name: string }>("SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'");
  const texts: string[] = [];
  for (const { name } of tables.rows) {
    const { rows } = await fixture.database.query<{ row: string }>(`SELECT t::text AS row FROM "${name}" t`);
    texts.push(...rows.map(({ row }) => row));
  }
  return texts.join('\n');
}
