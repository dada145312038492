import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startGatewayProcess } from '../support/gateway-process.js';
import { Operator } from '../support/operator.js';

const TIMEOUT_MS = 150_000;
const CODE_COUNT = 40;
/** So many answers are seen, then the process dies with the others on their way. */
const KILL_AFTER_ANSWERS = [1, 10, 25];

/** Failpoint 11 of the ledger: a crash between the use of a code and its credit, by killing the process among many. */
describe('redeem codes and kill -9', () => {
  it(
    'leave each code unused or its credit given, and tell a retry which (F89)',
    async () => {
      const dataDirectory = mkdtempSync(join(tmpdir(), 'og-redeem-'));
      let gateway = await startGatewayProcess({ dataDirectory });
      const redeem = async (key: string, code: string): Promise<number> => {
        const response = await fetch(`${gateway.url}/v1/redeem`, {
          method: 'POST', headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' }, body: JSON.stringify({ code }), signal: AbortSignal.timeout(15_000),
        });
        await response.text();
        return response.status;
      };
      for (const killAfter of KILL_AFTER_ANSWERS) {
        const operator = new Operator(gateway);
        const { key, organizationId } = await operator.tenant();
        const codes = (await operator.post('redeem-codes', { count: CODE_COUNT, amount_usd: '2' }))['codes'] as string[];
        await redeem(key, 'warm');
        let answered = 0;
        let killed: Promise<void> | undefined;
        const redeemAndKill = async (code: string): Promise<number> => {
          const status = await redeem(key, code);
          answered += 1;
          if (answered >= killAfter) killed ??= gateway.kill();
          return status;
        };
        const before = await Promise.all(codes.map((code) => redeemAndKill(code).catch(() => 0)));
        await killed;
        expect(before.filter((status) => status === 200).length).toBeGreaterThanOrEqual(killAfter);
        gateway = await startGatewayProcess({ dataDirectory });
        const after = await Promise.all(codes.map((code) => redeem(key, code)));
        expect(after.filter((status) => status !== 200 && status !== 409)).toEqual([]);
        // Who saw 200 had the credit: nothing that was answered is redeemed again.
        expect(before.filter((status, index) => status === 200 && after[index] !== 409)).toEqual([]);
        const restarted = new Operator(gateway);
        expect(await restarted.get(`accounts/${organizationId}`)).toMatchObject({ balance_usd: String(CODE_COUNT * 2) });
        expect(await restarted.get('ledger/verify')).toMatchObject({ ok: true, drift_nano_usd: 0 });
      }
      await gateway.remove();
      rmSync(dataDirectory, { recursive: true, force: true });
    },
    TIMEOUT_MS,
  );
});
