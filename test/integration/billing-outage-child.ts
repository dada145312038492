/**
 * A database that is really stopped and started again under running streams, in a process of its own (the embedded launcher
 * needs native ES modules). Prints one line of JSON: what an operator would see at each stage.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrations } from '../../migrations/index.js';
import { DRIFT, INVARIANTS } from '../../src/billing/accounts/verify-sql.js';
import { NO_USAGE } from '../../src/core/chat/usage.js';
import { Database, databaseSettings, migrate, startEmbeddedPostgres } from '../../src/platform/database/index.js';
import { ending, holdOn, holdRequest, PRICE, startLedger, until } from './billing-harness.js';

const STREAMS = 100;
const directory = mkdtempSync(join(tmpdir(), 'og-outage-'));
const start = () => startEmbeddedPostgres({ dataDirectory: directory, durable: false, say: () => undefined });

let server = await start();
const settings = databaseSettings(server.url, { poolSize: 5, acquireTimeoutMs: 500 });
await migrate(settings, migrations);
const database = new Database(settings);
const count = async (text: string): Promise<string> => String(Object.values((await database.query(text)).rows[0] ?? {})[0]);
await database.query(`
  WITH g AS (INSERT INTO ledger_grants (ceiling_id, organization_id, amount, remaining, reason, source) VALUES (ledger_account('org'), 'org', 1e9, 1e9, 'test', 'operator') RETURNING id)
  INSERT INTO ledger_transactions (kind, organization_id, issuance, credit, grant_id) SELECT 'grant', 'org', -1e9, 1e9, g.id FROM g`);
await database.query("UPDATE ledger_ceilings SET posted = 1e9 WHERE scope_id = 'org'");
const { engine, problems } = await startLedger(database, directory);
const holds = await Promise.all(Array.from({ length: STREAMS }, () => engine.hold(holdRequest('org', 100))));
for (const hold of holds) hold.checkpoint({ ...NO_USAGE, output: 5 }, PRICE);
await until(async () => (await count("SELECT count(*) FROM ledger_requests WHERE state = 'forwarded'")) === String(STREAMS));

await server.stop();
const settled = holds.map((hold, index) => hold.settle(ending(10 + (index % 7))));
const refused = await holdOn(engine, holdRequest('org', 1)).catch((error: { code: string }) => error.code);
const flushedWhileDown = await engine.flush();
const unpostedCount = engine.figures.unpostedCount;
server = await start();
await until(() => engine.figures.unpostedCount === 0, 20_000);
const charged = settled.reduce((sum, { chargedNanoUsd }) => sum + chargedNanoUsd, 0n);
const violated: string[] = [];
for (const { id, text } of INVARIANTS) if ((await database.query(text)).rowCount !== 0) violated.push(id);
const drift = await count(DRIFT);
const balance = await count("SELECT posted FROM ledger_ceilings WHERE scope_id = 'org'");
process.stdout.write(`${JSON.stringify({
  refused, flushedWhileDown, unpostedCount, violated, drift, poison: problems.filter((problem) => problem.startsWith('poison')).length,
  exact: BigInt(balance) === 10n ** 9n - charged, captures: await count("SELECT count(*) FROM ledger_transactions WHERE kind = 'capture'"),
})}\n`);
await engine.stop();
await database.close();
await server.stop();
rmSync(directory, { recursive: true, force: true });
process.exit(0);
