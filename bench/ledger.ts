/**
 * What the ledger costs: strict admission and capture on one hot account, one process, PostgreSQL included. Prints; asserts
 * only that the money is right. `node --experimental-transform-types --require ./test/support/typescript-hooks.cjs bench/ledger.ts`
 * with DATABASE_URL (a database of its own), or without: an embedded PostgreSQL (durable) in a temporary directory.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BillingSettings } from '../src/billing/billing-settings.js';
import { LedgerEngine } from '../src/billing/holds/ledger-engine.js';
import { LedgerRepository } from '../src/billing/posting/ledger.repository.js';
import { NO_USAGE } from '../src/core/chat/usage.js';
import { parsePrice } from '../src/core/pricing/index.js';
import { SystemClock } from '../src/platform/clock/index.js';
import { Database, databaseSettings, migrate, startEmbeddedPostgres } from '../src/platform/database/index.js';
import { newId } from '../src/platform/ids/index.js';

const SECONDS = Number(process.env['BENCH_SECONDS'] ?? '5');
const HOLD_NANO_USD = 1_000_000n;
const TICKS_PER_SECOND = 100;

async function main(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'og-bench-ledger-'));
  const embedded = process.env['DATABASE_URL'] === undefined ? await startEmbeddedPostgres({ dataDirectory: directory, durable: true, say: () => undefined }) : null;
  const settings = databaseSettings(embedded?.url ?? process.env['DATABASE_URL'] ?? '', { poolSize: 10 });
  const { migrations } = await import('../migrations/index.js');
  await migrate(settings, migrations);
  const database = new Database(settings);
  try {
    const server = embedded === null ? 'DATABASE_URL' : 'embedded PostgreSQL, fsync on';
    console.log(`Node ${process.version}, ${SECONDS} s per row, one hot account, ${server}`);
    console.log('ledger | concurrent | pairs/s | hold p50 ms | p99 ms | own CPU µs/pair | PostgreSQL CPU µs/pair');
    await measureAll(database, { directory, postmaster: embedded?.pid ?? null });
  } finally {
    await database.close();
    await embedded?.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

interface Place {
  directory: string;
  postmaster: number | null;
}

interface Load {
  concurrency: number;
  strict: boolean;
}

async function measureAll(database: Database, place: Place): Promise<void> {
  for (const strict of [true, false]) {
    for (const concurrency of [1, 8, 64, 256]) await measure(database, place, { concurrency, strict });
  }
}

async function measure(database: Database, { directory, postmaster }: Place, { concurrency, strict }: Load): Promise<void> {
  const organizationId = `bench-${concurrency}-${Date.now()}`;
  await fund(database, organizationId);
  const engine = new LedgerEngine({
    database, repository: new LedgerRepository(database), clock: new SystemClock(), settings: new BillingSettings(), zone: 'bench', dataDirectory: directory,
    observer: { onError: (where, error) => console.error(where, error), onPoison: (_fold, error) => console.error('poison', error), onBatch: () => undefined },
  });
  await engine.start();
  const price = parsePrice({ input: '1', output: '1' }, 'price');
  const usage = { ...NO_USAGE, input: 20, output: 30 };
  const latencies: number[] = [];
  const until = performance.now() + SECONDS * 1_000;
  const startedMs = performance.now();
  const before = [process.cpuUsage(), postgresCpuMs(postmaster)] as const;
  const loop = async (): Promise<void> => {
    while (performance.now() < until) {
      const askedMs = performance.now();
      const hold = await engine.hold({
        requestId: newId('req'), organizationId, projectId: 'p', keyId: 'k', budgets: [], model: 'sandbox/echo', amountNanoUsd: HOLD_NANO_USD,
        receivedAtMs: Date.now(), timezone: 'UTC', strict,
      });
      latencies.push(performance.now() - askedMs);
      hold.forwarded({ provider: 'p', upstreamModel: 'm', number: 1, atMs: Date.now() });
      await new Promise(setImmediate);
      hold.settle({
        end: 'completed', price, cost: price, usage, delivered: usage, hadHeaders: true, hadContent: true, billPartial: true, requests: 1, images: 0,
        seconds: 0, suspenseNanoUsd: 0n, attempts: 1, provider: 'p', upstreamModel: 'm', servedModel: 'sandbox/echo', endedAtMs: Date.now(),
      });
    }
  };
  await Promise.all(Array.from({ length: concurrency }, loop));
  await engine.flush();
  const seconds = (performance.now() - startedMs) / 1_000;
  const own = process.cpuUsage(before[0]);
  const postgresMs = postgresCpuMs(postmaster) - before[1];
  await engine.stop();
  latencies.sort((a, b) => a - b);
  const at = (share: number): string => (latencies[Math.floor(latencies.length * share)] ?? 0).toFixed(2);
  const perPair = (microseconds: number): string => (microseconds / latencies.length).toFixed(0);
  console.log(
    `${strict ? 'strict' : 'leases'} | ${concurrency} | ${(latencies.length / seconds).toFixed(0)} | ${at(0.5)} | ${at(0.99)} | ${perPair(own.user + own.system)} | ${perPair(postgresMs * 1_000)}`,
  );
  await checkBalance(database, organizationId, latencies.length);
}

async function fund(database: Database, organizationId: string): Promise<void> {
  await database.query(
    `WITH c AS (SELECT ledger_account($1) AS id), g AS (
       INSERT INTO ledger_grants (ceiling_id, organization_id, amount, remaining, reason, source) SELECT id, $1, 10^17, 10^17, 'bench', 'operator' FROM c RETURNING ceiling_id)
     SELECT ceiling_id FROM g`,
    [organizationId],
  );
  await database.query("UPDATE ledger_ceilings SET posted = 10::numeric ^ 17 WHERE scope = 'account' AND scope_id = $1", [organizationId]);
}

async function checkBalance(database: Database, organizationId: string, count: number): Promise<void> {
  const { rows } = await database.query<{ posted: string; leased: string }>('SELECT posted, leased FROM ledger_ceilings WHERE scope_id = $1', [organizationId]);
  const expected = 10n ** 17n - BigInt(count) * 50_000n;
  if (BigInt(rows[0]?.posted ?? '0') !== expected || rows[0]?.leased !== '0') throw new Error(`the balance is ${JSON.stringify(rows[0])}, expected ${expected}`);
}

/** User and system time of our own server's processes; unknown for a server that is not ours. */
function postgresCpuMs(postmaster: number | null): number {
  if (postmaster === null) return Number.NaN;
  const children = execFileSync('sh', ['-c', `pgrep -P ${postmaster} || true`], { encoding: 'utf8' }).trim().split('\n').filter(Boolean);
  const pids = [String(postmaster), ...children];
  let ticks = 0;
  for (const pid of pids) {
    try {
      const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
      ticks += Number(fields[11]) + Number(fields[12]);
    } catch {
      // It ended between the list and the look.
    }
  }
  return (ticks * 1_000) / TICKS_PER_SECOND;
}

await main();
