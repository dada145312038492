/**
 * A process that holds and streams until it is killed. Says on stdout, line by line, what a client has been sent:
 * `ready`, then `delivered <request> <tokens>` and `ended <request> <tokens>`.
 */
import { writeSync } from 'node:fs';
import { NO_USAGE } from '../../src/core/chat/usage.js';
import type { Hold } from '../../src/core/ledger/index.js';
import { Database, databaseSettings } from '../../src/platform/database/index.js';
import { ending, holdRequest, PRICE, startLedger } from './billing-harness.js';

const [url = '', dataDirectory = '', organizationId = '', count = '10'] = process.argv.slice(2);
const say = (line: string): void => void writeSync(1, `${line}\n`);

// Frozen in the middle of a transaction it keeps its locks until the server ends that: shorter here, as all times of the ledger are.
const database = new Database(databaseSettings(url, { poolSize: 5, idleTransactionTimeoutMs: 1_000 }));
const { engine } = await startLedger(database, dataDirectory);
const holds = await Promise.all(Array.from({ length: Number(count) }, () => engine.hold(holdRequest(organizationId, 1_000))));
say('ready');

/** Ten tokens every 20 ms; what is checkpointed has been delivered before. Every fifth request ends on its own. */
async function stream(hold: Hold, index: number): Promise<void> {
  hold.forwarded({ provider: 'p', upstreamModel: 'm', number: 1, atMs: Date.now() });
  for (let tokens = 10; ; tokens += 10) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    say(`delivered ${hold.requestId} ${tokens}`);
    if (tokens % 30 === 0) hold.checkpoint({ ...NO_USAGE, output: tokens }, PRICE);
    if (index % 5 === 0 && tokens >= 100) {
      hold.settle(ending(tokens));
      // As the gateway does before the last byte: the journal is written at the end of the event loop's turn.
      await engine.written();
      say(`ended ${hold.requestId} ${tokens}`);
      return;
    }
  }
}

await Promise.all(holds.map(stream));
